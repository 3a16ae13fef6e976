"""What `kangma keys check` reports: facts about the keys, never a key."""

from dataclasses import dataclass
from pathlib import Path

from service.keys.keyring import Keyring
from service.keys.keystore import Keystore
from service.kit.errors import IntegrityBroken

SAMPLE = 200


@dataclass(frozen=True, slots=True)
class KeyReport:
    """The state of root key and keystore. `sound` is True when nothing below needs an operator."""

    root_key: str
    primary: int
    versions: list[int]
    keyrings: dict[int, int]
    """How many keyrings each version of the root key wraps."""
    sampled: int
    unreadable: int
    """Keyrings of the sample that do not open: altered, or moved between residents."""
    tombstones: int
    revenants: int
    """Keyrings of erased residents that a restored backup brought back; they are never used."""
    journal_bytes: int
    """Size of SQLite's write-ahead log, 0 on PostgreSQL."""
    system_keys: list[str]

    @property
    def sound(self) -> bool:
        return self.unreadable == 0 and self.revenants == 0


def check(keystore: Keystore) -> KeyReport:
    """Look at everything once; opening the keystore has already proved that the root key fits."""
    rings = keystore.sample(SAMPLE)
    unreadable = 0
    for resident, sealed in rings.items():
        try:
            Keyring.open(sealed, keystore.kek, keystore.deployment, resident)
        except IntegrityBroken:
            unreadable += 1
    return KeyReport(
        root_key=keystore.kek.id,
        primary=keystore.kek.primary,
        versions=sorted(keystore.kek.versions),
        keyrings=keystore.versions_in_use(),
        sampled=len(rings),
        unreadable=unreadable,
        tombstones=len(keystore.tombstones()),
        revenants=keystore.revenants(),
        journal_bytes=_journal(keystore),
        system_keys=[row.kid for row in keystore.system()],
    )


def _journal(keystore: Keystore) -> int:
    path = keystore.engine.url.database
    if keystore.engine.dialect.name != "sqlite" or path is None:
        return 0
    journal = Path(f"{path}-wal")
    return journal.stat().st_size if journal.exists() else 0
