"""The only SQL of contributions."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, delete, func, insert, select

from service.contributions.tables import contributions

BATCH = 10_000


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


def batches(conn: Connection, size: int = BATCH) -> Iterator[Sequence[tuple[bytes, bytes]]]:
    """All rows in order of pseudonym, in bounded memory on every database."""
    last = b""
    page = select(contributions.c.pseudonym, contributions.c.sealed)
    page = page.order_by(contributions.c.pseudonym).limit(size)
    while rows := conn.execute(page.where(contributions.c.pseudonym > last)).all():
        yield rows
        last = rows[-1][0]


def total(conn: Connection) -> int:
    return conn.execute(select(func.count()).select_from(contributions)).scalar_one()
