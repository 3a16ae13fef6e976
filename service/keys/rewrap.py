"""Wrapping every key anew under the primary root key: 1,000 in a transaction, resumable.

Only wrapped keys change, in small rows of their own; the documents stay as they are. What is done
is done: a run that was cut off goes on with what is left. On PostgreSQL rows that somebody else
holds are passed over and met again in the next round, so nobody waits for a whole batch.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Integer, LargeBinary, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY

from service.keys import stages
from service.keys.keystore import Keystore
from service.keys.system import belongs_to
from service.keys.tables import ring_keys, system_keys
from service.keys.wrapping import belonging
from service.kit.errors import IntegrityBroken
from service.kit.prepared import Prepared

BATCH = 1000

_NEXT = Prepared(
    select(ring_keys)
    .where(
        ring_keys.c.resident_id > bindparam("after", type_=LargeBinary),
        ring_keys.c.kek_version != bindparam("primary", type_=Integer),
    )
    .order_by(ring_keys.c.resident_id)
    .limit(bindparam("batch", type_=Integer))
    # SQLite has no such words: there is one writer at a time anyway.
    .with_for_update(skip_locked=True)
)
_FRESH = (
    func.unnest(
        bindparam("versions", type_=ARRAY(Integer)),
        bindparam("wrapped", type_=ARRAY(LargeBinary)),
        bindparam("residents", type_=ARRAY(LargeBinary)),
    )
    .table_valued("version", "wrapped", "resident", name="fresh")
    .render_derived()
)
_ANEW = Prepared(
    update(ring_keys)
    .values(kek_version=_FRESH.c.version, wrapped_rdek=_FRESH.c.wrapped)
    .where(ring_keys.c.resident_id == _FRESH.c.resident)
)


@dataclass(frozen=True, slots=True)
class Progress:
    """How many keys were wrapped anew so far, how many are left, and which do not open."""

    done: int
    left: int
    broken: tuple[str, ...] = ()


def rewrap(keystore: Keystore, *, batch: int = BATCH) -> Iterator[Progress]:
    """Wrap everything by the primary; yields after each transaction and once at the end."""
    keystore.refresh()
    done, broken = _system(keystore)
    left = _left(keystore)
    yield Progress(done, left, tuple(broken))
    while True:
        before = done
        for count, unreadable in _round(keystore, batch):
            done += count
            broken += unreadable
            yield Progress(done, max(0, left - done), tuple(broken))
        left = _left(keystore)
        # What was held by others is met in the next round; what does not open never will.
        if left <= len(broken) or done == before:
            break
        broken = [name for name in broken if name.startswith("system")]
    yield Progress(done, left, tuple(broken))


def _round(keystore: Keystore, batch: int) -> Iterator[tuple[int, list[str]]]:
    after = bytes(16)
    while True:
        with keystore.writing() as conn:
            primary = keystore.kek.primary
            stages.admit(conn, [primary])
            rows = _batch(conn, primary, after, batch)
            if not rows:
                return
            good, broken = _rewrapped(keystore, rows)
            write(conn, good)
        after = rows[-1][0]
        yield len(good), broken


def _batch(conn: Connection, primary: int, after: bytes, batch: int) -> Sequence[Any]:
    """(resident, version, wrapped key) of the next keyrings that another version wraps."""
    return _NEXT.rows(conn, {"after": after, "primary": primary, "batch": batch})


def _rewrapped(
    keystore: Keystore, rows: Sequence[Any]
) -> tuple[list[tuple[int, bytes, bytes]], list[str]]:
    """(version, wrapped key, resident) of those that open, and names of those that do not."""
    deployment, kek = keystore.deployment, keystore.kek
    # `belonging` for each, without packing the same label and deployment a thousand times.
    prefix = belonging("rdek", deployment)[:-16]
    bound = [prefix + bytes(row[0]) for row in rows]
    items = [(row[1], bytes(row[2]), where) for row, where in zip(rows, bound, strict=True)]
    broken: list[str] = []
    try:
        keys = kek.unwrap_many(items)
    except IntegrityBroken:
        # One bad row must not hold up its neighbours: find it.
        good = [n for n, item in enumerate(items) if _opens(keystore, item)]
        names = {str(UUID(bytes=bytes(row[0]))) for row in rows}
        rows, bound = [rows[n] for n in good], [bound[n] for n in good]
        broken = sorted(names - {str(UUID(bytes=bytes(row[0]))) for row in rows})
        keys = kek.unwrap_many([items[n] for n in good])
    wrapped = kek.wrap_many(list(zip(keys, bound, strict=True)))
    fresh = [(v, key, bytes(row[0])) for (v, key), row in zip(wrapped, rows, strict=True)]
    return fresh, broken


def _opens(keystore: Keystore, item: tuple[int, bytes, bytes]) -> bool:
    try:
        keystore.kek.unwrap(*item)
    except IntegrityBroken:
        return False
    return True


def write(conn: Connection, fresh: Sequence[tuple[int, bytes, bytes]]) -> None:
    """All rows of a batch, of (version, wrapped key, resident), in one statement of the driver."""
    if not fresh:
        return
    if conn.dialect.name == "sqlite":
        statement = "UPDATE ring_keys SET kek_version = ?, wrapped_rdek = ? WHERE resident_id = ?"
        conn.exec_driver_sql(statement, list(fresh))
        return
    versions, wrapped, residents = zip(*fresh, strict=True)
    _ANEW.run(conn, {"versions": versions, "wrapped": wrapped, "residents": residents})


def _system(keystore: Keystore) -> tuple[int, list[str]]:
    """The few keys of the service itself, in one transaction."""
    done, broken = 0, []
    with keystore.writing() as conn:
        primary = keystore.kek.primary
        stages.admit(conn, [primary])
        old = select(system_keys).where(system_keys.c.kek_version != primary)
        for row in conn.execute(old.with_for_update()).all():
            bound = belongs_to(keystore.deployment, row.name, row.kid)
            try:
                key = keystore.kek.unwrap(row.kek_version, bytes(row.wrapped), bound)
            except IntegrityBroken:
                broken.append(f"system key {row.kid}")
                continue
            version, wrapped = keystore.kek.wrap(key, bound)
            conn.execute(
                update(system_keys)
                .where(system_keys.c.name == row.name, system_keys.c.kid == row.kid)
                .values(kek_version=version, wrapped=wrapped)
            )
            done += 1
    return done, broken


def _left(keystore: Keystore) -> int:
    primary = keystore.kek.primary
    with keystore.reading() as conn:
        return sum(
            count for version, count in stages.wrapped_by(conn).items() if version != primary
        )
