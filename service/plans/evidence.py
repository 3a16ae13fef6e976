"""What a plan finds in the records: what was done, which goals were set, how values went.

Records are walked newest first, each class opened once and only as far back as something is
looked for; of these, records that name nothing of it are not read.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from consent.decision import Permit
from consent.vocabulary import DataClass
from service.domain.care import goals
from service.domain.care.asked import Wanted
from service.domain.care.goals import Goal, Point
from service.domain.care.situation import Deed, Value
from service.domain.days import months_after
from service.domain.questionnaires.instruments import INSTRUMENTS
from service.domain.questionnaires.scoring import points
from service.domain.vocabulary.measures import MEASURES
from service.domain.vocabulary.records import Record
from service.keys.vault import Vault
from service.records import actions as records
from service.records.parts import within
from service.records.telling import Day, Told

CLINICAL = frozenset({"practitioner", "import"})
"""Sources that speak for a clinic: who works there, or a report of theirs that was taken in."""
OVER = "resolved"
GOALS = frozenset({"goal"})
"""The word that every goal among the records holds: its kind."""
DAY = timedelta(days=1)


Ends = tuple[Point | None, Point | None]
"""Baseline and latest."""


class Dated(NamedTuple):
    """A record and its day on its owner's calendar."""

    day: date
    record: Record


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads whose records, on which day of the person's calendar."""

    connection: Connection
    vault: Vault
    permit: Permit
    zone: ZoneInfo
    today: date
    classes: dict[DataClass, Told] = field(default_factory=dict)

    def days(
        self,
        data_class: DataClass,
        names: Collection[str],
        months: int,
        *,
        clinical: bool = False,
    ) -> Iterator[Day]:
        """Days with records of a class that may tell one of these, of so many months up to now."""
        if data_class not in self.permit.classes:
            return iter(())
        told = self.classes.get(data_class)
        if told is None:
            told = Told(self.connection, self.vault, self.permit, data_class)
            self.classes[data_class] = told
        words = {name.rpartition(":")[2] for name in names}
        # Records are filed under the city's day, which may be the one before the owner's.
        since = self.since(months) - DAY
        return told.days(words, since, CLINICAL if clinical else ())

    def since(self, months: int) -> date:
        return months_after(self.today, -months)

    def dated(self, day: Day, months: int) -> Iterator[Dated]:
        """The records of such a day, newest first, each with its day on the owner's calendar."""
        for record in day.records():
            own = record.start.astimezone(self.zone).date()
            if self.since(months) <= own <= self.today and within(self.permit.window, record.start):
                yield Dated(own, record)

    def naming(
        self,
        data_class: DataClass,
        names: Collection[str],
        months: int,
        *,
        clinical: bool = False,
    ) -> Iterator[Dated]:
        """All records of these days, newest first."""
        for day in self.days(data_class, names, months, clinical=clinical):
            yield from self.dated(day, months)


def deeds(reader: Reader, wanted: Iterable[Wanted]) -> list[Deed]:
    """What was done of what is wanted, newest first."""
    found = [deed for one in wanted for deed in _deeds(reader, one)]
    return sorted(found, key=lambda deed: deed.day, reverse=True)


def _deeds(reader: Reader, wanted: Wanted) -> Iterator[Deed]:
    missing = set(wanted.names)
    found = reader.naming(wanted.data_class, wanted.names, wanted.months, clinical=wanted.clinical)
    for day, record in found:
        if wanted.clinical and record.source.kind not in CLINICAL:
            continue
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
    for day, record in reader.naming(DataClass.LIFESTYLE, GOALS, GOAL_MONTHS):
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


def ends(reader: Reader, measure: str, since: date | None, months: int) -> Ends:
    """The newest value of a record measure, and the one that somebody began with.

    That is the last one up to `since`, else the first there is within so many months.
    """
    days = list(reader.days(MEASURES[measure].data_class, {measure}, months))
    latest = next(_points(reader, days, measure, months), None)
    began = None
    if since is not None:
        points = _points(reader, days, measure, months)
        began = next((point for point in points if point.day <= since), None)
    if began is None:
        *_, began = (None, *_first(reader, days, measure, months))
    return began, latest


def _points(reader: Reader, days: Iterable[Day], measure: str, months: int) -> Iterator[Point]:
    for day in days:
        for own, record in reader.dated(day, months):
            if measure in record.observed:
                yield Point(record.observed[measure], own)


def _first(reader: Reader, days: Sequence[Day], measure: str, months: int) -> list[Point]:
    """The points of the oldest day that has any."""
    oldest = (list(_points(reader, [day], measure, months)) for day in reversed(days))
    return next(filter(None, oldest), [])
