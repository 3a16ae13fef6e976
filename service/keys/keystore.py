"""The keystore: the only SQL on keyrings, tombstones and system keys, on an engine of its own.

Every method is one transaction and may be called from any thread. Opening a keystore proves
first that the root key is the one it was founded with. A keyring whose resident has a tombstone
is never handed out, even when a restored backup brought its row back.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import islice
from os import urandom
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Connection, Row, Table, delete, func, inspect, make_url, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from consent.vocabulary import Text
from service.keys import marks
from service.keys.keyring import SealedKeyring
from service.keys.proof import NOT_FOUNDED, check_row, checked
from service.keys.stages import admit, lock
from service.keys.tables import (
    kek_check,
    keyrings,
    keystore_metadata,
    pending_keyrings,
    ring_keys,
    system_keys,
    tombstones,
)
from service.keys.wrapping import KeyRefused, RootKey
from service.kit.column_types import EPOCH
from service.kit.crypto.aead import AES_256_GCM, SUITES
from service.kit.engines import open_engine
from service.kit.errors import Gone, NotFound
from service.kit.lending import Lending

SUITE_NAMES = {number: suite.name for number, suite in SUITES.items()}
"""The cipher suites that new data keys may be of."""
T = TypeVar("T")
_CHUNK = 500
_ROW = (ring_keys.c.kek_version, ring_keys.c.wrapped_rdek, keyrings.c.sealed_document)
_RINGS = keyrings.join(ring_keys, ring_keys.c.resident_id == keyrings.c.resident_id)


@dataclass(frozen=True, slots=True)
class Tombstone:
    """That a resident's keys were destroyed. `hash` covers who, when, why and the destroyed row."""

    resident: UUID
    at: datetime
    reason: str
    hash: bytes


def is_founded(url: str) -> bool:
    """Whether a keystore with anything in it exists at `url`; makes nothing."""
    place = make_url(url)
    if place.get_backend_name() == "sqlite" and not Path(place.database or "").exists():
        return False
    engine = open_engine(url)
    try:
        present = set(inspect(engine).get_table_names())
        with engine.connect() as conn:
            return any(
                conn.execute(select(1).select_from(table).limit(1)).first() is not None
                for table in (kek_check, keyrings, system_keys)
                if table.name in present
            )
    finally:
        engine.dispose()


