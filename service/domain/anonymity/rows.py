"""The rows of a release: additive counts, shares, intervals and how far to trust them.

A row is made from published numbers and the specification only. `count` comes from the additive
tables; `low` and `high` come from the unbiased estimate and its sigma, stretched to hold `count`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isnan
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from service.domain.anonymity.cells import Universe
from service.domain.anonymity.estimates import Precision
from service.domain.anonymity.intervals import interval, whole
from service.domain.anonymity.noise import Measured
from service.domain.anonymity.specification import PARTICIPATION
from service.domain.anonymity.tree import Counts, Floats, Number

Status = Literal["ok", "low_precision", "not_published"]
STATUSES = np.array(["low_precision", "ok"], dtype=object)


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
    """The noisy contrast itself, before it was combined with any other; None where the cell is a
    sum of measured ones."""


@dataclass(frozen=True, slots=True)
class _Numbers:
    """The numbers of one table by (area, stratum, category)."""

    count: Counts
    low: Counts
    high: Counts
    share: Floats
    share_low: Floats
    share_high: Floats
    fine: NDArray[np.bool_]


@dataclass(frozen=True)
class Publication:
    """Everything rows are made of; nothing exact is among it."""

    universe: Universe
    precision: Precision
    measured: Measured
    estimates: Mapping[str, Floats]
    counts: Mapping[str, Counts]

    def rows(self) -> Iterator[Row]:
        """All rows in the order of the universe's cells."""
        for metric, shape in self.universe.tables.items():
            numbers = self._numbers(metric)
            whole = (_whole(column) for column in (numbers.count, numbers.low, numbers.high))
            shares = (numbers.share, numbers.share_low, numbers.share_high)
            columns: tuple[list[Any], ...] = (
                *whole,
                *(_spelled(column) for column in shares),
                STATUSES[numbers.fine.astype(np.int64)].ravel().tolist(),
                self._measured(metric),
            )
            keys = (
                (area.level, area.code, metric, category, sex, age)
                for area in self.universe.areas(metric)
                for _, sex, age in self.universe.strata
                for category in shape.categories
            )
            for line in zip(keys, *columns, strict=True):
                yield Row(*line[0], *line[1:])

    def _numbers(self, table: str) -> _Numbers:
        limits = self.universe.specification.precision
        count, estimate = self._strata(self.counts[table]), self._strata(self.estimates[table])
        variance = self._by_stratum(self.precision.variance(table))
        ends = whole(*interval(estimate, np.sqrt(variance)))
        low, high = np.minimum(ends[0], count), np.maximum(ends[1], count)
        if table == PARTICIPATION:
            shares = self._coverage(count, low, high)
            fine = (high - low) / 2 <= limits.ok_relative_half_width * np.maximum(count, 1)
        else:
            shares = self._shares(table, count, estimate, variance)
            fine = (shares[2] - shares[1]) / 2 <= limits.ok_half_width
        return _Numbers(count, low, high, *shares, fine)

    def _strata(self, table: NDArray[Number]) -> NDArray[Number]:
        """Everybody first, then each group, where groups are published."""
        total = table.sum(axis=1, keepdims=True)
        return total if table.shape[1] == 1 else np.concatenate([total, table], axis=1)

    def _by_stratum(self, one_group: Floats) -> Floats:
        """A variance of one group by area, as (area, stratum, 1): groups are independent."""
        groups = np.ones(len(self.universe.strata))
        groups[0] = self.precision.groups
        spread: Floats = (one_group[:, None] * groups)[..., None]
        return spread

    def _shares(
        self, table: str, count: Counts, estimate: Floats, variance: Floats
    ) -> tuple[Floats, Floats, Floats]:
        """Shares of the participants, by the delta method on published numbers."""
        size, areas = count.shape[-1], count.shape[0]
        people = self._strata(self.counts[PARTICIPATION])[:areas].astype(np.float64)
        spread = self._by_stratum(self.precision.variance(PARTICIPATION)[:areas])
        there = np.maximum(people, 1)
        share = count / there
        joint = variance - 2 * share * spread / size + share**2 * spread
        low, high = interval(estimate / there, np.sqrt(np.maximum(joint, 0)) / there)
        # The denominator itself cannot be told from nobody: the share may be anything.
        nobody = people < 2 * np.sqrt(spread)
        low, high = np.where(nobody, 0.0, low), np.where(nobody, 1.0, high)
        ends = np.minimum(low, share), np.minimum(np.maximum(high, share), 1.0)
        return _rounded(share, *ends, known=people > 0)

    def _coverage(self, count: Counts, low: Counts, high: Counts) -> tuple[Floats, Floats, Floats]:
        """Participants as a share of the public census size, where that is known."""
        population = np.zeros(count.shape)
        for number, area in enumerate(self.universe.areas(PARTICIPATION)):
            # The census tells sizes of areas, not of their groups.
            population[number, 0] = area.population or 0
        there = np.maximum(population, 1)
        return _rounded(count / there, low / there, high / there, known=population > 0)

    def _measured(self, table: str) -> list[int | None]:
        universe = self.universe
        shown = np.full((*self.counts[table].shape[:1], len(universe.strata)), False)
        shown[:, -len(universe.groups) :] = (universe.nano_rho(table) > 0)[:, None]
        values = self.measured.tables[table]
        if len(universe.strata) > len(universe.groups):
            values = np.concatenate([np.zeros_like(values[:, :1]), values], axis=1)
        wanted = np.broadcast_to(shown[..., None], values.shape).ravel().tolist()
        return [v if w else None for v, w in zip(values.ravel().tolist(), wanted, strict=True)]


def _rounded(
    share: Floats, low: Floats, high: Floats, *, known: NDArray[np.bool_]
) -> tuple[Floats, Floats, Floats]:
    """Four decimals, the ends rounded outward; nan where there is no share."""
    ends = np.floor(low * 10_000 + 1e-9) / 10_000, np.ceil(high * 10_000 - 1e-9) / 10_000
    found = [np.round(share, 4), np.maximum(ends[0], 0.0), ends[1]]
    where = np.broadcast_to(known, share.shape)
    filled = [np.where(where, values, np.nan) for values in found]
    return filled[0], filled[1], filled[2]


def _whole(column: Counts) -> list[int]:
    values: list[int] = column.ravel().tolist()
    return values


def _spelled(column: Floats) -> list[float | None]:
    return [None if isnan(value) else value for value in column.ravel().tolist()]
