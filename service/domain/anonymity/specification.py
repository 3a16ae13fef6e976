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
TIMES = {"month": 12, "quarter": 4, "year": 1}
LEVELS = ("city", "district", "street", "community")
"""Divisions from the widest to the narrowest."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One question with a closed list of answers; the last one is always "unknown".

    A metric of the tier "city" is measured for the whole city only.
    """

    id: str
    key: str
    name: Text
    categories: tuple[str, ...]
    source: str
    tier: Literal["all", "city"]

    def code(self, word: str | None) -> int:
        """The place of a word in the list; everything unheard of is "unknown"."""
        return self.categories.index(word if word in self.categories else UNKNOWN)


@dataclass(frozen=True, slots=True)
class Cadence:
    """A table that is published every month, quarter or year.

    `families` maps each level that is measured to its share of one release.
    """

    id: str
    name: Text
    every: Literal["month", "quarter", "year"]
    levels: tuple[str, ...]
    by: Literal["all", "sex_age"]
    share: float
    window_days: int
    families: Mapping[str, float]

    @property
    def times(self) -> int:
        """Releases of a calendar year."""
        return TIMES[self.every]

    @property
    def finest(self) -> str:
        return self.levels[-1]


@dataclass(frozen=True, slots=True)
class Budget:
    delta: float
    year_nano_rho: int
    lifetime_nano_rho: int


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
    precision: Precision
    minimum_population: int
    sexes: tuple[str, ...]
    ages: tuple[str, ...]
    age_rule: Text
    cadences: tuple[Cadence, ...]
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

    @property
    def tables(self) -> int:
        """Tables of one release: participation and the metrics."""
        return len(self.metrics) + 1

    def cadence(self, name: str) -> Cadence:
        """The cadence of this id; KeyError when there is none."""
        return {cadence.id: cadence for cadence in self.cadences}[name]

    def nano_rho(self, cadence: Cadence, level: str) -> int:
        """Budget of one table at a measured level, in billionths of rho: the same for all."""
        release = self.budget.year_nano_rho * cadence.share / cadence.times
        return int(release * cadence.families[level] / self.tables)

    def release_nano_rho(self, cadence: Cadence) -> int:
        """What one whole release of a cadence costs a resident, in billionths of rho."""
        return sum(self.nano_rho(cadence, level) for level in cadence.families) * self.tables

    @cached_property
    def year_nano_rho(self) -> int:
        """What all releases of a year cost a resident together."""
        return sum(self.release_nano_rho(cadence) * cadence.times for cadence in self.cadences)

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
    specification = Specification(
        source=source,
        id=raw["id"],
        version=raw["version"],
        edition=Text(**raw["edition"]),
        voluntary=Text(**raw["voluntary"]),
        method=Text(**raw["method"]),
        contribution_schema=raw["contribution_schema"],
        budget=Budget(**raw["budget"]),
        precision=Precision(**raw["precision"]),
        minimum_population=raw["geography"]["minimum_population"],
        sexes=tuple(raw["groups"]["sexes"]),
        ages=tuple(raw["groups"]["ages"]),
        age_rule=Text(**raw["groups"]["age_rule"]),
        cadences=tuple(_cadence(cadence) for cadence in raw["cadence"]),
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


def _cadence(raw: dict[str, Any]) -> Cadence:
    return Cadence(
        id=raw["id"],
        name=Text(**raw["name"]),
        every=raw["every"],
        levels=tuple(raw["levels"]),
        by=raw["by"],
        share=raw["share"],
        window_days=raw["window_days"],
        families=raw["families"],
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
    if specification.year_nano_rho > specification.budget.year_nano_rho:
        raise ValueError("the cadences cost more than a year may")
    for cadence in specification.cadences:
        _check_cadence(cadence)
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


def _check_cadence(cadence: Cadence) -> None:
    if cadence.levels != LEVELS[: len(cadence.levels)]:
        raise ValueError(f"cadence {cadence.id}: its levels must begin with the city")
    if abs(sum(cadence.families.values()) - 1) > 1e-9:
        raise ValueError(f"cadence {cadence.id}: the shares of its families must sum to one")
    if not set(cadence.families) <= set(cadence.levels) or cadence.finest not in cadence.families:
        raise ValueError(f"cadence {cadence.id}: its finest level must be measured")
