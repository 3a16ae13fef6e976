"""The history of a resident's level and index, only for its owner.

One sealed row a day with an assessment, whether or not anything changed: the rows of a stolen
store tell when somebody used the service and not how often their level moved.
"""

from collections.abc import Iterator, Sequence
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
from service.prompts.head import COLOURS
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


def tell(
    connection: Connection,
    vault: Vault,
    permit: Permit,
    told: Line | None,
    *,
    last: Sequence[store.Day],
    rev: int,
    now: datetime,
) -> None:
    """File at `rev` that there was an assessment, and what it told, if anything, in today's row.

    `last` is the last day that was filed; today's row is moved up to `rev` when it is that.
    """
    resident = permit.subject
    day = vault.shift_day(resident, city_day(now))
    before = last[0] if last and last[0].day == day else None
    text = story.NOTHING_TOLD if before is None else opened(vault, permit, before)
    if told is not None:
        text = story.pack([*story.unpack(text), told])
    after = sealed(vault, permit, day, rev, text)
    if before is None:
        store.append(connection, resident, after)
    else:
        store.move(connection, resident, before, after)


def sealed(vault: Vault, permit: Permit, day: int, rev: int, text: bytes) -> store.Day:
    place = store.day_place(permit.subject, day, rev)
    return store.Day(rev, day, vault.seal_owner(permit, place, text, frame=FRAME).data)


def opened(vault: Vault, permit: Permit, filed: store.Day) -> bytes:
    place = store.day_place(permit.subject, filed.day, filed.rev)
    return vault.open_owner(Sealed(filed.sealed, place), permit)


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
    # The id lies sealed in its line, so every day is opened: a year has 365.
    for moment, story_ in stories(connection, vault, permit):
        if story_.id == explanation:
            return moment, story_
    raise NotFound


def stories(connection: Connection, vault: Vault, permit: Permit) -> Iterator[tuple[Moment, Story]]:
    """Every change of level with its explanation, oldest first."""
    for line in _lines(connection, vault, permit, EARLIEST, LATEST):
        if line.story is not None:
            yield _moment(line), line.story


def _lines(
    connection: Connection, vault: Vault, permit: Permit, low: int, high: int
) -> Iterator[Line]:
    for filed in store.history(connection, permit, low, high):
        yield from story.unpack(opened(vault, permit, filed))


def _moment(line: Line) -> Moment:
    colour = None if line.level is None else COLOURS[line.level]
    id_ = None if line.story is None else line.story.id
    return Moment(line.at, line.level, colour, line.index, id_)
