"""The rule table: weekly goals by age, session rules by condition, and everything that stops them.

`data/exercise_rules.json`. Contraindications that are from memory only ever stop or refer somebody.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, NamedTuple

from consent.vocabulary import Text


class Reason(NamedTuple):
    """Why somebody is stopped, referred or limited, and where that is from."""

    id: str
    text: Text
    source: str


class Interval(NamedTuple):
    """Closed bounds."""

    low: int
    high: int

    @property
    def empty(self) -> bool:
        return self.low > self.high

    def within(self, other: "Interval") -> "Interval":
        return Interval(max(self.low, other.low), min(self.high, other.high))


class StopValue(NamedTuple):
    """A reading at `at` or above (or, with `below`, under it) at which nobody exercises."""

    input: str
    at: int
    below: bool
    reason: Reason

    def holds(self, value: float) -> bool:
        return value < self.at if self.below else value >= self.at


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One row: a `goal` of a week, or `intervals` of a session."""

    id: str
    name: Text
    kind: Literal["goal", "session"]
    ages: tuple[int, int | None] | None
    conditions: frozenset[str] | None
    goal: Mapping[str, Any]
    intervals: Mapping[str, Interval]
    more: Mapping[str, Any]
    has_limits: bool
    needs: tuple[str, ...]
    cautions: tuple[Text, ...]
    sources: tuple[str, ...]
    note: str | None

    def matches(self, age: int, conditions: frozenset[str]) -> bool:
        if self.ages is not None:
            youngest, oldest = self.ages
            if age < youngest or (oldest is not None and age > oldest):
                return False
        return self.conditions is None or bool(self.conditions & conditions)


@cache
def document() -> Mapping[str, Any]:
    path = files("service.domain.exercise") / "data" / "exercise_rules.json"
    found: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
    return found


@cache
def rules() -> tuple[Rule, ...]:
    return tuple(_rule(entry) for entry in document()["rules"])


@cache
def stop_values() -> tuple[StopValue, ...]:
    return tuple(
        StopValue(
            row["input"],
            row.get("from", row.get("below")),
            "below" in row,
            Reason(row["input"], Text(**row["text"]), row["source"]),
        )
        for row in document()["stop_values"]
    )


@cache
def red_flags() -> Mapping[str, Reason]:
    return {
        name: Reason(name, Text(**row["text"]), row["source"])
        for name, row in document()["red_flags"].items()
    }


@cache
def caveats() -> tuple[Text, ...]:
    return tuple(Text(**caveat) for caveat in document()["caveats"])


def _rule(entry: Mapping[str, Any]) -> Rule:
    when = entry["when"]
    ages, conditions = when.get("ages"), when.get("conditions")
    return Rule(
        id=entry["id"],
        name=Text(**entry["name"]),
        kind=entry["kind"],
        ages=None if ages is None else (ages[0], ages[1]),
        conditions=None if conditions is None else frozenset(conditions),
        goal=entry.get("goal", {}),
        intervals={key: Interval(*ends) for key, ends in entry.get("intervals", {}).items()},
        more=entry.get("more", {}),
        has_limits=entry["has_limits"],
        needs=tuple(entry["needs"]),
        cautions=tuple(Text(**caution) for caution in entry["cautions"]),
        sources=tuple(entry["source"]),
        note=entry.get("note"),
    )
