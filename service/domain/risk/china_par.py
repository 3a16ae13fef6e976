"""China-PAR: ten-year risk of a first atherosclerotic event, percent (Yang 2016, guideline 2019).

The coefficients are those of `data/china_par_10y.json`: they reproduce 848 outputs of the official
calculator. The two-decimal ones printed in the paper are not used: they are a third off in women.
"""

from dataclasses import dataclass
from math import exp, expm1, log

from .catalogue import MODELS

MODEL = MODELS["china_par_10y"]
_P = MODEL.parameters
MMOL_PER_MG_DL: float = _P["mmol_per_mg_dl"]
DERIVATION_AGE: tuple[int, int] = tuple(MODEL.inputs["age"]["derived"])
_CUTS: tuple[float, float] = tuple(_P["cuts_pct"])
_IDEAL = _P["ideal"]
COEFFICIENTS: dict[str, dict[str, float]] = _P["coefficients"]

LIMITS = {
    "age": (20.0, 85.0),
    "sbp": (70.0, 200.0),
    "waist": (50.0, 130.0),
    "tc": (2.0, 11.0),
    "hdl": (0.5, 4.0),
}
"""What the official site accepts; tc and hdl in mmol/L."""


@dataclass(frozen=True, slots=True)
class Input:
    """One person as the equation sees them; cholesterol in mg/dL."""

    sex: str
    age: float
    sbp: float
    treated: bool
    tc: float
    hdl: float
    waist: float
    smoker: bool
    diabetes: bool
    north: bool
    urban: bool
    family_history: bool


def terms(given: Input) -> dict[str, float]:
    """Every term's contribution to the linear predictor z, intercept included; their sum is z."""
    c = COEFFICIENTS[given.sex]
    branch = "treated" if given.treated else "untreated"
    age, sbp = log(given.age), log(given.sbp)
    found = {
        "ln_age": c["ln_age"] * age,
        "ln_sbp": c[f"ln_sbp_if_{branch}"] * sbp,
        "ln_age_x_ln_sbp": c[f"ln_age_x_ln_sbp_if_{branch}"] * age * sbp,
        "ln_tc_mg_dl": c["ln_tc_mg_dl"] * log(given.tc),
        "ln_hdl_mg_dl": c["ln_hdl_mg_dl"] * log(given.hdl),
        "ln_waist_cm": c["ln_waist_cm"] * log(given.waist),
        "current_smoker": c["current_smoker"] * given.smoker,
        "diabetes": c["diabetes"] * given.diabetes,
        "north": c["north"] * given.north,
        "intercept": c["intercept"],
    }
    if given.sex == "male":
        found["urban"] = c["urban"] * given.urban
        found["ln_age_x_smoker"] = c["ln_age_x_smoker"] * age * given.smoker
        found["family_history_ascvd"] = c["family_history_ascvd"] * given.family_history
        found["ln_age_x_family_history"] = c["ln_age_x_family_history"] * age * given.family_history
    # A term that is off contributes 0, not -0.
    return {name: term + 0.0 for name, term in found.items()}


def risk_of(z: float) -> float:
    """100 * (1 - exp(-exp(z))), without losing digits when z is very low."""
    return -100.0 * expm1(-exp(min(z, 50.0)))


def risk_pct(given: Input) -> float:
    return risk_of(sum(terms(given).values()))


def judged_pct(given: Input) -> float:
    """The risk that moves a level: smoking never counts as protection.

    In men the smoking term shrinks with age and turns negative at 68; an old man who quits would
    seem to be worse off. The shown risk stays the published one.
    """
    found = terms(given)
    smoking = found["current_smoker"] + found.get("ln_age_x_smoker", 0.0)
    return risk_of(sum(found.values()) - min(0.0, smoking))


def ideal(given: Input) -> Input:
    """The site's comparison: fixed good values, the same age, sex and region."""
    return Input(
        sex=given.sex,
        age=given.age,
        sbp=_IDEAL["sbp"],
        treated=False,
        tc=_IDEAL["tc_mg_dl"],
        hdl=_IDEAL["hdl_mg_dl"],
        waist=_IDEAL["waist_cm"][given.sex],
        smoker=False,
        diabetes=False,
        north=given.north,
        urban=given.urban,
        family_history=False,
    )


def category(pct: float) -> str:
    """Judged on the unrounded percentage."""
    return "low" if pct < _CUTS[0] else "medium" if pct < _CUTS[1] else "high"


LABELS = {entry["category"]: entry["label"] for entry in MODEL.categories}


def inside_derivation(age: float) -> bool:
    # A person of 74 stays 74 until the birthday, so the last year is open to the right.
    return DERIVATION_AGE[0] <= age < DERIVATION_AGE[1] + 1
