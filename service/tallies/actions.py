"""What the vault opened for others, kept with the access log so that the two can be compared.

That a day was compared is a mark in the store, sealed like the tallies: whoever can write rows
could otherwise keep the service from ever looking at a day.
"""

import struct
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection

from service.keys.openings import Openings, Tally
from service.keys.system import SystemKeys
from service.kit.audience import speaking_for
from service.kit.db import Database
from service.kit.errors import IntegrityBroken
from service.kit.groups import together
from service.kit.log import log
from service.tallies import store

NAME = "tally"
_SHAPE = struct.Struct(">QQ")
GIVEN_UP = timedelta(hours=1)
"""After which a comparison that was begun and not ended is somebody else's to make."""
Ledger = tuple[Openings, SystemKeys]


def note(conn: Connection, openings: Openings, system: SystemKeys) -> None:
    """Keep the process's tally in the transaction of the entries it goes with."""
    together(conn, _write, [(openings, system)])


def finish(db: Database, openings: Openings, system: SystemKeys) -> None:
    """Keep what was opened since the last entry; a process that ends may have kept none of it."""
    if not openings.tallies():
        return
    try:
        with speaking_for("log"):
            db.write(lambda conn: _write(conn, [(openings, system)]))
    except Exception as error:
        log.error("tally not kept", kind=type(error).__name__)


def of_day(conn: Connection, system: SystemKeys, day: date) -> dict[UUID, Tally]:
    """The tally of every process that opened something on a day."""
    return {
        process: Tally(*_SHAPE.unpack(system.open(NAME, _place(process, day), sealed)))
        for process, sealed in store.of_day(conn, day.toordinal())
    }


def open_days(
    conn: Connection, system: SystemKeys, *, first: date, last: date
) -> dict[date, bytes | None]:
    """Days up to `last` that nobody has compared yet, oldest first, each with its forged mark.

    They begin with `first`, or with an earlier day that there is a tally or a mark of.
    """
    oldest, marks = store.first_day(conn), store.marks(conn)
    start = first.toordinal() if oldest is None else min(oldest, first.toordinal())
    days = {
        date.fromordinal(number): marks.get(number) for number in range(start, last.toordinal() + 1)
    }
    return {
        day: mark for day, mark in days.items() if mark is None or not _opens(system, day, mark)
    }


def begin(conn: Connection, day: date, *, now: datetime, forged: bytes | None = None) -> bool:
    """Whether this process is the one to compare a day; all others are told no."""
    given_up = now - GIVEN_UP
    return store.begin(conn, day.toordinal(), now=now, given_up=given_up, forged=forged)


def end(conn: Connection, system: SystemKeys, day: date) -> None:
    """Leave the mark that a day was compared."""
    store.end(conn, day.toordinal(), system.seal(NAME, _mark_place(day), b""))


def _opens(system: SystemKeys, day: date, mark: bytes) -> bool:
    try:
        system.open(NAME, _mark_place(day), mark)
    except IntegrityBroken:
        return False
    return True


def _write(conn: Connection, ledgers: Sequence[Ledger]) -> None:
    openings, system = ledgers[0]
    for day, tally in openings.tallies().items():
        sealed = system.seal(NAME, _place(openings.process, day), _SHAPE.pack(*tally))
        store.keep(conn, openings.process, day.toordinal(), sealed)


def _place(process: UUID, day: date) -> bytes:
    return b"access_tallies" + process.bytes + day.toordinal().to_bytes(4, "big")


def _mark_place(day: date) -> bytes:
    return b"access_reconciled" + day.toordinal().to_bytes(4, "big")
