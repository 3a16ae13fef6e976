"""Linear predictors and what makes a risk of them; shared by PREVENT, SCORE2 and WHO 2019."""

from collections.abc import Iterable, Mapping
from math import exp, expm1, log

Terms = dict[str, float]
Factors = Mapping[str, float]
STEEP = 700.0
"""Beyond this a double overflows in `exp`, and a probability is 0 or 1 to every digit."""


def products(coefficients: Iterable[str]) -> tuple[tuple[str, str, str], ...]:
    """Those names that are products, with their two factors: `a_x_b` is `a` times `b`."""
    return tuple((name, *_halves(name)) for name in coefficients if "_x_" in name)


def _halves(name: str) -> tuple[str, str]:
    first, _, second = name.partition("_x_")
    return first, second


def crossed(factors: Factors, pairs: Iterable[tuple[str, str, str]]) -> Factors:
    """The factors and their products."""
    return {**factors, **{name: factors[a] * factors[b] for name, a, b in pairs}}


def linear(coefficients: Factors, factors: Factors) -> Terms:
    """Every term's contribution; their sum is the predictor."""
    # A term that is off contributes 0, not -0.
    return {name: c * factors[name] + 0.0 for name, c in coefficients.items()}


def logistic_pct(terms: Terms) -> float:
    """100 / (1 + exp(-x)) of the sum."""
    return 100.0 / (1.0 + exp(-_bounded(sum(terms.values()))))


def recalibrated_pct(terms: Terms, survival: float, scale: tuple[float, float]) -> float:
    """100 (1 - exp(-exp(a + b ln(-ln(1 - p))))) with p = 1 - survival^exp(sum).

    -ln(1 - p) is -ln(survival) exp(sum), so p itself, which rounds to 1, is never needed.
    """
    hazard = -log(survival) * exp(_bounded(sum(terms.values())))
    return -100.0 * expm1(-exp(min(scale[0] + scale[1] * log(hazard), STEEP)))


def _bounded(predictor: float) -> float:
    return max(-STEEP, min(STEEP, predictor))
