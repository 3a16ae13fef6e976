"""The rows of a release: additive counts, shares, intervals and how far to trust them.

A row is made from published numbers and the specification only. `count` comes from the additive
tables; `low` and `high` come from the unbiased estimate and its sigma, stretched to hold `count`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, floor, sqrt
from typing import Literal, NamedTuple

from service.domain.anonymity.cells import EVERY, Cell, Universe
from service.domain.anonymity.count import Counts
from service.domain.anonymity.intervals import interval, whole
from service.domain.anonymity.lattice import Floats, Lattice
from service.domain.anonymity.noise import Measured
from service.domain.anonymity.specification import PARTICIPATION, Family

Status = Literal["ok", "low_precision", "not_published"]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the artifact. Numbers are None where the status is not_published."""

    level: str
    region: str
    metric: str
    category: str
    sex: str
    age: str
    count: int | None
    low: int | None
    high: int | None
    share: float | None
    share_low: float | None
    share_high: float | None
    status: Status
    measured: int | None
    """The noisy count itself, before it was combined with any other; may be negative."""


class CellPrecision(NamedTuple):
    """Variances of a cell, of its participants, and how many categories share them."""

    own: float
    people: float
    size: int


Spread = Callable[[str, int, int], CellPrecision]


@dataclass(frozen=True)
class Publication:
    """Everything rows are made of; nothing exact is among it."""

    universe: Universe
    lattice: Lattice
    measured: Measured
    estimates: Mapping[str, Floats]
    counts: Mapping[str, Counts]

    def rows(self) -> Iterator[Row]:
        populations = {area.code: area.population for _, _, area in self.universe.areas()}
        spread = lru_cache(maxsize=None)(self._precision)
        for cell in self.universe.cells():
            population = populations[cell.region]
            if self._withheld(cell, population):
                yield _unpublished(cell)
            else:
                yield self._row(cell, population, spread)

    def _precision(self, table: str, districts: int, groups: int) -> CellPrecision:
        return CellPrecision(
            self.lattice.variance(table, districts=districts, groups=groups),
            self.lattice.variance(PARTICIPATION, districts=districts, groups=groups),
            self.lattice.sizes[table],
        )

    def _withheld(self, cell: Cell, population: int | None) -> bool:
        minimum = self.universe.specification.minimum_population
        return cell.level == "district" and population is not None and population < minimum

    def _row(self, cell: Cell, population: int | None, spread: Spread) -> Row:
        districts = self.universe.districts if cell.district == EVERY else 1
        groups = self.universe.groups if cell.group == EVERY else 1
        precision = spread(cell.metric, districts, groups)
        count = int(_sum(self.counts[cell.metric], cell, cell.code))
        estimate = float(_sum(self.estimates[cell.metric], cell, cell.code))
        low, high = whole(interval(estimate, sqrt(precision.own)))
        low, high = min(low, count), max(high, count)
        if cell.metric == PARTICIPATION:
            whole_group = cell.group == EVERY
            share = _coverage(count, low, high, population if whole_group else None)
            limit = self.universe.specification.precision.ok_relative_half_width
            fine = (high - low) / 2 <= limit * max(count, 1)
        else:
            people = int(_sum(self.counts[PARTICIPATION], cell, 0))
            share = _share(count, estimate, people, precision)
            limit = self.universe.specification.precision.ok_half_width
            fine = share is not None and (share[2] - share[1]) / 2 <= limit
        return Row(
            *_key(cell),
            count,
            low,
            high,
            share[0] if share else None,
            share[1] if share else None,
            share[2] if share else None,
            "ok" if fine else "low_precision",
            self._measured(cell),
        )

    def _measured(self, cell: Cell) -> int:
        family = self._family(cell)
        table = self.measured.tables[family.id, cell.metric]
        return int(table[max(cell.district, 0), max(cell.group, 0), cell.code])

    def _family(self, cell: Cell) -> Family:
        by = "all" if cell.group == EVERY else "sex_age"
        families = self.universe.specification.families
        return next(f for f in families if (f.region, f.by) == (cell.level, by))


def _sum(table: Counts | Floats, cell: Cell, code: int) -> float:
    part = table[..., code]
    if cell.district != EVERY:
        part = part[cell.district : cell.district + 1]
    if cell.group != EVERY:
        part = part[:, cell.group : cell.group + 1]
    return float(part.sum())


def _share(
    count: int, estimate: float, people: int, precision: CellPrecision
) -> tuple[float, float, float] | None:
    """Share of the participants with its interval, by the delta method on published numbers."""
    if people <= 0:
        return None
    share = count / people
    if people < 2 * sqrt(precision.people):
        # The denominator itself cannot be told from nobody: the share may be anything.
        return _rounded(share, 0.0, 1.0)
    covariance = precision.people / precision.size
    variance = precision.own - 2 * share * covariance + share**2 * precision.people
    low, high = interval(estimate / people, sqrt(max(variance, 0.0)) / people)
    return _rounded(share, min(low, share), min(max(high, share), 1.0))


def _coverage(
    count: int, low: int, high: int, population: int | None
) -> tuple[float, float, float] | None:
    """Participants as a share of the public census size."""
    if not population:
        return None
    return _rounded(count / population, low / population, high / population)


def _rounded(share: float, low: float, high: float) -> tuple[float, float, float]:
    """Four decimals, the ends rounded outward."""
    return (
        round(share, 4),
        max(floor(low * 10_000) / 10_000, 0.0),
        ceil(high * 10_000 - 1e-9) / 10_000,
    )


def _unpublished(cell: Cell) -> Row:
    return Row(*_key(cell), None, None, None, None, None, None, "not_published", None)


def _key(cell: Cell) -> tuple[str, str, str, str, str, str]:
    return cell.level, cell.region, cell.metric, cell.category, cell.sex, cell.age
