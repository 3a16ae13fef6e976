"""Exact tallies. They live in the memory of the publishing process and nowhere else."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from service.domain.anonymity.cells import Universe
from service.domain.anonymity.specification import PARTICIPATION

Counts = NDArray[np.int64]
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
    """Table -> counts by (district, sex and age, category). Printing it tells nothing."""

    tables: Mapping[str, Counts] = field(repr=False)

    def __str__(self) -> str:
        return "<tally>"

    __repr__ = __str__


def count(batches: Iterable[NDArray[np.void]], universe: Universe, *, year: int) -> Tally:
    """Count each contribution in exactly one cell of each table.

    `year` is that of the cut-off. A contribution from outside the region tree is in no table.
    """
    districts, groups = universe.districts, universe.groups
    tables: dict[str, Counts] = {
        metric: np.zeros((districts, groups, len(categories)), np.int64)
        for metric, categories in universe.tables()
    }
    for batch in batches:
        placed = _place(batch, universe, year)
        inside = placed >= 0
        stratum, codes = placed[inside], batch["codes"][inside]
        tables[PARTICIPATION] += np.bincount(stratum, minlength=districts * groups).reshape(
            districts, groups, 1
        )
        for slot, metric in enumerate(universe.specification.metrics):
            size = len(metric.categories)
            # A code beyond the list can only be a fault upstream; it counts as the last, unknown.
            code = np.minimum(codes[:, slot].astype(np.int64), size - 1)
            tables[metric.id] += np.bincount(
                stratum * size + code, minlength=districts * groups * size
            ).reshape(districts, groups, size)
    return Tally(tables)


def _place(batch: NDArray[np.void], universe: Universe, year: int) -> Counts:
    """District times groups plus group for each contribution, or -1 outside the tree."""
    specification = universe.specification
    known = sorted(
        (code.encode(), district) for code, district in universe.geography.district_of.items()
    )
    codes = np.array([code for code, _ in known], dtype=f"S{REGION_BYTES}")
    numbers = np.array([district for _, district in known], dtype=np.int64)
    at = np.minimum(np.searchsorted(codes, batch["region"]), len(codes) - 1)
    found = codes[at] == batch["region"]
    age = np.maximum(year - batch["birth_year"].astype(np.int64), 0)
    band = np.searchsorted(np.array(specification.age_starts), age, side="right") - 1
    sex = batch["sex"].astype(np.int64)
    group = sex * len(specification.ages) + band
    inside = found & (sex < len(specification.sexes))
    return np.where(inside, numbers[at] * universe.groups + group, -1)
