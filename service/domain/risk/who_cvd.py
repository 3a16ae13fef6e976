"""WHO 2019 risk of heart attack or stroke in ten years, East Asia: with lipids or without.

The model without lipids may stand in where none are known, and is labelled as such.
"""

from .catalogue import MODELS
from .predictor import Terms, crossed, linear, products, recalibrated_pct

MODEL = MODELS["who_cvd_2019_east_asia"]
_P = MODEL.parameters
_CENTRING: dict[str, float] = _P["centring"]
CHART_AGE: tuple[int, int] = tuple(_P["chart_age"])
CUTS: list[float] = _P["cuts_pct"]
ENDPOINTS = ("chd", "stroke")
NEEDS = {"lab": "tc", "nonlab": "bmi"}
"""The input that one edition needs and the other does not have."""
_PRODUCTS = {
    edition: products(sexes["female"]["chd"]["beta"])
    for edition, sexes in _P["coefficients"].items()
}


def terms(edition: str, sex: str, endpoint: str, values: dict[str, float]) -> Terms:
    """Contributions to the predictor of one endpoint; `values` in mmol/L, mmHg, kg/m2, 0 and 1."""
    factors = {name: value - _CENTRING.get(name, 0.0) for name, value in values.items()}
    beta = _P["coefficients"][edition][sex][endpoint]["beta"]
    return linear(beta, crossed(factors, _PRODUCTS[edition]))


def risk_pct(edition: str, sex: str, endpoint: str, given: Terms) -> float:
    survival = _P["coefficients"][edition][sex][endpoint]["S10"]
    return recalibrated_pct(given, survival, _P["recalibration"][sex][edition][endpoint])


def either(chd_pct: float, stroke_pct: float) -> float:
    """Percent of having at least one of the two, taken as independent."""
    return 100.0 * (1.0 - (1.0 - chd_pct / 100.0) * (1.0 - stroke_pct / 100.0))
