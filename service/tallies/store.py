"""The only SQL on tallies and on the days they were compared on."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from service.kit.bulk import Bulk
from service.tallies.tables import access_reconciled, access_tallies

_KEPT = Bulk(access_tallies, "process", "day")


def keep(conn: Connection, process: UUID, day: int, sealed: bytes) -> None:
    """What a process counted on a day, in place of what it counted before."""
    _KEPT.run(conn, [{"process": process.bytes, "day": day, "sealed": sealed}])


def of_day(conn: Connection, day: int) -> list[tuple[UUID, bytes]]:
    """What each process counted on a day."""
    c = access_tallies.c
    found = select(c.process, c.sealed).where(c.day == day).order_by(c.process)
    return [(row[0], bytes(row[1])) for row in conn.execute(found)]


def first_day(conn: Connection) -> int | None:
    """The oldest day that a tally or a begun comparison is of."""
    oldest = [
        conn.execute(select(func.min(table.c.day))).scalar_one()
        for table in (access_tallies, access_reconciled)
    ]
    return min((day for day in oldest if day is not None), default=None)


def marks(conn: Connection) -> dict[int, bytes]:
    """The mark of each day whose comparison has ended."""
    c = access_reconciled.c
    found = select(c.day, c.sealed).where(c.sealed.is_not(None))
    return {row[0]: bytes(row[1]) for row in conn.execute(found)}


def begin(
    conn: Connection, day: int, *, now: datetime, given_up: datetime, forged: bytes | None
) -> bool:
    """Whether the comparison of a day is this process's: nobody ended it or began it lately.

    A comparison begun before `given_up` is taken over, and so is a day whose mark is `forged`.
    """
    insert: Any = sqlite_insert if conn.dialect.name == "sqlite" else postgresql_insert
    c = access_reconciled.c
    # Nobody begins in times to come, whatever a row says; clocks differ by less than that.
    never = c.begun > now + (now - given_up)
    left = c.sealed.is_(None) & or_(c.begun < given_up, never)
    free = left if forged is None else or_(left, c.sealed == forged)
    taken = insert(access_reconciled).values(day=day, begun=now)
    taken = taken.on_conflict_do_update(
        index_elements=["day"], set_={"begun": now, "sealed": None}, where=free
    )
    return conn.execute(taken.returning(c.day)).scalar_one_or_none() is not None


def end(conn: Connection, day: int, sealed: bytes) -> None:
    """Leave the mark of a day whose comparison has ended."""
    c = access_reconciled.c
    conn.execute(update(access_reconciled).where(c.day == day).values(sealed=sealed))
