"""CKD-EPI 2021 creatinine eGFR and its stages."""

from .catalogue import MODELS
from .tables import Steps

MODEL = MODELS["egfr_ckd_epi_2021"]
_P = MODEL.parameters
UMOL_PER_MG_DL: float = _P["umol_per_mg_dl"]
STAGES = Steps(_P["stages"])
LEVELS: dict[str, int] = MODELS["five_level_mapping"].parameters["egfr"]


def filtration(sex: str, age: float, creatinine_mg_dl: float) -> float:
    """mL/min/1.73 m2."""
    kappa, alpha, factor = _P[sex]
    ratio = creatinine_mg_dl / kappa
    bent = min(ratio, 1.0) ** alpha * max(ratio, 1.0) ** _P["above"]
    return float(_P["scale"] * bent * _P["age"] ** age * factor)


def filtration_umol(sex: str, age: float, creatinine_umol_l: float) -> float:
    return filtration(sex, age, creatinine_umol_l / UMOL_PER_MG_DL)


def stage(egfr: float) -> str:
    found: str = STAGES.at(egfr)
    return found
