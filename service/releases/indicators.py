"""Indicators of the city plans, read from published cells: value, interval, coverage, target.

A ratio of two sums of cells. Its interval follows from the families' sigma in the manifest, by the
delta method; nothing here has ever seen a contribution.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np

from service.domain.anonymity.estimates import Precision
from service.domain.anonymity.intervals import interval
from service.domain.anonymity.specification import (
    ALL,
    IndicatorRule,
    Specification,
)
from service.domain.vocabulary.indicators import INDICATORS, Indicator, Target
from service.releases.artifact import read_csv
from service.releases.precision import precision_of
from service.releases.store import Artifact

Line = dict[str, Any]
PERCENT = 100


def read(specification: Specification, releases: Iterable[Artifact]) -> Iterator[dict[str, Any]]:
    """Every indicator of the specification, each from the release that tells it best.

    That is the newest one that has its age bands, and of several as new the most precise.
    """
    readings = [Reading.of(specification, kept) for kept in releases]
    for rule in specification.indicators:
        able = [reading for reading in readings if reading.tells(rule)]
        if able:
            yield from max(able, key=lambda reading: reading.worth(rule)).items(rule)


@dataclass(frozen=True, slots=True)
class Reading:
    """One release, opened for reading indicators."""

    specification: Specification
    manifest: dict[str, Any]
    lines: Sequence[Line]
    precision: Precision

    @classmethod
    def of(cls, specification: Specification, kept: Artifact) -> "Reading":
        manifest = json.loads(kept.manifest)
        lines = read_csv(kept.csv)
        groups = len({(line["sex"], line["age"]) for line in lines} - {(ALL, ALL)})
        return cls(specification, manifest, lines, precision_of(manifest, groups))

    def tells(self, rule: IndicatorRule) -> bool:
        """Whether the release has the cells of this indicator."""
        shape = self.precision.shapes.get(rule.metric)
        known = shape is not None and set(rule.denominator) <= set(shape.categories)
        return known and (rule.from_age == 0 or self.precision.groups > 1)

    def worth(self, rule: IndicatorRule) -> tuple[str, float]:
        city = self.precision.variance(rule.metric)[0] * self.precision.groups
        return self.manifest["as_of"], -float(city)

    def items(self, rule: IndicatorRule) -> Iterator[dict[str, Any]]:
        """One indicator for the city, and where it is asked for by district."""
        for number, area in enumerate(self.manifest["regions"]["areas"]):
            wanted = area["level"] == "district" and rule.districts
            if area["level"] == "city" or (wanted and self._has(rule, number)):
                yield self._item(rule, number, area)

    def _has(self, rule: IndicatorRule, number: int) -> bool:
        return number < self.precision.shapes[rule.metric].areas

    def _item(self, rule: IndicatorRule, number: int, area: dict[str, Any]) -> dict[str, Any]:
        entry = INDICATORS[rule.id]
        measure = self._measure(rule, number, area)
        year = int(self.manifest["as_of"][:4])
        return {
            "id": rule.id,
            "part": rule.part,
            "name": entry.name.both(),
            "level": area["level"],
            "region": area["code"],
            **measure,
            "unit": rule.unit or entry.unit,
            "direction": entry.direction,
            "coverage": self._coverage(area["code"]),
            "year": year,
            "target": _target(entry.targets, year),
            "targets": [_spelled(target) for target in entry.targets],
            "source": {
                "release_id": self.manifest["release_id"],
                "table_sha256": self.manifest["table"]["sha256"],
                "plan": entry.plan,
                "definition": _definition(entry),
            },
            "note": rule.note.both() if rule.note else None,
        }

    def _measure(self, rule: IndicatorRule, number: int, area: dict[str, Any]) -> dict[str, Any]:
        chosen = [line for line in self.lines if self._belongs(rule, area["code"], line)]
        if any(line["status"] == "not_published" for line in chosen):
            return _unknown("not_published", None, None)
        numerator = _total(chosen, rule.numerator)
        denominator = _total(chosen, rule.denominator)
        if denominator <= 0:
            return _unknown("low_precision", numerator, denominator)
        share = numerator / denominator
        groups = len({(line["sex"], line["age"]) for line in chosen})
        deviation = self._deviation(rule, number, groups, share) / denominator
        ends = interval(np.array(share), np.array(deviation))
        low, high = float(ends[0]), min(float(ends[1]), 1.0)
        fine = (high - low) / 2 <= self.specification.precision.ok_half_width
        return {
            "value": _percent(share),
            "interval": {"low": _percent(low), "high": _percent(high)},
            "numerator": numerator,
            "denominator": denominator,
            "status": "ok" if fine else "low_precision",
        }

    def _belongs(self, rule: IndicatorRule, region: str, line: Line) -> bool:
        if line["metric"] != rule.metric or line["region"] != region:
            return False
        if _everybody(rule):
            return bool(line["sex"] == ALL and line["age"] == ALL)
        starts = dict(zip(self.specification.ages, self.specification.age_starts, strict=True))
        if line["age"] == ALL:
            return False
        start = starts[line["age"]]
        return start >= rule.from_age and (rule.to_age is None or start <= rule.to_age)

    def _deviation(self, rule: IndicatorRule, number: int, groups: int, share: float) -> float:
        """Standard deviation of numerator minus share times denominator, in people."""
        taken = self.precision.groups if _everybody(rule) else groups
        first, second = len(rule.numerator), len(rule.denominator)

        def covariance(one: int, other: int, both: int) -> float:
            found = self.precision.covariance(rule.metric, first=one, second=other, both=both)
            return float(found[number]) * taken

        variance = (
            covariance(first, first, first)
            - 2 * share * covariance(first, second, first)
            + share**2 * covariance(second, second, second)
        )
        return sqrt(max(variance, 0.0))

    def _coverage(self, region: str) -> dict[str, Any]:
        return next(
            {name: entry[name] for name in ("participants", "share", "low", "high")}
            for entry in self.manifest["coverage"]
            if entry["region"] == region
        )


def _everybody(rule: IndicatorRule) -> bool:
    """Whether all ages count, so that the totals say it."""
    return rule.from_age == 0 and rule.to_age is None


def _total(lines: Iterable[Line], categories: tuple[str, ...]) -> int:
    return sum(line["count"] for line in lines if line["category"] in categories)


def _unknown(status: str, numerator: int | None, denominator: int | None) -> dict[str, Any]:
    return {
        "value": None,
        "interval": None,
        "numerator": numerator,
        "denominator": denominator,
        "status": status,
    }


def _percent(share: float) -> float:
    return round(share * PERCENT, 2)


def _target(targets: tuple[Target, ...], year: int) -> dict[str, Any] | None:
    """The next target: the first whose year is not over."""
    coming = [target for target in targets if target.year >= year]
    return _spelled(min(coming, key=lambda target: target.year)) if coming else None


def _spelled(target: Target) -> dict[str, Any]:
    return {
        "year": target.year,
        "text": target.text,
        "op": target.op,
        "number": target.number,
    }


def _definition(entry: Indicator) -> dict[str, str]:
    return {
        "numerator": entry.numerator,
        "denominator": entry.denominator,
        "source": entry.definition_source,
    }
