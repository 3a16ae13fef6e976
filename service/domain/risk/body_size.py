"""Chinese adult BMI and waist categories (WS/T 428-2013)."""

from .catalogue import MODELS
from .tables import Steps

MODEL = MODELS["cn_body_size"]
_P = MODEL.parameters
BMI = Steps(_P["bmi"])
WAIST = {"male": Steps(_P["waist_male"]), "female": Steps(_P["waist_female"])}
CODES: dict[str, str] = _P["codes"]
OBESE_FROM: float = _P["bmi"][-1][0]
CENTRAL_FROM: dict[str, float] = {
    "male": _P["waist_male"][-1][0],
    "female": _P["waist_female"][-1][0],
}


def bmi_label(bmi: float) -> str:
    label: str = BMI.at(bmi)
    return label


def waist_label(waist: float, sex: str) -> str:
    label: str = WAIST[sex].at(waist)
    return label
