"""New Chinese Diabetes Risk Score, 0-51 points (Zhou 2013): a screen, never a probability."""

from .catalogue import MODELS
from .tables import Steps

MODEL = MODELS["ncdrs"]
_P = MODEL.parameters
_POINTS = {name: Steps(rows) for name, rows in _P["points"].items()}
CUT: int = _P["cut"]
VALID_AGE: tuple[int, int] = tuple(MODEL.inputs["age"]["derived"])
FAMILY: int = _P["family_history"]
MALE: int = _P["male"]


def terms(
    sex: str, age: float, bmi: float, waist: float, sbp: float, family: bool
) -> dict[str, int]:
    return {
        "age": _POINTS["age"].at(age),
        "sex": MALE if sex == "male" else 0,
        "bmi": _POINTS["bmi"].at(bmi),
        "waist": _POINTS[f"waist_{sex}"].at(waist),
        "sbp": _POINTS["sbp"].at(sbp),
        "fh": FAMILY if family else 0,
    }


def score(sex: str, age: float, bmi: float, waist: float, sbp: float, family: bool) -> int:
    return sum(terms(sex, age, bmi, waist, sbp, family).values())


def valid_at(age: float) -> bool:
    return VALID_AGE[0] <= age < VALID_AGE[1] + 1
