"""ASCVD stratum and LDL-C target of the Chinese lipid guideline 2023."""

from dataclasses import dataclass
from typing import NamedTuple

from .catalogue import MODELS

MODEL = MODELS["cn_lipid_2023"]
_P = MODEL.parameters
TABLE: dict[str, list[list[str]]] = _P["table"]
LIFETIME: dict[str, float] = _P["lifetime"]
TARGETS: dict[str, float] = {k: v for k, v in _P["targets"].items() if k != "diabetes"}
DIABETES_TARGETS: dict[str, float] = _P["targets"]["diabetes"]
POPULATION: dict[str, float] = _P["population_dyslipidaemia"]
HDL_LOW: float = _P["hdl_low"]
RISK_AGE: dict[str, int] = _P["risk_age"]
_LDL: list[float] = _P["columns"]["ldl"]
_TC: list[float] = _P["columns"]["tc"]
_LDL_HIGH: float = _P["ldl_high"]
_TC_HIGH: float = _P["tc_high"]
_DIABETES_AGE: int = _P["diabetes_age"]
_DM_COUNT: int = _P["dm_risk_factor_count"]
_RECURRENT_LDL: float = _P["recurrent_ldl_at_most"]


@dataclass(slots=True)
class Input:
    """mmol/L, mm[Hg] and kg/m2; None where unknown."""

    age: float
    sex: str
    ldl: float | None = None
    tc: float | None = None
    hdl: float | None = None
    htn: bool = False
    smoking: bool = False
    diabetes: bool = False
    ckd: bool = False
    sbp: float | None = None
    dbp: float | None = None
    bmi: float | None = None
    diabetic_factors: int = 0
    diabetic_damage: bool = False
    ascvd: bool = False
    severe_events: int = 0
    high_risk_history: int = 0
    recurrent: bool = False
    familial: bool = False


class Stratum(NamedTuple):
    """The stratum (None outside the figure), the LDL-C target and what decided."""

    stratum: str | None
    target: float | None
    because: tuple[str, ...]


def stratify(given: Input) -> Stratum:
    stratum, because = _secondary(given) if given.ascvd else _primary(given)
    targets = DIABETES_TARGETS if given.diabetes else TARGETS
    return Stratum(stratum, targets.get(stratum) if stratum else None, because)


def _secondary(given: Input) -> tuple[str, tuple[str, ...]]:
    ldl_high = given.familial or (given.ldl is not None and given.ldl >= _LDL_HIGH)
    recurrent = given.recurrent and given.ldl is not None and given.ldl <= _RECURRENT_LDL
    factors = given.high_risk_history + sum(
        (ldl_high, recurrent, given.diabetes, given.htn, given.ckd, given.smoking)
    )
    if given.severe_events >= 2 or (given.severe_events == 1 and factors >= 2):
        return "ultraHigh", ("ascvd", "severe_events")
    return "veryHigh", ("ascvd",)


def _primary(given: Input) -> tuple[str | None, tuple[str, ...]]:
    direct = _decided_alone(given)
    if direct:
        return "high", (direct,)
    if given.hdl is None:
        return None, ("hdl_unknown",)
    column = _column(given)
    if column is None:
        return None, ("outside_figure",)
    factors = sum((given.smoking, given.hdl < HDL_LOW, given.age >= RISK_AGE[given.sex]))
    rows = TABLE["hypertension" if given.htn else "no_hypertension"]
    stratum = rows[factors][column]
    if stratum == "moderate" and given.age < LIFETIME["age_below"]:
        remaining = lifetime_factors(given)
        if len(remaining) >= LIFETIME["count"]:
            return "high", ("lifetime", *remaining)
    return stratum, ("table",)


def _decided_alone(given: Input) -> str | None:
    if (given.ldl is not None and given.ldl >= _LDL_HIGH) or (
        given.tc is not None and given.tc >= _TC_HIGH
    ):
        return "cholesterol"
    if given.diabetes and given.age >= _DIABETES_AGE:
        return "diabetes_from_40"
    if given.ckd:
        return "ckd"
    young = given.diabetes and 20 <= given.age < _DIABETES_AGE
    if young and (given.diabetic_factors >= _DM_COUNT or given.diabetic_damage):
        return "diabetes_with_factors"
    return None


def _column(given: Input) -> int | None:
    if given.ldl is not None:
        if given.ldl >= _LDL[0]:
            return sum(given.ldl >= bound for bound in _LDL) - 1
        # Below the LDL-C columns the first column still holds while total cholesterol is in the
        # figure; a higher column would make a lower LDL-C look worse.
        return 0 if given.tc is not None and given.tc >= _TC[0] else None
    if given.tc is not None and given.tc >= _TC[0]:
        return sum(given.tc >= bound for bound in _TC) - 1
    return None


def lifetime_factors(given: Input) -> tuple[str, ...]:
    """The remaining-lifetime factors of a moderate person below 55, in the guideline's order."""
    non_hdl = given.tc - given.hdl if given.tc is not None and given.hdl is not None else None
    found = (
        (
            (given.sbp is not None and given.sbp >= LIFETIME["sbp"])
            or (given.dbp is not None and given.dbp >= LIFETIME["dbp"]),
            "SBP>=160 or DBP>=100",
        ),
        (non_hdl is not None and non_hdl >= LIFETIME["non_hdl"], "non-HDL-C>=5.2"),
        (given.hdl is not None and given.hdl < LIFETIME["hdl_below"], "HDL-C<1.0"),
        (given.bmi is not None and given.bmi >= LIFETIME["bmi"], "BMI>=28"),
        (given.smoking, "smoking"),
    )
    return tuple(name for holds, name in found if holds)


def text_of(stratum: Stratum) -> str | None:
    """The stratum as printed: a lifetime upgrade names its factors."""
    if stratum.because[:1] == ("lifetime",):
        return f"high (lifetime: {' + '.join(stratum.because[1:])})"
    return stratum.stratum


def abnormal(tc: float | None, ldl: float | None, hdl: float | None) -> bool | None:
    """Dyslipidaemia by the population cuts; None when nothing was measured."""
    if tc is None and ldl is None and hdl is None:
        return None
    return (
        (tc is not None and tc >= POPULATION["tc_from"])
        or (ldl is not None and ldl >= POPULATION["ldl_from"])
        or (hdl is not None and hdl < POPULATION["hdl_below"])
    )
