"""What `kangma keys check` reports: facts about the keys, never a key."""

from dataclasses import dataclass
from pathlib import Path

from service.keys import stages
from service.keys.keyring import Keyring
from service.keys.keystore import Keystore
from service.keys.system import belongs_to
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


@dataclass(frozen=True, slots=True)
class Verified:
    """Every key opened once. `broken` names keyrings by resident and system keys by kid."""

    keyrings: int
    system_keys: int
    broken: list[str]
    wrapped_by: dict[int, int]

    @property
    def sound(self) -> bool:
        return not self.broken


def every_key(keystore: Keystore) -> Verified:
    """Open every keyring and every system key, a batch at a time, and drop them."""
    broken: list[str] = []
    opened, after = 0, None
    while batch := keystore.residents(after=after, limit=SAMPLE):
        for resident, sealed in keystore.load_many(batch).items():
            opened += 1
            try:
                Keyring.open(sealed, keystore.kek, keystore.deployment, resident)
            except IntegrityBroken:
                broken.append(f"keyring {resident}")
        after = batch[-1]
    rows = keystore.system()
    for row in rows:
        bound = belongs_to(keystore.deployment, row.name, row.kid)
        try:
            keystore.kek.unwrap(row.kek_version, bytes(row.wrapped), bound)
        except IntegrityBroken:
            broken.append(f"system key {row.kid}")
    with keystore.reading() as conn:
        return Verified(opened, len(rows), broken, stages.wrapped_by(conn))


def _journal(keystore: Keystore) -> int:
    path = keystore.engine.url.database
    if keystore.engine.dialect.name != "sqlite" or path is None:
        return 0
    journal = Path(f"{path}-wal")
    return journal.stat().st_size if journal.exists() else 0
