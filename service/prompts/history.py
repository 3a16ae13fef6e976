"""The history of a resident's level and index, one sealed line a change, only for its owner."""

import json
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection

from consent.decision import Permit
from service.keys.vault import Vault
from service.kit.clock import city_day
from service.kit.sealed import Sealed
from service.prompts import store
from service.prompts.head import COLOURS, Head

FRAME = 128
EARLIEST, LATEST = -(2**31), 2**31 - 1


@dataclass(frozen=True, slots=True)
class Moment:
    """From `at` (RFC 3339) on, level and index were these."""

    at: str
    level: int | None
    colour: str | None
    index: float | None


def append(
    connection: Connection, vault: Vault, permit: Permit, value: Head, rev: int, now: datetime
) -> None:
    day = vault.shift_day(permit.subject, city_day(now))
    place = store.line_place(permit.subject, day, rev)
    text = json.dumps([now.isoformat(), value.level, value.index]).encode()
    sealed = vault.seal_owner(permit, place, text, frame=FRAME)
    store.append(connection, permit.subject, store.Line(rev, day, sealed.data))


def between(
    connection: Connection,
    vault: Vault,
    permit: Permit,
    *,
    since: date | None = None,
    until: date | None = None,
) -> list[Moment]:
    """The changes of these days, both included, oldest first."""
    low = EARLIEST if since is None else vault.shift_day(permit.subject, since)
    high = LATEST if until is None else vault.shift_day(permit.subject, until)
    found = []
    for line in store.history(connection, permit, low, high):
        place = store.line_place(permit.subject, line.day, line.rev)
        at, level, index = json.loads(vault.open_owner(Sealed(line.sealed, place), permit))
        found.append(Moment(at, level, None if level is None else COLOURS[level], index))
    return found
