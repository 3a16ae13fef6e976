"""Whom a plan is for, on one day of their own calendar: everything the rules of care may ask."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from itertools import chain
from typing import NamedTuple
from zoneinfo import ZoneInfo

from service.domain import life
from service.domain.risk.assess import Assessment
from service.domain.risk.person import Person, Reading
from service.kit.clock import city_day

Value = float | str
DIAGNOSIS = "condition:"


class Deed(NamedTuple):
    """What one record says was done on a day of the person's calendar.

    `told` is by measure code, `procedure:code` or `questionnaire:id`. `clinical` where a
    practitioner or a clinic's report says so.
    """

    day: date
    told: Mapping[str, Value]
    clinical: bool


@dataclass(frozen=True, slots=True)
class Situation:
    """A person, what is known of them, and the assessment of the moment."""

    birth_date: date
    sex: str
    today: date
    stage: life.Stage
    assessment: Assessment
    zone: ZoneInfo = life.CITY_ZONE
    conditions: Collection[str] = frozenset()
    medications: Collection[str] = frozenset()
    family_history: Collection[str] = frozenset()
    readings: Mapping[str, Sequence[Reading]] = field(default_factory=dict)
    deeds: Sequence[Deed] = ()
    """Newest first."""

    @property
    def age(self) -> int:
        return life.age(self.birth_date, self.today)

    def with_deeds(self, deeds: Sequence[Deed]) -> "Situation":
        """The same person, with what was done (newest first) and what else was diagnosed."""
        told: dict[str, Value] = {}
        for deed in deeds:
            for name, value in deed.told.items():
                if name.startswith(DIAGNOSIS):
                    told.setdefault(name.removeprefix(DIAGNOSIS), value)
        ill = {code for code, status in told.items() if status == "active"}
        return replace(self, deeds=deeds, conditions={*self.conditions, *ill})

    def days(self, name: str, *, clinical: bool = False) -> Iterator[date]:
        """The days on which something was done or measured, in no order."""
        for deed in self.deeds:
            if name in deed.told and (deed.clinical or not clinical):
                yield deed.day
        if not clinical:
            for reading in self.readings.get(name, ()):
                yield reading.at.astimezone(self.zone).date()

    def on(self, name: str, day: date) -> Value | None:
        """The newest value of a measure on one day."""
        told = (deed.told[name] for deed in self.deeds if deed.day == day and name in deed.told)
        read = (
            one.value
            for one in self.readings.get(name, ())
            if one.at.astimezone(self.zone).date() == day
        )
        return next(chain(told, read), None)

    def number_on(self, name: str, day: date) -> float | None:
        """The same where it is a number."""
        value = self.on(name, day)
        return value if isinstance(value, int | float) else None

    def last(self, name: str, *, clinical: bool = False) -> date | None:
        """The last day up to today on which it was done."""
        done = self.days(name, clinical=clinical)
        return max((day for day in done if day <= self.today), default=None)

    def newest(self, name: str) -> Value | None:
        """The newest value of a measure that assessments look at."""
        found = self.readings.get(name)
        return found[0].value if found else None


def situation(
    person: Person,
    readings: Mapping[str, Sequence[Reading]],
    assessment: Assessment,
    *,
    birth_date: date,
    zone: ZoneInfo,
    now: datetime,
) -> Situation:
    """Whom the rules of care look at, on their own calendar, without what was done."""
    today = city_day(now, zone)
    pregnant = assessment.life_stage is life.Stage.PREGNANT
    return Situation(
        birth_date=birth_date,
        sex=person.sex,
        today=today,
        stage=life.stage(birth_date, today, pregnant=pregnant),
        assessment=assessment,
        zone=zone,
        conditions=person.conditions,
        medications=person.medications,
        family_history=person.family_history,
        readings=readings,
    )
