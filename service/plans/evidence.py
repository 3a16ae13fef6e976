"""What a plan finds in the records: what was done, which goals were set, how values went.

Records are walked newest first, each class once and only as far back as something is looked for.
The walk ends after `MOST` records of a class, so that nobody's plan takes long: what lies behind
them counts as not done.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import islice
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from consent.decision import Permit
from consent.vocabulary import DataClass
from service.domain.care import goals
from service.domain.care.asked import Wanted
from service.domain.care.days import months_after
from service.domain.care.goals import Goal, Point
from service.domain.care.situation import Deed, Value
from service.domain.questionnaires.instruments import INSTRUMENTS
from service.domain.questionnaires.scoring import points
from service.domain.vocabulary.measures import MEASURES
from service.domain.vocabulary.records import Record
from service.keys.vault import Vault
from service.records import actions as records
from service.records import pages
from service.records.parts import within

MOST = 2000
CLINICAL = frozenset({"practitioner", "import"})
"""Sources that speak for a clinic: who works there, or a report of theirs that was taken in."""
OVER = "resolved"
A_DAY = timedelta(days=1)


class Dated(NamedTuple):
    """A record and its day on its owner's calendar."""

    day: date
    record: Record


@dataclass(slots=True)
class Walk:
    """What was read of one class so far, and where it goes on."""

    rest: Iterator[Dated]
    read: list[Dated] = field(default_factory=list)

    def records(self) -> Iterator[Dated]:
        """From the newest on; what was opened before is not opened again."""
        yield from self.read
        for one in self.rest:
            self.read.append(one)
            yield one


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads whose records, on which day of the person's calendar."""

    connection: Connection
    vault: Vault
    permit: Permit
    zone: ZoneInfo
    today: date
    walks: dict[DataClass, Walk] = field(default_factory=dict)

    def of_class(self, data_class: DataClass, months: int) -> Iterator[Dated]:
        """The records of a class within so many months up to today, newest day first."""
        if data_class not in self.permit.classes:
            return
        if data_class not in self.walks:
            self.walks[data_class] = Walk(self._walk(data_class))
        since = months_after(self.today, -months)
        for one in self.walks[data_class].records():
            if one.day < since:
                return
            if one.day <= self.today:
                yield one

    def _walk(self, data_class: DataClass) -> Iterator[Dated]:
        # Records lie by the day of the city, which may be the one after the owner's.
        found = pages.of_class(
            self.connection, self.vault, self.permit, data_class, until=self.today + A_DAY
        )
        for _, record in islice(found, MOST):
            if within(self.permit.window, record.start):
                yield Dated(record.start.astimezone(self.zone).date(), record)


def deeds(reader: Reader, wanted: Mapping[DataClass, Wanted]) -> list[Deed]:
    """What was done of what is wanted, newest first."""
    found = [deed for one in wanted.items() for deed in _of_class(reader, *one)]
    return sorted(found, key=lambda deed: deed.day, reverse=True)


def _of_class(reader: Reader, data_class: DataClass, wanted: Wanted) -> Iterator[Deed]:
    missing = set(wanted.names)
    for day, record in reader.of_class(data_class, wanted.months):
        told = {name: value for name, value in _told(record) if name in wanted.names}
        if told and (wanted.every or not missing.isdisjoint(told)):
            yield Deed(day, told, record.source.kind in CLINICAL)
        missing.difference_update(told)
        if not missing and not wanted.every:
            return


def _told(record: Record) -> Iterator[tuple[str, Value]]:
    yield from record.observed.items()
    if record.code is not None:
        yield f"{record.kind}:{record.code}", record.status or ""
    if record.questionnaire is not None:
        yield f"questionnaire:{record.questionnaire}", ""
        instrument = INSTRUMENTS[record.questionnaire]
        total = points(instrument, record.answers)
        if instrument.total is not None and total is not None:
            yield instrument.total, total


GOAL_MONTHS = 24
"""A goal that was set longer ago is no longer followed; setting it again is one record."""


def stated(reader: Reader) -> list[Goal]:
    """The goals of the records that still stand: the newest of each kind and measure."""
    found: dict[str, Goal] = {}
    for day, record in reader.of_class(DataClass.LIFESTYLE, GOAL_MONTHS):
        if record.kind != "goal" or record.code is None or record.status == OVER:
            continue
        whole, _ = records.get(reader.connection, reader.vault, reader.permit, record.id)
        for goal in goals.stated(
            record.code,
            whole.values,
            since=day,
            record=str(record.id),
            by_practitioner=whole.source.kind == "practitioner",
        ):
            found.setdefault(goal.measure, goal)
    return list(found.values())


def went(reader: Reader, measures: Iterable[str], months: int) -> dict[str, list[Point]]:
    """How record measures went, newest first, a class walked once for all of its measures."""
    classes: dict[DataClass, set[str]] = {}
    for name in measures:
        classes.setdefault(MEASURES[name].data_class, set()).add(name)
    timed: dict[str, list[tuple[datetime, Point]]] = {name: [] for name in measures}
    for data_class, names in classes.items():
        for day, record in reader.of_class(data_class, months):
            for name in names & record.observed.keys():
                point = Point(record.observed[name], day)
                timed[name].append((record.start, point))
    return {
        name: [point for _, point in sorted(found, key=lambda pair: pair[0], reverse=True)]
        for name, found in timed.items()
    }
