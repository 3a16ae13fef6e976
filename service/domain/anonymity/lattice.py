"""Weighted least squares over city, districts, sex and age, in closed form.

Every family sums the finest table over districts, over groups, over both or over neither, so the
normal equations are diagonal once each axis is split into its mean and the deviations from it.
The four combinations are called strands: (mean, mean), (deviation, mean), (mean, deviation),
(deviation, deviation). Estimates stay unbiased, and the variance of any sum of cells follows from
the families' sigma alone: it never looks at a count.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.domain.anonymity import noise
from service.domain.anonymity.cells import Universe
from service.domain.anonymity.noise import Measured
from service.domain.anonymity.specification import PARTICIPATION

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Lattice:
    """The shape of a release and how precise each strand of a table is."""

    districts: int
    groups: int
    weights: Mapping[str, float]
    """1 / sigma^2 of each family."""
    sizes: Mapping[str, int]
    """Number of categories of each table; 1 for participation."""
    regions_of: Mapping[str, tuple[bool, bool]]
    """Whether a family sums over districts, over groups."""

    @classmethod
    def of(cls, universe: Universe) -> "Lattice":
        families = universe.specification.families
        return cls(
            universe.districts,
            universe.groups,
            {f.id: noise.sigma(universe.specification.nano_rho(f)) ** -2 for f in families},
            {table: len(categories) for table, categories in universe.tables()},
            {f.id: (f.region == "city", f.by == "all") for f in families},
        )

    @property
    def precision(self) -> Floats:
        """Precision of one category of one table, by strand [district axis, group axis]."""
        strands = np.zeros((2, 2))
        for family, weight in self.weights.items():
            over_districts, over_groups = self.regions_of[family]
            gain = weight * (self.districts if over_districts else 1)
            gain *= self.groups if over_groups else 1
            # A family that sums over an axis says nothing about the deviations along it.
            strands[
                : 1 if over_districts else 2,
                : 1 if over_groups else 2,
            ] += gain
        return strands

    @property
    def participation_precision(self) -> Floats:
        """Precision of participation: its own table, and the sum of categories of every metric."""
        own = sum(1 / size for size in self.sizes.values())
        return self.precision * own

    def variance(self, table: str, *, districts: int, groups: int, chosen: int = 1) -> float:
        """Variance of the estimate of a sum over areas, groups and `chosen` categories."""
        return self.covariance(
            table, districts=districts, groups=groups, first=chosen, second=chosen, both=chosen
        )

    def covariance(
        self, table: str, *, districts: int, groups: int, first: int, second: int, both: int
    ) -> float:
        """Covariance of sums over `first` and `second` categories that share `both` of them."""
        size = self.sizes[table]
        spread = np.outer(_spread(districts, self.districts), _spread(groups, self.groups))
        people = float((spread / self.participation_precision).sum())
        if table == PARTICIPATION:
            return people
        alone = float((spread / self.precision).sum())
        return alone * (both - first * second / size) + people * first * second / size**2

    def estimate(self, measured: Measured) -> dict[str, Floats]:
        """Unbiased estimates (district, group, category); categories sum to participation."""
        alone = {table: self._alone(measured, table) for table in self.sizes}
        people = sum(
            (alone[table].sum(axis=2) / size for table, size in self.sizes.items()),
            np.zeros((self.districts, self.groups)),
        ) / sum(1 / size for size in self.sizes.values())
        return {
            table: alone[table] + ((people - alone[table].sum(axis=2)) / size)[:, :, None]
            for table, size in self.sizes.items()
        }

    def _alone(self, measured: Measured, table: str) -> Floats:
        shape = (self.districts, self.groups, self.sizes[table])
        total: Floats = np.zeros(shape)
        for family, weight in self.weights.items():
            total += weight * np.broadcast_to(measured.tables[family, table], shape)
        return scale_strands(total, 1 / self.precision)


def scale_strands(table: Floats, factors: Floats) -> Floats:
    """Multiply each strand of a (district, group, ...) table by its factor."""
    middle = table.mean(axis=0, keepdims=True)
    result: Floats = np.zeros_like(table)
    for number, part in enumerate((np.broadcast_to(middle, table.shape), table - middle)):
        mean = part.mean(axis=1, keepdims=True)
        result += factors[number, 0] * mean + factors[number, 1] * (part - mean)
    return result


def _spread(taken: int, size: int) -> Floats:
    """Squared length of an indicator of `taken` of `size` places along mean and deviations."""
    along = taken * taken / size
    return np.array([along, taken - along])
