"""SCORE2 (2021) and SCORE2 Asia-Pacific (2025): for comparison, no level moves by it."""

from .catalogue import MODELS
from .predictor import Terms, crossed, linear, products, recalibrated_pct

MODEL = MODELS["score2_and_asia_pacific"]
_P = MODEL.parameters
_CENTRES = _P["centres"]
_BANDS = _P["bands"]
_EQUATIONS = {
    sex: {name: c for name, c in coefficients.items() if name != "S10"}
    for sex, coefficients in _P["coefficients"].items()
}
_PRODUCTS = products(_EQUATIONS["female"])


def terms(
    sex: str, *, age: float, sbp: float, tc: float, hdl: float, smoker: bool, diabetes: bool
) -> Terms:
    """Every term's contribution to the linear predictor; cholesterol in mmol/L."""
    values = {"age": age, "sbp": sbp, "tc": tc, "hdl": hdl}
    factors: dict[str, float] = {"smoker": smoker, "diabetes": diabetes}
    for name, (centre, width) in _CENTRES.items():
        factors[name] = (values[name] - centre) / width
    return linear(_EQUATIONS[sex], crossed(factors, _PRODUCTS))


def scales(edition: str, sex: str) -> dict[str, tuple[float, float]]:
    """Recalibrations by region; of Europe the low-risk region only."""
    found: dict[str, tuple[float, float]] = _P["scales"][edition][sex]
    return found


def risk_pct(sex: str, given: Terms, scale: tuple[float, float]) -> float:
    return recalibrated_pct(given, _P["coefficients"][sex]["S10"], scale)


def cuts(age: float) -> list[float]:
    """The bands of ESC 2021 change at 50 years."""
    found: list[float] = _BANDS["below_50" if age < 50 else "from_50"]
    return found
