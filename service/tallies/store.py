"""The only SQL on tallies."""

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from service.tallies.tables import access_tallies


def keep(conn: Connection, process: UUID, day: int, sealed: bytes) -> None:
    """What a process counted on a day, in place of what it counted before."""
    insert: Any = sqlite_insert if conn.dialect.name == "sqlite" else postgresql_insert
    statement = insert(access_tallies).values(process=process, day=day, sealed=sealed)
    keys = ["process", "day"]
    conn.execute(statement.on_conflict_do_update(index_elements=keys, set_={"sealed": sealed}))


def of_day(conn: Connection, day: int) -> list[tuple[UUID, bytes]]:
    """What each process counted on a day."""
    c = access_tallies.c
    found = select(c.process, c.sealed).where(c.day == day).order_by(c.process)
    return [(row[0], bytes(row[1])) for row in conn.execute(found)]