class Keystore:
    """An open keystore. `deployment` are the sixteen bytes that bind every key to this service.

    `suite` is the cipher suite of new data keys. It stands inside the check rows, under the root
    key, so nobody changes it by writing into the keystore.
    """

    def __init__(self, url: str, kek: RootKey) -> None:
        self.kek = kek
        self.engine = open_engine(url)
        self._writing = self.engine.execution_options(kangma_writes=True)
        self._lending = Lending()
        try:
            self.deployment = self._prove()
        except BaseException:
            self.engine.dispose()
            raise

    @classmethod
    def found(cls, url: str, kek: RootKey, suite: int = AES_256_GCM.number) -> "Keystore":
        """Begin an empty keystore under this root key; tables that migrations made are kept."""
        if is_founded(url):
            raise KeyRefused(Text("密钥库已存在。", "The keystore exists already."))
        engine = open_engine(url)
        try:
            keystore_metadata.create_all(engine)
            with engine.execution_options(kangma_writes=True).begin() as conn:
                row = check_row(kek, kek.primary, urandom(16), suite)
                conn.execute(kek_check.insert(), [row])
        finally:
            engine.dispose()
        return cls(url, kek)

    def close(self) -> None:
        """Let go of the database and of the root key."""
        self._lending.close()
        self.engine.dispose()
        self.kek.close()

    def reading(self) -> AbstractContextManager[Connection]:
        """A connection for one look at the keystore."""
        return self._lending.of(self.engine)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction that changes the keystore, durable when the block ends."""
        with self._lending.of(self._writing) as conn, conn.begin():
            yield conn

    # -- the root key ------------------------------------------------------------------------

    def refresh(self) -> None:
        """See what another process changed of the root key; KeyRefused when it no longer fits."""
        self.kek.reload()
        self._prove()

    def _prove(self) -> bytes:
        """Refuse a root key that is not the one; returns the deployment's id.

        A version is needed as long as it has a check row: who destroys one removes its row once
        nothing is wrapped by it.
        """
        if not inspect(self.engine).has_table(kek_check.name):
            raise KeyRefused(NOT_FOUNDED)
        with self.reading() as conn:
            rows = conn.execute(select(kek_check).order_by(kek_check.c.version)).all()
        if not rows:
            raise KeyRefused(NOT_FOUNDED)
        for row in rows:
            if row.version not in self.kek.versions:
                raise KeyRefused(
                    Text(
                        f"主密钥缺少密钥库使用的第 {row.version} 版。",
                        f"The root key lacks version {row.version}, which the keystore needs.",
                    )
                )
            # The newest row decides; older ones cannot be written anew.
            self.suite = checked(self.kek, row)
        deployment = bytes(rows[0].deployment)
        self._welcome(self.kek.versions - {row.version for row in rows}, deployment)
        return deployment

    def _welcome(self, added: frozenset[int], deployment: bytes) -> None:
        """Check rows for new versions. One older than the primary wraps nothing and needs none."""
        new = sorted(version for version in added if version >= self.kek.primary)
        if new:
            with self.writing() as conn:
                lock(conn)
                for version in new:
                    self._check_in(conn, version, deployment)

    def choose_suite(self, suite: int) -> None:
        """Let new data keys be of another suite; what is sealed stays and still opens."""
        version = kek_check.c.version
        with self.writing() as conn:
            # No version is checked in meanwhile, which would name the suite of before.
            lock(conn)
            held = conn.scalars(select(version).where(version >= self.kek.primary)).all()
            for number in held:
                row = check_row(self.kek, number, self.deployment, suite)
                conn.execute(kek_check.update().where(version == number).values(row))
        self.suite = suite

    def check_in(self, conn: Connection, version: int) -> None:
        """Ask from now on that every root key has this new version; `stages.lock` is held."""
        self._check_in(conn, version, self.deployment)

    def _check_in(self, conn: Connection, version: int, deployment: bytes) -> None:
        newest = select(kek_check).order_by(kek_check.c.version.desc()).limit(1)
        self.suite = checked(self.kek, conn.execute(newest).one())
        _add(conn, kek_check, [check_row(self.kek, version, deployment, self.suite)])

    def checked_in(self, conn: Connection) -> list[int]:
        """The versions that every root key of this keystore must have."""
        return list(conn.scalars(select(kek_check.c.version)))

    def versions_in_use(self) -> dict[int, int]:
        """How many keyrings each root key version wraps."""
        with self.reading() as conn:
            version = ring_keys.c.kek_version
            counted = select(version, func.count()).group_by(version)
            return {row[0]: row[1] for row in conn.execute(counted)}

    # -- keyrings ----------------------------------------------------------------------------

    def add(self, rings: Sequence[tuple[UUID, SealedKeyring]], *, now: datetime) -> None:
        """Keep new keyrings. One that is there stays as it is; an erased resident is Gone.

        Each waits from `now` on for its person (`service.keys.pending`).

        `stages.Outgrown` when one is wrapped by a version that is retired.
        """
        with self.writing() as conn:
            admit(conn, {ring.kek_version for _, ring in rings})
            for part in _chunks(rings):
                ids = [resident for resident, _ in part]
                if conn.execute(select(1).where(tombstones.c.resident_id.in_(ids))).first():
                    raise Gone
                _add(conn, pending_keyrings, [{"resident_id": who, "since": now} for who in ids])
                _add(conn, keyrings, [_document_row(resident, ring) for resident, ring in part])
                _add(conn, ring_keys, [_key_row(resident, ring) for resident, ring in part])

    def load(self, resident: UUID) -> SealedKeyring:
        """One keyring; Gone when it was destroyed, NotFound when it never was."""
        with self.reading() as conn:
            row = conn.execute(
                select(*_ROW)
                .select_from(_RINGS)
                .where(keyrings.c.resident_id == resident, _not_erased())
            ).first()
            if row is not None:
                return _ring(row, marks.of(conn, [resident]).get(resident, marks.NONE))
            raise NotFound if _tombstone(conn, resident) is None else Gone

    def load_many(self, residents: Iterable[UUID]) -> dict[UUID, SealedKeyring]:
        """The keyrings of those who have one, 500 in a statement."""
        found: dict[UUID, SealedKeyring] = {}
        with self.reading() as conn:
            for part in _chunks(residents):
                rows = conn.execute(
                    select(keyrings.c.resident_id, *_ROW)
                    .select_from(_RINGS)
                    .where(keyrings.c.resident_id.in_(part), _not_erased())
                )
                known = marks.of(conn, part)
                for row in rows:
                    marked = known.get(row.resident_id, marks.NONE)
                    found[row.resident_id] = _ring(row, marked)
        return found

    def residents(self, *, after: UUID | None, limit: int) -> list[UUID]:
        """Who has a keyring, in order of id."""
        query = select(keyrings.c.resident_id).order_by(keyrings.c.resident_id).limit(limit)
        if after is not None:
            query = query.where(keyrings.c.resident_id > after)
        with self.reading() as conn:
            return list(conn.scalars(query))

    def sample(self, limit: int) -> dict[UUID, SealedKeyring]:
        """Some keyrings, for `kangma keys check`."""
        with self.reading() as conn:
            rows = conn.execute(
                select(keyrings.c.resident_id, *_ROW)
                .select_from(_RINGS)
                .where(_not_erased())
                .limit(limit)
            )
            return {row.resident_id: _ring(row, marks.NONE) for row in rows}

    # -- erasure -----------------------------------------------------------------------------

    def shred(self, resident: UUID, *, now: datetime, reason: str) -> Tombstone:
        """Destroy a keyring for good and leave a tombstone; the second time changes nothing."""
        with self.writing() as conn:
            mine = keyrings.c.resident_id == resident
            held = select(*_ROW).select_from(_RINGS).where(mine).with_for_update()
            row = conn.execute(held).first()
            stone = _tombstone(conn, resident)
            if stone is None:
                if row is None:
                    raise NotFound
                stone = Tombstone(resident, now, reason, _stone_hash(resident, now, reason, row))
                conn.execute(
                    tombstones.insert().values(
                        resident_id=resident, at=now, reason=reason, hash=stone.hash
                    )
                )
            conn.execute(delete(keyrings).where(mine))
            conn.execute(delete(ring_keys).where(ring_keys.c.resident_id == resident))
        self.empty_journal()
        return stone

    def empty_journal(self) -> bool:
        """Cut SQLite's write-ahead log to nothing: it still holds pages as they once were.

        False when a reader in another process held it for the whole busy timeout (30 s); the
        deletion stands, and the next checkpoint cuts the log. True on PostgreSQL, where old row
        versions go with autovacuum and old log with its recycling, inside the retention R_k.
        """
        if self.engine.dialect.name != "sqlite":
            return True
        raw = self.engine.raw_connection()
        try:
            cursor = raw.cursor()
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            (busy, _, _) = cursor.fetchone() or (1, 0, 0)
            cursor.close()
            return bool(busy == 0)
        finally:
            raw.close()

    def tombstones(self) -> list[Tombstone]:
        """All of them, oldest first; a restored data store replays them."""
        with self.reading() as conn:
            rows = conn.execute(select(tombstones).order_by(tombstones.c.at))
            return [Tombstone(r.resident_id, r.at, r.reason, bytes(r.hash)) for r in rows]

    def revenants(self) -> int:
        """How many keyrings stand beside a tombstone, as after a restore without replay."""
        with self.reading() as conn:
            ids = select(tombstones.c.resident_id)
            counted = select(func.count()).select_from(keyrings)
            return conn.execute(counted.where(keyrings.c.resident_id.in_(ids))).scalar_one()

    # -- system keys -------------------------------------------------------------------------

    def system(self, name: str | None = None) -> list[Row[Any]]:
        """Rows of system keys, oldest first: of one name or all."""
        rows = select(system_keys).order_by(system_keys.c.name, system_keys.c.number)
        with self.reading() as conn:
            return list(
                conn.execute(rows if name is None else rows.where(system_keys.c.name == name))
            )

    def add_system(self, rows: list[dict[str, Any]]) -> None:
        """Keep new system keys; of two processes that make the same one, the first wins."""
        with self.writing() as conn:
            admit(conn, {row["kek_version"] for row in rows})
            _add(conn, system_keys, rows)

    def restage(self, name: str, stages: dict[str, str], added: dict[str, Any]) -> None:
        """Move keys (kid to stage) and add the next one, together or not at all."""
        with self.writing() as conn:
            admit(conn, [added["kek_version"]])
            conn.execute(system_keys.insert().values(added))
            for kid, stage in stages.items():
                conn.execute(
                    system_keys.update()
                    .where(system_keys.c.name == name, system_keys.c.kid == kid)
                    .values(stage=stage)
                )


def _add(conn: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    """Insert what is not there yet."""
    insert = sqlite_insert if conn.dialect.name == "sqlite" else postgresql_insert
    conn.execute(insert(table).on_conflict_do_nothing(), rows)


def _document_row(resident: UUID, ring: SealedKeyring) -> dict[str, Any]:
    return {"resident_id": resident, "sealed_document": ring.sealed_document}


def _key_row(resident: UUID, ring: SealedKeyring) -> dict[str, Any]:
    wrapped = {"kek_version": ring.kek_version, "wrapped_rdek": ring.wrapped_rdek}
    return {"resident_id": resident, **wrapped}


def _ring(row: Any, marked: marks.Marks) -> SealedKeyring:
    wrapped, document = bytes(row.wrapped_rdek), bytes(row.sealed_document)
    return SealedKeyring(row.kek_version, wrapped, document, *marked)


def _not_erased() -> Any:
    return ~select(1).where(tombstones.c.resident_id == keyrings.c.resident_id).exists()


def _tombstone(conn: Connection, resident: UUID) -> Tombstone | None:
    row = conn.execute(select(tombstones).where(tombstones.c.resident_id == resident)).first()
    return None if row is None else Tombstone(resident, row.at, row.reason, bytes(row.hash))


def _stone_hash(resident: UUID, at: datetime, reason: str, row: Any) -> bytes:
    micros = ((at - EPOCH) // timedelta(microseconds=1)).to_bytes(8, "big", signed=True)
    destroyed = sha256(bytes(row.wrapped_rdek) + bytes(row.sealed_document)).digest()
    who_and_when = b"kangma tombstone 1" + resident.bytes + micros
    return sha256(who_and_when + destroyed + reason.encode()).digest()


def _chunks(items: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(items)
    while part := list(islice(rest, _CHUNK)):
        yield part
