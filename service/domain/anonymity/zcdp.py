"""Zero-concentrated differential privacy: from rho to epsilon and back, and in plain words.

Conversion: Canonne, Kamath, Steinke, "The Discrete Gaussian for Differential Privacy",
NeurIPS 2020, Proposition 12 (the optimum over alpha of the Renyi bound).
Tests compare it with opendp's.
"""

from collections.abc import Callable
from functools import lru_cache
from math import erf, exp, inf, log, log1p, sqrt

Curve = Callable[[float], float]


def delta_of(rho: float, epsilon: float) -> float:
    """The smallest delta for which `rho`-zCDP gives (epsilon, delta)-DP by the cited bound."""
    if rho <= 0:
        return 0.0

    def log_delta(order: float) -> float:
        return (order - 1) * (order * rho - epsilon) - log(order - 1) + order * log1p(-1 / order)

    # The exponent is convex in the order: golden-section search on a wide bracket ends at its foot.
    return exp(min(0.0, log_delta(_foot(log_delta, 1 + 1e-9, max(2.0, (epsilon + 1) / rho + 2)))))


def _foot(curve: Curve, low: float, high: float) -> float:
    golden = (sqrt(5) - 1) / 2
    for _ in range(90):
        step = golden * (high - low)
        left, right = high - step, low + step
        if curve(left) < curve(right):
            high = right
        else:
            low = left
    return (low + high) / 2


@lru_cache(maxsize=256)
def epsilon_of(rho: float, delta: float) -> float:
    """Epsilon shown to people for a budget of `rho` at `delta`."""
    if rho <= 0:
        return 0.0
    low, high = 0.0, rho + 2 * sqrt(rho * log(1 / delta))
    for _ in range(60):
        middle = (low + high) / 2
        if delta_of(rho, middle) > delta:
            low = middle
        else:
            high = middle
    return high


def rho_of(epsilon: float, delta: float) -> float:
    """The largest budget that still gives (epsilon, delta)-DP."""
    low, high = 0.0, epsilon + 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if epsilon_of(middle, delta) > epsilon:
            high = middle
        else:
            low = middle
    return low


def sigma_of(rho: float) -> float:
    """Standard deviation of Gaussian noise on a table that one resident changes by one cell."""
    return sqrt(1 / (2 * rho)) if rho > 0 else inf


def best_guess(rho: float) -> float:
    """How often the best possible attacker rightly says who took part (a coin: half the time).

    Two Gaussians whose means lie sqrt(2 rho) standard deviations apart are told apart with
    probability Phi(sqrt(2 rho) / 2) at equal prior odds.
    """
    return (1 + erf(sqrt(2 * rho) / 2 / sqrt(2))) / 2
