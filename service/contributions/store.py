"""The only SQL of contributions."""

from collections.abc import Iterator, Sequence
from itertools import chain

from sqlalchemy import (
    Connection,
    Integer,
    LargeBinary,
    bindparam,
    delete,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from service.contributions.tables import contributions
from service.kit.prepared import Prepared

BATCH = 10_000
PSEUDONYM_BYTES = 16
RECORD = PSEUDONYM_BYTES + 104
"""A pseudonym and its ciphertext; the table holds both to these sizes."""
_AFTER = contributions.c.pseudonym > bindparam("last", type_=LargeBinary)
_ROWS = (
    select(contributions.c.pseudonym, contributions.c.sealed)
    .where(_AFTER)
    .order_by(contributions.c.pseudonym)
    .limit(bindparam("size", type_=Integer))
)
_PAGE = Prepared(_ROWS)
_LINES = _ROWS.subquery()
_JOINED = Prepared(
    select(
        func.string_agg(
            _LINES.c.pseudonym.op("||")(_LINES.c.sealed),
            aggregate_order_by(text("''::bytea"), _LINES.c.pseudonym),
        )
    )
)


def replace(conn: Connection, pseudonym: bytes, sealed: bytes) -> None:
    conn.execute(delete(contributions).where(contributions.c.pseudonym == pseudonym))
    conn.execute(insert(contributions).values(pseudonym=pseudonym, sealed=sealed))


def delete_one(conn: Connection, pseudonym: bytes) -> bool:
    done = conn.execute(delete(contributions).where(contributions.c.pseudonym == pseudonym))
    return done.rowcount > 0


def pseudonyms(conn: Connection) -> list[bytes]:
    return [bytes(name) for name in conn.execute(select(contributions.c.pseudonym)).scalars()]


def has(conn: Connection, pseudonym: bytes) -> bool:
    found = select(contributions.c.pseudonym).where(contributions.c.pseudonym == pseudonym)
    return conn.execute(found).first() is not None


def among(conn: Connection, many: Sequence[bytes]) -> Sequence[bytes]:
    """Those of these pseudonyms that have a row."""
    found = select(contributions.c.pseudonym).where(contributions.c.pseudonym.in_(many))
    return conn.execute(found).scalars().all()


def batches(conn: Connection, size: int = BATCH) -> Iterator[bytes]:
    """All rows in order of pseudonym, so many at a time: `RECORD` bytes each, one after another."""
    last = b""
    while records := _records(conn, last, size):
        yield records
        last = records[-RECORD : -RECORD + PSEUDONYM_BYTES]


def _records(conn: Connection, last: bytes, size: int) -> bytes:
    if conn.dialect.name == "postgresql":
        # One value instead of thousands: a batch costs the client next to nothing.
        ((joined,),) = _JOINED.rows(conn, {"last": last, "size": size})
        return joined or b""
    return b"".join(chain.from_iterable(_PAGE.rows(conn, {"last": last, "size": size})))


def total(conn: Connection) -> int:
    return conn.execute(select(func.count()).select_from(contributions)).scalar_one()
