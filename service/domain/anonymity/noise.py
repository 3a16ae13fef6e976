"""Discrete Gaussian noise by opendp, a vetted library: exact integers, zCDP accounting.

One resident, added or removed, changes exactly one cell of a table by one, so each table has L2
sensitivity 1 and noise of standard deviation sigma costs 1 / (2 sigma^2) of rho. Tables are
measured one by one with independent noise; their costs add up (zCDP composition).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np
import opendp.prelude as dp

from service.domain.anonymity.cells import Universe
from service.domain.anonymity.count import Counts, Tally
from service.domain.anonymity.specification import NANO, Family

dp.enable_features("contrib")

LIBRARY = f"opendp {dp.__version__}" if hasattr(dp, "__version__") else "opendp"
SENSITIVITY = 1.0


@dataclass(frozen=True, slots=True)
class Measured:
    """(family, table) -> noisy counts in the family's shape; these may be published."""

    tables: Mapping[tuple[str, str], Counts]


def sigma(nano_rho: int) -> float:
    """Noise for a budget, rounded up to four decimals, so that it never costs more than said."""
    return ceil(sqrt(NANO / (2 * nano_rho)) * 10_000) / 10_000


def cost(scale: float) -> float:
    """What opendp accounts for a table with this noise, in rho."""
    return float(_mechanism(scale).map(SENSITIVITY))  # type: ignore[no-untyped-call]


def draw(tally: Tally, universe: Universe) -> Measured:
    """Measure every table once. To be called once a charge: each call draws anew."""
    measured: dict[tuple[str, str], Counts] = {}
    for family in universe.specification.families:
        nano_rho = universe.specification.nano_rho(family)
        mechanism = _mechanism(sigma(nano_rho))
        if cost(sigma(nano_rho)) * NANO > nano_rho:
            raise ArithmeticError("the noise costs more than was charged")
        for table, counts in tally.tables.items():
            exact = gather(counts, family)
            noisy = mechanism(exact.ravel().tolist())
            measured[family.id, table] = np.array(noisy, np.int64).reshape(exact.shape)
    return Measured(measured)


def gather(counts: Counts, family: Family) -> Counts:
    """The table as the family sees it: (1 or districts, 1 or groups, categories)."""
    if family.region == "city":
        counts = counts.sum(axis=0, keepdims=True)
    if family.by == "all":
        counts = counts.sum(axis=1, keepdims=True)
    return counts


def _mechanism(scale: float) -> dp.Measurement:
    space = dp.vector_domain(dp.atom_domain(T="i64")), dp.l2_distance(T="f64")
    return dp.m.make_gaussian(*space, scale=scale)
