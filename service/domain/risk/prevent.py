"""AHA PREVENT base equations, 10 and 30 years (Khan 2024): for comparison, no level moves by it."""

from dataclasses import dataclass

from .catalogue import MODELS
from .predictor import Factors, Terms, crossed, linear, products

MODEL = MODELS["prevent_base"]
_P = MODEL.parameters
_CENTRES = _P["centres"]
MMOL_PER_MG_DL: float = _P["mmol_per_mg_dl"]
THIRTY_YEAR_AGE: tuple[int, int] = tuple(_P["thirty_year_age"])
CUTS: list[float] = _P["cuts_pct"]
OUTCOMES = {"total_cvd": "total_cvd", "ascvd": "ascvd", "hf": "heart_failure"}
"""Names of the answer to names of the coefficients."""
YEARS = (10, 30)
_PRODUCTS = products(_P["coefficients"]["10y"]["female_total_cvd"])
"""Alike in all twelve equations."""


@dataclass(frozen=True, slots=True)
class Input:
    """One person as the equations see them; cholesterol in mmol/L."""

    sex: str
    age: float
    sbp: float
    tc: float
    hdl: float
    bmi: float
    egfr: float
    diabetes: bool
    smoker: bool
    treated: bool
    statin: bool


def factors(given: Input) -> Factors:
    """The transformed inputs, each piecewise line as its two halves, and their products."""
    age = _scaled("age", given.age)
    single = {
        "age": age,
        "age_sq": age * age,
        "nonhdl": _scaled("nonhdl", given.tc - given.hdl),
        "hdl": _scaled("hdl", given.hdl),
        "sbp_lt110": _below("sbp_lt110", given.sbp),
        "sbp_ge110": _above("sbp_ge110", given.sbp),
        "bmi_lt30": _below("bmi_lt30", given.bmi),
        "bmi_ge30": _above("bmi_ge30", given.bmi),
        "egfr_lt60": _below("egfr_lt60", given.egfr),
        "egfr_ge60": _above("egfr_ge60", given.egfr),
        "diabetes": given.diabetes,
        "smoker": given.smoker,
        "htn_meds": given.treated,
        "statin": given.statin,
        "constant": 1.0,
    }
    return crossed(single, _PRODUCTS)


def terms(sex: str, years: int, outcome: str, given: Factors) -> Terms:
    """Every term's contribution to the predictor of one outcome over 10 or 30 years."""
    return linear(_P["coefficients"][f"{years}y"][f"{sex}_{OUTCOMES[outcome]}"], given)


def defined(age: float, years: int) -> bool:
    """The 30-year equations end with the sixtieth birthday."""
    return years == YEARS[0] or age < THIRTY_YEAR_AGE[1] + 1


def _scaled(name: str, value: float) -> float:
    centre, width = _CENTRES[name]
    return float((value - centre) / width)


def _below(name: str, value: float) -> float:
    knot, centre, width = _CENTRES[name]
    return float((min(value, knot) - centre) / width)


def _above(name: str, value: float) -> float:
    knot, centre, width = _CENTRES[name]
    return float((max(value, knot) - centre) / width)
