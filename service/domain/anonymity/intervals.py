"""95 % intervals for counts that cannot be negative.

The estimate is unbiased with a known standard deviation, the truth is a number of people. The
unified approach (Feldman and Cousins, Phys. Rev. D 57, 3873, 1998, section IV.B) covers the truth
in 95 % of releases for every true count, zero included, and is never empty or negative. It sees
the estimate and sigma only; an interval made from the true count would give the count away.
"""

from functools import lru_cache
from math import ceil, erf, floor, sqrt

import numpy as np

from service.domain.anonymity.lattice import Floats

COVERAGE = 0.95
Z = 1.959963984540054
"""Two-sided 95 % point of the standard normal distribution."""
_TINY = 1e-9


def interval(estimate: float, deviation: float) -> tuple[float, float]:
    """Lower and upper end in the unit of the estimate; both at least zero."""
    if deviation <= 0:
        return max(estimate, 0.0), max(estimate, 0.0)
    means, lefts, rights = _belt()
    position = estimate / deviation
    if position > means[-1] - Z:
        return estimate - Z * deviation, estimate + Z * deviation
    lower = float(np.interp(position, rights, means, left=0.0))
    upper = float(np.interp(position, lefts, means, left=0.0))
    return lower * deviation, upper * deviation


def whole(ends: tuple[float, float]) -> tuple[int, int]:
    """The whole numbers inside: the same coverage for a number of people."""
    low, high = ceil(ends[0] - _TINY), floor(ends[1] + _TINY)
    return (low, high) if low <= high else (floor(ends[0]), ceil(ends[1]))


@lru_cache(maxsize=1)
def _belt() -> tuple[Floats, Floats, Floats]:
    """True means and the ends of their acceptance intervals, in standard deviations."""
    means = np.linspace(0.0, 6.0, 1201)
    ends = np.array([_acceptance(float(mean)) for mean in means])
    return means, np.maximum.accumulate(ends[:, 0]), np.maximum.accumulate(ends[:, 1])


def _acceptance(mean: float) -> tuple[float, float]:
    """The 95 % of outcomes most likely under `mean` relative to the best non-negative mean."""
    if mean >= Z:
        return mean - Z, mean + Z
    if mean == 0:
        return -np.inf, _quantile(COVERAGE)
    low, high = 0.0, 4.0
    for _ in range(60):
        reach = (low + high) / 2
        if _normal(reach) - _normal(_left(mean, reach) - mean) < COVERAGE:
            low = reach
        else:
            high = reach
    return _left(mean, high), mean + high


def _left(mean: float, reach: float) -> float:
    """The outcome below the mean with the likelihood ratio of the outcome `reach` above it."""
    left = mean - reach
    return left if left >= 0 else (mean**2 - reach**2) / (2 * mean)


def _normal(value: float) -> float:
    return (1 + erf(value / sqrt(2))) / 2


def _quantile(probability: float) -> float:
    low, high = -8.0, 8.0
    for _ in range(80):
        middle = (low + high) / 2
        if _normal(middle) < probability:
            low = middle
        else:
            high = middle
    return high
