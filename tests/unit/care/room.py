"""People for the rules of care."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from service.domain import life
from service.domain.care.situation import Deed, Situation, Value
from service.domain.life import CITY_ZONE
from service.domain.risk.assess import assess
from service.domain.risk.person import Person, Reading

TODAY = date(2026, 11, 20)


def at(day: date, hour: int = 8) -> datetime:
    """An instant of that day of the city's calendar."""
    return datetime.combine(day, time(hour), CITY_ZONE)


def born(years: int, today: date = TODAY, *, days: int = 0) -> date:
    """Somebody whose birthday was `days` before today."""
    return date(today.year - years, today.month, today.day) - timedelta(days=days)


def read(values: Mapping[str, Value], day: date) -> dict[str, list[Reading]]:
    """Every value once, and a blood pressure twice, as it is to be taken."""
    noon = at(day).astimezone(UTC)
    return {
        code: [Reading(value, noon)] * (2 if code in ("systolic_bp", "diastolic_bp") else 1)
        for code, value in values.items()
    }


def somebody(
    birth_date: date,
    *,
    sex: str = "female",
    today: date = TODAY,
    readings: Mapping[str, list[Reading]] | None = None,
    pregnant: bool = False,
    deeds: tuple[Deed, ...] = (),
    **more: Any,
) -> Situation:
    """A situation as the service makes it: assessed on these readings, seen on `today`."""
    found = readings or {}
    person = Person(
        sex=sex,
        birth_date=birth_date,
        conditions=frozenset(more.get("conditions", ())),
        family_history=frozenset(more.get("family_history", ())),
    )
    who = Situation(
        birth_date=birth_date,
        sex=sex,
        today=today,
        stage=life.stage(birth_date, today, pregnant=pregnant),
        assessment=assess(person, found, at(today, 12)),
        readings=found,
        **more,
    )
    return who.with_deeds(tuple(sorted(deeds, key=lambda deed: deed.day, reverse=True)))


def done(day: date, *names: str, clinical: bool = True, **values: Value) -> Deed:
    """A record that tells these names (as done) and these values."""
    return Deed(day, {**dict.fromkeys(names, ""), **values}, clinical)
