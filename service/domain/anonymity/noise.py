"""Discrete Gaussian noise by opendp, a vetted library: exact integers, zCDP accounting.

A metric of K categories is measured as contrasts y_c = K x_c - T, T being the participants of the
area: one resident, added or removed, changes them by K - 1 in the own category and by -1 in every
other, an L2 distance of sqrt(K (K - 1)). Participation itself is one table that all metrics share,
changed by 1. At every measured level a resident is in exactly one area, so the cost of a table is
that of its areas on one way down; the costs of tables and levels add up (zCDP composition).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import ceil, sqrt

import numpy as np
from opendp.domains import atom_domain, vector_domain
from opendp.measurements import make_gaussian
from opendp.metrics import l2_distance
from opendp.mod import Measurement, __version__, enable_features

from service.domain.anonymity.cells import Shape, Universe
from service.domain.anonymity.specification import NANO
from service.domain.anonymity.tree import Counts

# Not by `opendp.prelude`, which imports scikit-learn, SciPy and pandas wherever they are installed.
enable_features("contrib")

LIBRARY = f"opendp {__version__}"


@dataclass(frozen=True, slots=True)
class Measured:
    """Table -> noisy contrasts by (area, group, category); these may be published.

    Areas that are not measured hold zeros.
    """

    tables: Mapping[str, Counts]


def sensitivity(size: int) -> float:
    """L2 distance that one resident makes in the contrasts of so many categories."""
    return sqrt(size * (size - 1)) if size > 1 else 1.0


def sigma(nano_rho: int, size: int) -> float:
    """Noise for a budget, rounded up to four decimals, so that it never costs more than said."""
    return ceil(sensitivity(size) * sqrt(NANO / (2 * nano_rho)) * 10_000) / 10_000


@cache
def cost(scale: float, size: int) -> float:
    """What opendp accounts for contrasts of so many categories with this noise, in rho."""
    return float(_mechanism(scale).map(sensitivity(size)))  # type: ignore[no-untyped-call]


def contrasts(counts: Counts) -> Counts:
    """K x - T over the last axis; a table of one category (participation) as it is."""
    size = counts.shape[-1]
    return counts if size == 1 else size * counts - counts.sum(axis=-1, keepdims=True)


def draw(exact: Mapping[str, Counts], universe: Universe) -> Measured:
    """Measure every table once. To be called once a charge: each call draws anew."""
    return Measured(
        {
            table: _noisy(contrasts(exact[table]), universe.nano_rho(table), shape)
            for table, shape in universe.tables.items()
        }
    )


def _noisy(wanted: Counts, nano_rho: Counts, shape: Shape) -> Counts:
    noisy = np.zeros_like(wanted)
    for budget in np.unique(nano_rho[nano_rho > 0]).tolist():
        scale = sigma(budget, shape.size)
        if cost(scale, shape.size) * NANO > budget:
            raise ArithmeticError("the noise costs more than was charged")
        rows = np.flatnonzero(nano_rho == budget)
        drawn = _mechanism(scale)(wanted[rows].ravel().tolist())
        noisy[rows] = np.array(drawn, np.int64).reshape(wanted[rows].shape)
    return noisy


# It holds no state, and making it takes longer than the noise of a small table.
@cache
def _mechanism(scale: float) -> Measurement:
    space = vector_domain(atom_domain(T="i64")), l2_distance(T="f64")
    return make_gaussian(*space, scale=scale)
