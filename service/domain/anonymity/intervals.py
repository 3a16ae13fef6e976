"""95 % intervals for counts that cannot be negative.

The estimate is unbiased with a known standard deviation, the truth is a number of people. The
unified approach (Feldman and Cousins, Phys. Rev. D 57, 3873, 1998, section IV.B) covers the truth
in 95 % of releases for every true count, zero included, and is never empty or negative. It sees
the estimate and sigma only; an interval made from the true count would give the count away.
"""

from functools import lru_cache
from math import erf, sqrt

import numpy as np

from service.domain.anonymity.tree import Counts, Floats

COVERAGE = 0.95
Z = 1.959963984540054
"""Two-sided 95 % point of the standard normal distribution."""
_TINY = 1e-9


def interval(estimate: Floats, deviation: Floats) -> tuple[Floats, Floats]:
    """Lower and upper ends in the unit of the estimates, element by element; at least zero."""
    means, lefts, rights = _belt()
    exact = deviation <= 0
    scale = np.where(exact, 1.0, deviation)
    position = estimate / scale
    far = position > means[-1] - Z
    lower = np.where(far, position - Z, np.interp(position, rights, means, left=0.0))
    upper = np.where(far, position + Z, np.interp(position, lefts, means, left=0.0))
    known = np.maximum(estimate, 0.0)
    return np.where(exact, known, lower * scale), np.where(exact, known, upper * scale)


def whole(low: Floats, high: Floats) -> tuple[Counts, Counts]:
    """The whole numbers inside: the same coverage for a number of people."""
    inner = np.ceil(low - _TINY), np.floor(high + _TINY)
    empty = inner[0] > inner[1]
    ends = np.where(empty, np.floor(low), inner[0]), np.where(empty, np.ceil(high), inner[1])
    return ends[0].astype(np.int64), ends[1].astype(np.int64)


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
