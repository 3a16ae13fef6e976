"""The national stroke risk card: eight factors and two histories, for ages from 40."""

from .catalogue import MODELS

MODEL = MODELS["cn_stroke_8_2"]
_P = MODEL.parameters
EIGHT: tuple[str, ...] = tuple(_P["eight"])
DISEASE: tuple[str, ...] = tuple(_P["disease"])
HIGH_FROM: int = _P["high_from"]
AGE_FROM: int = _P["age_from"]
BMI_FROM: float = _P["bmi_from"]
CODES = {entry["label"]: entry["category"] for entry in MODEL.categories}


def result(count: int, disease: bool, prior: bool) -> str:
    if prior or count >= HIGH_FROM:
        return "高危"
    return "中危" if disease else "低危"
