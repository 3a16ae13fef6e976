"""CKD-EPI 2021 creatinine eGFR and its stages."""

from math import prod

from .catalogue import MODELS
from .tables import Steps

MODEL = MODELS["egfr_ckd_epi_2021"]
_P = MODEL.parameters
UMOL_PER_MG_DL: float = _P["umol_per_mg_dl"]
STAGES = Steps(_P["stages"])


def factors(sex: str, age: float, creatinine_mg_dl: float) -> dict[str, float]:
    """What the equation multiplies; the product is the filtration in mL/min/1.73 m2."""
    kappa, alpha, factor = _P[sex]
    ratio = creatinine_mg_dl / kappa
    return {
        "scale": _P["scale"],
        "creatinine_to_kappa": min(ratio, 1.0) ** alpha,
        "creatinine_over_kappa": max(ratio, 1.0) ** _P["above"],
        "age": _P["age"] ** age,
        "sex": factor,
    }


def filtration(sex: str, age: float, creatinine_mg_dl: float) -> float:
    """mL/min/1.73 m2."""
    return prod(factors(sex, age, creatinine_mg_dl).values())


def filtration_umol(sex: str, age: float, creatinine_umol_l: float) -> float:
    return filtration(sex, age, creatinine_umol_l / UMOL_PER_MG_DL)


def stage(egfr: float) -> str:
    found: str = STAGES.at(egfr)
    return found
