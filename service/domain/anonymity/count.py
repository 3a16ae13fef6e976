"""Exact tallies. They live in the memory of the publishing process and nowhere else."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from service.domain.anonymity.cells import Universe
from service.domain.anonymity.geography import Geography
from service.domain.anonymity.specification import PARTICIPATION, Specification
from service.domain.anonymity.tree import Counts

REGION_BYTES = 16
METRIC_SLOTS = 24

CONTRIBUTION = np.dtype(
    [
        ("region", f"S{REGION_BYTES}"),
        ("sex", "u1"),
        ("birth_year", "<u2"),
        ("codes", "u1", (METRIC_SLOTS,)),
        ("spare", f"V{64 - REGION_BYTES - 3 - METRIC_SLOTS}"),
    ]
)
"""What one resident contributes, in 64 bytes: `codes` follow the specification's metrics."""


@dataclass(frozen=True, slots=True, repr=False)
class Tally:
    """Table -> counts by (leaf of the whole geography, sex and age, category).

    Printing it tells nothing.
    """

    tables: Mapping[str, Counts] = field(repr=False)

    def __str__(self) -> str:
        return "<tally>"

    __repr__ = __str__

    def of(self, universe: Universe) -> dict[str, Counts]:
        """The exact tables a universe measures: (area, group, category). Never to be published."""
        whole, cut = universe.whole, universe.geography
        home = np.array([cut.place_of[whole.settlers[row]] for row in whole.tree.leaves.tolist()])
        found = {}
        for table, counts in self.tables.items():
            if len(universe.groups) == 1:
                counts = counts.sum(axis=1, keepdims=True)
            areas = np.zeros((len(cut.areas), *counts.shape[1:]), np.int64)
            np.add.at(areas, home, counts)
            everywhere: Counts = cut.tree.total(areas[cut.tree.leaves])
            found[table] = everywhere[: universe.tables[table].areas]
        return found


def count(
    batches: Iterable[NDArray[np.void]],
    specification: Specification,
    geography: Geography,
    *,
    year: int,
) -> Tally:
    """Count each contribution in exactly one cell of each table.

    `year` is that of the cut-off. A contribution from outside the region tree is in no table.
    """
    leaves, groups = len(geography.tree.leaves), len(specification.groups)
    sizes = {PARTICIPATION: 1} | {m.id: len(m.categories) for m in specification.metrics}
    tables = {name: np.zeros((leaves, groups, size), np.int64) for name, size in sizes.items()}
    place = _Places(specification, geography, year)
    for batch in batches:
        stratum = place(batch)
        inside = stratum >= 0
        stratum, codes = stratum[inside], batch["codes"][inside]
        tables[PARTICIPATION] += _bins(stratum, leaves, groups, 1)
        for slot, metric in enumerate(specification.metrics):
            size = len(metric.categories)
            # A code beyond the list can only be a fault upstream; it counts as the last, unknown.
            code = np.minimum(codes[:, slot].astype(np.int64), size - 1)
            tables[metric.id] += _bins(stratum * size + code, leaves, groups, size)
    return Tally(tables)


def merged(tallies: Iterable[Tally]) -> Tally:
    """The tally of several parts of the people; ValueError when their tables differ in shape."""
    first, *others = tallies
    tables = {name: counts.copy() for name, counts in first.tables.items()}
    for other in others:
        if other.tables.keys() != tables.keys():
            raise ValueError("tallies of different specifications")
        for name, counts in other.tables.items():
            if counts.shape != tables[name].shape:
                raise ValueError("tallies of different cities")
            tables[name] += counts
    return Tally(tables)


def _bins(numbers: Counts, leaves: int, groups: int, size: int) -> Counts:
    counted: Counts = np.bincount(numbers, minlength=leaves * groups * size)
    return counted.reshape(leaves, groups, size)


class _Places:
    """Leaf times groups plus group of each contribution of a batch, or -1 outside the tree."""

    def __init__(self, specification: Specification, geography: Geography, year: int) -> None:
        leaf_of = {int(row): leaf for leaf, row in enumerate(geography.tree.leaves)}
        known = sorted(
            (code.encode(), leaf_of[place]) for code, place in geography.place_of.items()
        )
        self._codes = np.array([code for code, _ in known], dtype=f"S{REGION_BYTES}")
        self._leaves = np.array([leaf for _, leaf in known], dtype=np.int64)
        self._specification = specification
        self._starts = np.array(specification.age_starts)
        self._year = year

    def __call__(self, batch: NDArray[np.void]) -> Counts:
        specification = self._specification
        # A batch holds few divisions many times: each is looked up once.
        regions, back = np.unique(batch["region"], return_inverse=True)
        at = np.minimum(np.searchsorted(self._codes, regions), len(self._codes) - 1)
        found = np.where(self._codes[at] == regions, self._leaves[at], -1)[back]
        age = np.maximum(self._year - batch["birth_year"].astype(np.int64), 0)
        band = np.searchsorted(self._starts, age, side="right") - 1
        sex = batch["sex"].astype(np.int64)
        group = sex * len(specification.ages) + band
        inside = (found >= 0) & (sex < len(specification.sexes))
        return np.where(inside, found * len(specification.groups) + group, -1)
