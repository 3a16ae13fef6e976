"""The only SQL on tallies."""

from uuid import UUID

from sqlalchemy import Connection, select

from service.kit.bulk import Bulk
from service.tallies.tables import access_tallies

_KEPT = Bulk(access_tallies, "process", "day")


def keep(conn: Connection, process: UUID, day: int, sealed: bytes) -> None:
    """What a process counted on a day, in place of what it counted before."""
    _KEPT.run(conn, [{"process": process.bytes, "day": day, "sealed": sealed}])


def of_day(conn: Connection, day: int) -> list[tuple[UUID, bytes]]:
    """What each process counted on a day."""
    c = access_tallies.c
    found = select(c.process, c.sealed).where(c.day == day).order_by(c.process)
    return [(row[0], bytes(row[1])) for row in conn.execute(found)]
