"""The history of a resident's level and index, one sealed line a change, only for its owner."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection

from consent.decision import Permit
from service.keys.vault import Vault
from service.kit.clock import city_day
from service.kit.errors import NotFound
from service.kit.sealed import Sealed
from service.prompts import store, story
from service.prompts.head import COLOURS, Head
from service.prompts.story import FRAME, Line, Story

EARLIEST, LATEST = -(2**31), 2**31 - 1


@dataclass(frozen=True, slots=True)
class Moment:
    """From `at` (RFC 3339) on, level and index were these.

    `explanation` is the id of the story of the level, where this is the moment it changed.
    """

    at: str
    level: int | None
    colour: str | None
    index: float | None
    explanation: UUID | None = None


def append(
    connection: Connection,
    vault: Vault,
    permit: Permit,
    value: Head,
    rev: int,
    now: datetime,
    told: Story | None = None,
) -> None:
    """Add a line; `told` where the level is another than before."""
    day = vault.shift_day(permit.subject, city_day(now))
    text = story.pack(Line(now.isoformat(), value.level, value.index, told))
    store.append(connection, permit.subject, sealed(vault, permit, day, rev, text))


def sealed(vault: Vault, permit: Permit, day: int, rev: int, text: bytes) -> store.Line:
    place = store.line_place(permit.subject, day, rev)
    return store.Line(rev, day, vault.seal_owner(permit, place, text, frame=FRAME).data)


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
    return [_moment(line) for line in _lines(connection, vault, permit, low, high)]


def explained(
    connection: Connection, vault: Vault, permit: Permit, explanation: UUID
) -> tuple[Moment, Story]:
    """The change of level that has this explanation; `NotFound` when none of the subject's has."""
    # The id lies sealed in its line, so every line is opened: people have a few dozen.
    for line in _lines(connection, vault, permit, EARLIEST, LATEST):
        if line.story is not None and line.story.id == explanation:
            return _moment(line), line.story
    raise NotFound


def _lines(
    connection: Connection, vault: Vault, permit: Permit, low: int, high: int
) -> Iterator[Line]:
    for row in store.history(connection, permit, low, high):
        place = store.line_place(permit.subject, row.day, row.rev)
        yield story.unpack(vault.open_owner(Sealed(row.sealed, place), permit))


def _moment(line: Line) -> Moment:
    colour = None if line.level is None else COLOURS[line.level]
    id_ = None if line.story is None else line.story.id
    return Moment(line.at, line.level, colour, line.index, id_)
