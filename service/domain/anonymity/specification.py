"""The specification: what is published, at what resolution and for how much budget.

It is a data file, read once. Nothing in it, and nothing derived from it, depends on a person.
"""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import resources
from typing import Any, Literal

from consent.vocabulary import Text

UNKNOWN = "unknown"
PARTICIPATION = "participation"
ALL = "all"
NANO = 1_000_000_000
"""Budgets are whole billionths of rho, so that sums in SQL and here are exact."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One question with a closed list of answers; the last one is always "unknown"."""

    id: str
    key: str
    name: Text
    categories: tuple[str, ...]
    source: str
    tier: str = "all"
    """`city` where it is measured for the whole city only."""

    def code(self, word: str | None) -> int:
        """The place of a word in the list; everything unheard of is "unknown"."""
        return self.categories.index(word if word in self.categories else UNKNOWN)


@dataclass(frozen=True, slots=True)
class Family:
    """A level of geography crossed with a level of detail, measured with its own share of rho."""

    id: str
    region: Literal["city", "district"]
    by: Literal["all", "sex_age"]
    share: float


@dataclass(frozen=True, slots=True)
class Budget:
    delta: float
    year_nano_rho: int
    release_nano_rho: int
    lifetime_nano_rho: int


@dataclass(frozen=True, slots=True)
class Calendar:
    cadence: str
    cut_off_month: int
    cut_off_day: int
    window_days: int


@dataclass(frozen=True, slots=True)
class Precision:
    ok_half_width: float
    ok_relative_half_width: float


@dataclass(frozen=True, slots=True)
class IndicatorRule:
    """How one indicator of the catalogue is read from published cells."""

    id: str
    metric: str
    numerator: tuple[str, ...]
    denominator: tuple[str, ...]
    part: str | None
    from_age: int
    to_age: int | None
    """Last age that counts; None without an upper end."""
    districts: bool
    unit: str | None
    """Where the cells give another unit than the catalogue asks for."""
    note: Text | None


@dataclass(frozen=True)
class Specification:
    """The whole plan, with the bytes it was read from: those are what is signed."""

    source: bytes
    id: str
    version: str
    edition: Text
    voluntary: Text
    method: Text
    contribution_schema: int
    budget: Budget
    calendar: Calendar
    precision: Precision
    minimum_population: int
    sexes: tuple[str, ...]
    ages: tuple[str, ...]
    age_rule: Text
    families: tuple[Family, ...]
    metrics: tuple[Metric, ...]
    indicators: tuple[IndicatorRule, ...]

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.source).hexdigest()

    @cached_property
    def metric_by_id(self) -> Mapping[str, Metric]:
        return {metric.id: metric for metric in self.metrics}

    @cached_property
    def age_starts(self) -> tuple[int, ...]:
        return tuple(int(band.rstrip("+").split("-")[0]) for band in self.ages)

    @cached_property
    def groups(self) -> tuple[tuple[str, str], ...]:
        """Sex and age band, sex first: the order of the group axis everywhere."""
        return tuple((sex, age) for sex in self.sexes for age in self.ages)

    def nano_rho(self, family: Family) -> int:
        """Budget of one table of a family: its share, spread evenly over all tables."""
        tables = len(self.metrics) + 1
        return int(self.budget.release_nano_rho * family.share / tables)

    @cached_property
    def release_nano_rho(self) -> int:
        """What one whole release costs a resident, in billionths of rho."""
        tables = len(self.metrics) + 1
        return sum(self.nano_rho(family) * tables for family in self.families)

    def as_document(self) -> dict[str, Any]:
        """The data file as JSON."""
        return tomllib.loads(self.source.decode())


@lru_cache(maxsize=1)
def current() -> Specification:
    """The specification shipped with this version of the code."""
    source = resources.files("service.domain.anonymity").joinpath("data/specification.toml")
    return parse(source.read_bytes())


def parse(source: bytes) -> Specification:
    """Read a specification; raises ValueError when it contradicts itself."""
    raw = tomllib.loads(source.decode())
    month, day = (int(part) for part in raw["calendar"]["cut_off"].split("-"))
    specification = Specification(
        source=source,
        id=raw["id"],
        version=raw["version"],
        edition=Text(**raw["edition"]),
        voluntary=Text(**raw["voluntary"]),
        method=Text(**raw["method"]),
        contribution_schema=raw["contribution_schema"],
        budget=Budget(**raw["budget"]),
        calendar=Calendar(raw["calendar"]["cadence"], month, day, raw["calendar"]["window_days"]),
        precision=Precision(**raw["precision"]),
        minimum_population=raw["geography"]["minimum_population"],
        sexes=tuple(raw["groups"]["sexes"]),
        ages=tuple(raw["groups"]["ages"]),
        age_rule=Text(**raw["groups"]["age_rule"]),
        families=tuple(Family(**family) for family in raw["family"]),
        metrics=tuple(_metric(metric) for metric in raw["metric"]),
        indicators=tuple(_indicator(rule) for rule in raw["indicator"]),
    )
    _check(specification)
    return specification


def _metric(raw: dict[str, Any]) -> Metric:
    return Metric(
        id=raw["id"],
        key=raw["key"],
        name=Text(**raw["name"]),
        categories=tuple(raw["categories"]),
        source=raw["source"],
        tier=raw.get("tier", "all"),
    )


def _indicator(raw: dict[str, Any]) -> IndicatorRule:
    return IndicatorRule(
        id=raw["id"],
        metric=raw["metric"],
        numerator=tuple(raw["numerator"]),
        denominator=tuple(raw["denominator"]),
        part=raw.get("part"),
        from_age=raw.get("from_age", 0),
        to_age=raw.get("to_age"),
        districts=raw.get("districts", False),
        unit=raw.get("unit"),
        note=Text(**raw["note"]) if "note" in raw else None,
    )


def _check(specification: Specification) -> None:
    if abs(sum(family.share for family in specification.families) - 1) > 1e-9:
        raise ValueError("the shares of the families must sum to one")
    if specification.release_nano_rho > specification.budget.release_nano_rho:
        raise ValueError("the families cost more than a release may")
    for metric in specification.metrics:
        if metric.categories[-1] != UNKNOWN or len(set(metric.categories)) < len(metric.categories):
            raise ValueError(f"metric {metric.id}: categories must be distinct, unknown the last")
    for rule in specification.indicators:
        known = set(specification.metric_by_id[rule.metric].categories)
        if not set(rule.numerator) <= set(rule.denominator) <= known:
            raise ValueError(f"indicator {rule.id}: unknown categories")
        if rule.from_age not in specification.age_starts:
            raise ValueError(f"indicator {rule.id}: no age band starts at its age")
        if rule.to_age is not None and rule.to_age + 1 not in specification.age_starts:
            raise ValueError(f"indicator {rule.id}: no age band ends at its age")
