"""Goals and how far somebody is on the way: baseline, latest value, target, percent.

A goal comes from the resident or their doctor (a record of the kind `goal`), from the national norm
or a guideline for a disease that is followed, or from the path to a lower level. Which measure goes
which way is `data/goals.toml`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import floor
from typing import Any, Literal, NamedTuple

from service.domain.care.sources import SOURCES, Source, read, source_of
from service.domain.vocabulary.measures import MEASURES

Direction = Literal["at_most", "below", "at_least", "keep", "become"]
Authority = Literal["resident", "practitioner", "norm", "guideline", "path"]
Value = float | str


class Point(NamedTuple):
    """A value and the day on which it was measured."""

    value: Value
    day: date


@dataclass(frozen=True, slots=True)
class Aim:
    """One row: what the values of a goal record mean."""

    code: str
    measures: tuple[str, ...]
    direction: Direction
    source: Source
    number: Mapping[str, Value]
    within: float
    options: frozenset[str]


@dataclass(frozen=True, slots=True)
class Goal:
    """What is aimed at in one measure. `within` is percent of the target, for `keep` alone."""

    measure: str
    direction: Direction
    target: Value
    authority: Authority
    source: Source
    since: date | None = None
    record: str | None = None
    code: str | None = None
    within: float = 0
    options: frozenset[str] = frozenset()

    def met(self, value: Value) -> bool:
        """Whether a value is where the goal wants it."""
        if self.direction == "become":
            return value in self.options
        if isinstance(value, str) or isinstance(self.target, str):
            return False
        if self.direction == "keep":
            return abs(value - self.target) <= abs(self.target) * self.within / 100
        if self.direction == "at_least":
            return value >= self.target
        return value < self.target if self.direction == "below" else value <= self.target

    def percent(self, baseline: Value | None, latest: Value) -> int:
        """How much of the way is done, 0 to 100; 100 is reached exactly when the goal is met."""
        if self.met(latest):
            return 100
        numbers = [one for one in (baseline, latest, self.target) if isinstance(one, int | float)]
        if self.direction in ("keep", "become") or len(numbers) < 3:
            return 0
        start, now, end = numbers
        whole = end - start
        # Somebody who began at the target and left it has gone none of the way.
        if whole == 0 or self.met(start):
            return 0
        return min(99, max(0, floor(100 * ((now - start) / whole))))


@dataclass(frozen=True, slots=True)
class Progress:
    """A goal with the points it is measured by; `percent` is None before the first value."""

    goal: Goal
    baseline: Point | None
    latest: Point | None

    @property
    def percent(self) -> int | None:
        if self.latest is None:
            return None
        baseline = None if self.baseline is None else self.baseline.value
        return self.goal.percent(baseline, self.latest.value)

    def shown(self) -> dict[str, Any]:
        goal = self.goal
        measure = MEASURES[goal.measure]
        return {
            "measure": goal.measure,
            "name": measure.name.both(),
            "unit": measure.unit,
            "goal": goal.code,
            "record_id": goal.record,
            "direction": goal.direction,
            "target": goal.target,
            "since": None if goal.since is None else goal.since.isoformat(),
            "baseline": _point(self.baseline),
            "latest": _point(self.latest),
            "percent": self.percent,
            "met": None if self.latest is None else goal.met(self.latest.value),
            "authority": goal.authority,
            **goal.source.shown(),
        }


def _point(point: Point | None) -> dict[str, Any] | None:
    return None if point is None else {"value": point.value, "day": point.day.isoformat()}


def parsed(row: Mapping[str, Any]) -> Aim:
    """An aim of one row; `Unsourced` for a row without a source."""
    return Aim(
        code=row["code"],
        measures=tuple(row["measures"]),
        direction=row["direction"],
        source=source_of({"item": row["code"], **row}),
        number=row.get("number", {}),
        within=row.get("within", 0),
        options=frozenset(row.get("options", ())),
    )


AIMS: Mapping[str, Aim] = {row["code"]: parsed(row) for row in read("goals")["goal"]}
OWN, PATH = SOURCES["own"], SOURCES["path"]


def stated(
    code: str, values: Mapping[str, Value], *, since: date, record: str, by_practitioner: bool
) -> list[Goal]:
    """The goals that one goal record states: its numbers, else the number of the guideline.

    A goal in other words (see its note) or of a measure that its code does not know has no
    progress that could be computed, so it is none here.
    """
    aim = AIMS.get(code)
    if aim is None:
        return []
    named = {name: values[name] for name in aim.measures if name in values}
    authority: Authority = "practitioner" if by_practitioner else "resident"
    return [
        Goal(
            measure=name,
            direction=aim.direction,
            target=target,
            authority=authority,
            # A number of the guideline is cited; a number of one's own is one's own.
            source=OWN if named else aim.source,
            since=since,
            record=record,
            code=code,
            within=aim.within,
            options=aim.options,
        )
        for name, target in (named or aim.number).items()
    ]


def from_limits(below: Mapping[str, float], authority: Authority, source: Source) -> list[Goal]:
    """Limits of a norm or guideline as goals: each measure should be below its number."""
    return [Goal(name, "below", number, authority, source) for name, number in below.items()]


def from_path(path: Sequence[Mapping[str, Any]]) -> list[Goal]:
    """The first step of the path to a lower level, as goals nobody has taken on yet."""
    return [_of_change(change) for change in path[0]["changes"]] if path else []


def _of_change(change: Mapping[str, Any]) -> Goal:
    old, new = change["from"], change["to"]
    if isinstance(new, str):
        return Goal(change["measure"], "become", new, "path", PATH, options=frozenset({new}))
    rising = new > old if isinstance(old, int | float) else change["measure"] in RISING
    return Goal(change["measure"], "at_least" if rising else "at_most", new, "path", PATH)


RISING = frozenset(
    name for aim in AIMS.values() if aim.direction == "at_least" for name in aim.measures
)
"""Measures of which more is better."""
