"""Which checks of a person are due again, and on what day."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import NamedTuple, Protocol

from consent.vocabulary import DataClass, Text
from service.domain.care.sources import Source, read, source_of
from service.domain.days import months_after
from service.domain.risk.control import glucose_satisfied, pressure_satisfied
from service.kit.clock import city_day


class Seen(Protocol):
    """A reading: what was found and when."""

    @property
    def value(self) -> float | str: ...
    @property
    def at(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Check:
    """One row of `data/due.toml`."""

    item: str
    data_class: DataClass
    name: Text
    conditions: frozenset[str]
    measures: tuple[str, ...]
    from_age: int
    healthy_months: int
    controlled_months: int
    uncontrolled_days: int
    source: Source
    healthy_source: Source

    def source_for(self, conditions: Collection[str]) -> Source:
        """Where the interval of somebody with these conditions comes from."""
        return self.healthy_source if self.conditions.isdisjoint(conditions) else self.source


@dataclass(frozen=True, slots=True)
class Due:
    """A check that is due on a day; `last` is when it was done before, if ever."""

    item: str
    name: Text
    on: date
    last: date | None


class Newest(NamedTuple):
    """The readings of the last day on which anything of a check was measured."""

    day: date
    values: Mapping[str, float]


@cache
def checks() -> Mapping[str, Check]:
    found = {}
    for row in read("due")["check"]:
        row["source"] = source_of(row)
        row["healthy_source"] = source_of({"item": row["item"], "source": row["healthy_source"]})
        row["name"] = Text(**row["name"])
        row["data_class"] = DataClass(row["data_class"])
        row["measures"] = tuple(row["measures"])
        row["conditions"] = frozenset(row["conditions"])
        found[row["item"]] = Check(**row)
    return found


def due_work(
    *,
    age: int,
    conditions: Collection[str],
    readings: Mapping[str, Sequence[Seen]],
    classes: Collection[DataClass],
    today: date,
) -> list[Due]:
    """What is due, earliest first; readings come newest first.

    Only checks whose data class is among `classes` are judged: to somebody who may not see blood
    sugar, a missing reading says nothing.
    """
    found = [
        _due(check, age, conditions, _newest(check, readings), today)
        for check in checks().values()
        if check.data_class in classes and age >= check.from_age
    ]
    return sorted(found, key=lambda due: (due.on, due.item))


def _newest(check: Check, readings: Mapping[str, Sequence[Seen]]) -> Newest | None:
    seen = {code: readings[code][0] for code in check.measures if readings.get(code)}
    if not seen:
        return None
    day = city_day(max(reading.at for reading in seen.values()))
    values = {
        code: float(reading.value) for code, reading in seen.items() if city_day(reading.at) == day
    }
    return Newest(day, values)


def _due(
    check: Check, age: int, conditions: Collection[str], newest: Newest | None, today: date
) -> Due:
    if newest is None:
        return Due(check.item, check.name, today, None)
    if check.conditions.isdisjoint(conditions):
        on = months_after(newest.day, check.healthy_months)
    elif _controlled(check.item, age, newest.values):
        on = months_after(newest.day, check.controlled_months)
    else:
        on = newest.day + timedelta(days=check.uncontrolled_days)
    return Due(check.item, check.name, on, newest.day)


def _controlled(item: str, age: int, values: Mapping[str, float]) -> bool:
    if item == "blood_pressure":
        systolic = values.get("systolic_bp")
        return systolic is not None and pressure_satisfied(
            age, systolic, values.get("diastolic_bp")
        )
    return bool(glucose_satisfied(values.get("glucose_fasting"), values.get("glucose_random")))
