"""What the vault opened for others, kept with the access log so that the two can be compared."""

import struct
from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import Connection

from service.keys.openings import Openings, Tally
from service.keys.system import SystemKeys
from service.kit.audience import speaking_for
from service.kit.db import Database, together
from service.kit.log import log
from service.tallies import store

NAME = "tally"
_SHAPE = struct.Struct(">QQ")
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


def _write(conn: Connection, ledgers: Sequence[Ledger]) -> None:
    openings, system = ledgers[0]
    for day, tally in openings.tallies().items():
        sealed = system.seal(NAME, _place(openings.process, day), _SHAPE.pack(*tally))
        store.keep(conn, openings.process, day.toordinal(), sealed)


def _place(process: UUID, day: date) -> bytes:
    return b"access_tallies" + process.bytes + day.toordinal().to_bytes(4, "big")
