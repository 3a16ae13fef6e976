"""Lists of records, newest first.

The database knows the (shifted) day of a part and nothing finer, so it hands out whole days from
the newest on; the exact order inside a day is known after opening.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from sqlalchemy import Connection

from consent.decision import Permit
from consent.vocabulary import DataClass
from service.domain.vocabulary.measures import MEASURES
from service.domain.vocabulary.records import Record
from service.keys.vault import Vault
from service.kit.column_types import EPOCH
from service.records import cursor as cursors
from service.records import parts, store
from service.records.cursor import Position
from service.records.store import Part

FIRST_DAY, LAST_DAY = -(2**31), 2**31 - 1
_MICROSECOND = timedelta(microseconds=1)
CHUNK = 256
"""Parts fetched at least at a time."""


class Found(NamedTuple):
    """A record as its reader may see it, with its revision."""

    record: Record
    rev: int


class Line(NamedTuple):
    """A record found, with the key by which its place is told."""

    key: bytes
    found: Found


Day = list[list[Part]]
"""The parts of each record of a day."""
_day_of = attrgetter("day")


class Page(NamedTuple):
    items: list[Found]
    next: str | None


@dataclass(frozen=True, slots=True)
class Query:
    """What a list is narrowed to. `since` is inside, `until` is not.

    With `measure` only parts of that measure's class are opened, so the records of such a list
    show the values of that class alone.
    """

    measure: str | None = None
    kind: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def asks_for(self, record: Record) -> bool:
        return (
            (self.measure is None or self.measure in record.values)
            and (self.kind is None or self.kind == record.kind)
            and (self.since is None or record.start >= self.since)
            and (self.until is None or record.start < self.until)
        )


def page(
    connection: Connection,
    vault: Vault,
    permit: Permit,
    query: Query,
    *,
    limit: int = 100,
    cursor: str | None = None,
) -> Page:
    """At most `limit` records, and where to go on. Values outside the permit are absent."""
    after = None
    if cursor is not None:
        after = cursors.read(vault, permit.subject, repr(query), cursor)
    items: list[Found] = []
    last: Line | None = None
    for line in _walk(connection, vault, permit, query, limit, after):
        if len(items) == limit:
            assert last is not None
            place = _position(last)
            return Page(items, cursors.write(vault, permit.subject, repr(query), place))
        items.append(line.found)
        last = line
    return Page(items, None)


def of_class(
    connection: Connection,
    vault: Vault,
    permit: Permit,
    data_class: DataClass,
    *,
    until: date | None = None,
) -> Iterator[tuple[bytes, Record]]:
    """Every record's values of one class with its key, newest day first; opened when asked for.

    `until` is the last day (of the city) to begin with.
    """
    tag = vault.class_tag(permit.subject, data_class)
    high = LAST_DAY if until is None else vault.shift_day(permit.subject, until)
    for days in _days(connection, permit, [tag], FIRST_DAY, high, CHUNK):
        for day in days:
            for rows in day:
                yield rows[0].record_key, parts.open_record(vault, permit, rows)


def _walk(
    connection: Connection,
    vault: Vault,
    permit: Permit,
    query: Query,
    limit: int,
    after: Position | None,
) -> Iterator[Line]:
    tags = _tags(vault, permit, query.measure)
    if not tags:
        # The permit is still asked for its revision, as with every other list.
        store.existing(connection, permit, [bytes(16)])
        return
    low, high = _bounds(vault, permit, query, after)
    # One more than is shown tells that there are more.
    wanted = limit + 1
    for days in _days(connection, permit, list(tags), low, high, max(CHUNK, 2 * limit)):
        start = 0
        while start < len(days):
            end = _reaching(days, start, wanted)
            shown = _opened(vault, permit, query, after, days[start:end])
            yield from shown
            wanted, start = wanted - len(shown), end


def _reaching(days: Sequence[Day], start: int, wanted: int) -> int:
    """Up to which day there are as many records: fewer shown are fewer lines, never more days."""
    count = 0
    for end in range(start, len(days)):
        count += len(days[end])
        if count >= wanted:
            return end + 1
    return len(days)


def _opened(
    vault: Vault, permit: Permit, query: Query, after: Position | None, days: Sequence[Day]
) -> list[Line]:
    """What a list shows of whole days, in its order; all of them are opened at once."""
    records = iter(parts.open_records(vault, permit, [rows for day in days for rows in day]))
    lines: list[Line] = []
    for day in days:
        ordered = []
        for rows in day:
            record = next(records)
            line = Line(rows[0].record_key, Found(record, rows[0].rev))
            if (
                query.asks_for(record)
                and parts.within(permit.window, record.start)
                and (after is None or _position(line) < after)
            ):
                ordered.append(line)
        if len(ordered) > 1:
            ordered.sort(key=_position, reverse=True)
        lines += ordered
    return lines


def _position(line: Line) -> Position:
    return Position((line.found.record.start - EPOCH) // _MICROSECOND, line.key)


def _days(
    connection: Connection, permit: Permit, tags: list[bytes], low: int, high: int, most: int
) -> Iterator[list[Day]]:
    """All days, newest first, many at a time; a day is never handed out in pieces."""
    while low <= high:
        rows = store.newest(connection, permit, tags, low=low, high=high, most=most)
        if not rows:
            return
        last = rows[-1].day
        # Fewer than might have come are all there are.
        whole = len(rows) < most
        if not whole:
            if rows[0].day == last:
                # One day alone fills the chunk: fetch that day to its end.
                most *= 4
                continue
            rows = [row for row in rows if row.day != last]
        yield [_day(found) for _, found in groupby(rows, _day_of)]
        if whole:
            return
        high = last


def _day(rows: Iterable[Part]) -> Day:
    """The parts of one day by their record, in the order in which the records were met."""
    records: dict[bytes, list[Part]] = {}
    for row in rows:
        records.setdefault(row.record_key, []).append(row)
    return list(records.values())


def _tags(vault: Vault, permit: Permit, measure: str | None) -> dict[bytes, DataClass]:
    tags = parts.tags_of(vault, permit)
    if measure is None:
        return tags
    asked = MEASURES[measure].data_class
    return {tag: data_class for tag, data_class in tags.items() if data_class is asked}


def _bounds(vault: Vault, permit: Permit, query: Query, after: Position | None) -> tuple[int, int]:
    """The shifted days that query, window and cursor leave open."""
    first: list[date] = []
    last: list[date] = []
    if query.since is not None:
        first.append(parts.record_day(query.since))
    if query.until is not None:
        last.append(parts.record_day(query.until))
    if permit.window is not None:
        first += [permit.window.first] if permit.window.first is not None else []
        last += [permit.window.last] if permit.window.last is not None else []
    if after is not None:
        last.append(parts.record_day(EPOCH + after.start * _MICROSECOND))
    return (
        vault.shift_day(permit.subject, max(first)) if first else FIRST_DAY,
        vault.shift_day(permit.subject, min(last)) if last else LAST_DAY,
    )
