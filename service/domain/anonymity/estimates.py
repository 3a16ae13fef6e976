"""Unbiased estimates from the noisy contrasts, and how far each sum of them can be off.

Everything follows from the noise scales of the manifest: nothing here looks at a count.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from service.domain.anonymity.cells import Shape, Universe
from service.domain.anonymity.noise import Measured
from service.domain.anonymity.specification import PARTICIPATION
from service.domain.anonymity.tree import Floats


@dataclass(frozen=True)
class Precision:
    """Variances by area, from the shapes of tables and what was spent on each area."""

    shapes: Mapping[str, Shape]
    weights: Mapping[str, Floats]
    """Table -> 1 / variance of the noise by area, in units of one resident; 0: not measured."""
    groups: int

    @classmethod
    def of(cls, universe: Universe) -> "Precision":
        weights = {table: universe.precision(table) for table in universe.tables}
        return cls(universe.tables, weights, len(universe.groups))

    def estimate(self, measured: Measured) -> dict[str, Floats]:
        """Table -> (area, group, category); categories add up to participation."""
        people, _ = self._fit(measured, PARTICIPATION)
        return {PARTICIPATION: people} | {
            table: self._counts(measured, table, people)
            for table in self.shapes
            if table != PARTICIPATION
        }

    def _fit(self, measured: Measured, table: str) -> tuple[Floats, Floats]:
        return self.shapes[table].tree.fit(
            measured.tables[table].astype(np.float64), self.weights[table]
        )

    def _counts(self, measured: Measured, table: str, people: Floats) -> Floats:
        shape = self.shapes[table]
        contrast, _ = self._fit(measured, table)
        # Exact contrasts sum to zero; what their noise sums to is noise.
        contrast -= contrast.mean(axis=-1, keepdims=True)
        counts: Floats = (contrast + people[: shape.areas]) / shape.size
        return counts

    @cached_property
    def spreads(self) -> Mapping[str, Floats]:
        """Table -> variance by area of one group, of a table that a resident changes by one."""
        return {
            table: shape.tree.fit(np.zeros(shape.areas), self.weights[table])[1]
            for table, shape in self.shapes.items()
        }

    def covariance(self, table: str, *, first: int, second: int, both: int) -> Floats:
        """Covariance by area, for one group, of sums over categories.

        `first` and `second` are how many categories each sum takes, `both` how many they share.
        """
        size, people = self.shapes[table].size, self.spreads[PARTICIPATION]
        if size == 1:
            return people
        people = people[: self.shapes[table].areas]
        alone = self.spreads[table] * (size - 1) / size
        covariance: Floats = alone * (both - first * second / size) + people * (
            first * second / size**2
        )
        return covariance

    def variance(self, table: str, chosen: int = 1) -> Floats:
        """Variance by area, for one group, of a sum over so many categories."""
        return self.covariance(table, first=chosen, second=chosen, both=chosen)
