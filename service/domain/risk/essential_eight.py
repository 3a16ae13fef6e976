"""Life's Essential 8 component points (Lloyd-Jones 2022): each is 0-100 or not scored."""

from collections.abc import Iterable

from .catalogue import MODELS
from .tables import Steps

MODEL = MODELS["lifes_essential_8"]
_P = MODEL.parameters
DIET_MEPA = Steps(_P["diet_mepa"])
DIET_PERCENTILE = Steps(_P["diet_percentile"])
ACTIVITY = Steps(_P["pa_min_week"])
SLEEP = Steps(_P["sleep_h"])
BMI = {"asian_pacific": Steps(_P["bmi_asian_pacific"]), "general": Steps(_P["bmi_general"])}
NON_HDL = Steps(_P["non_hdl_mg_dl"])
DIABETES_HBA1C = Steps(_P["glucose_diabetes_hba1c"])
FPG_MG_DL = Steps(_P["glucose_no_diabetes"]["fpg_mg_dl"])
FPG_MMOL = Steps(_P["glucose_no_diabetes"]["fpg_mmol_l"])
HBA1C = Steps(_P["glucose_no_diabetes"]["hba1c"])
NICOTINE: dict[str, int] = _P["nicotine"]
INDOOR: int = _P["indoor_smoker"]
TREATED: int = _P["treated"]
BMI_FROM: float = _P["bmi_scored_from"]
MG_DL: float = _P["mg_dl_per_mmol_l"]
MINIMUM: int = _P["minimum_components"]
_BP: list[tuple[float, float | None, int]] = [tuple(row) for row in _P["bp"]]
_INDOOR_TEXT = " + indoor smoker"


def nicotine(status: str) -> int:
    indoor = status.endswith(_INDOOR_TEXT)
    points = NICOTINE[status.removesuffix(_INDOOR_TEXT)]
    return max(0, points + INDOOR) if indoor and points > 0 else points


def body(bmi: float, profile: str = "asian_pacific") -> int | None:
    """None below 18.5: the score says nothing about underweight."""
    if bmi < BMI_FROM:
        return None
    points: int = BMI[profile].at(bmi)
    return points


def lipids(non_hdl_mg_dl: float, treated: bool) -> int:
    return max(0, int(NON_HDL.at(non_hdl_mg_dl)) + (TREATED if treated else 0))


def blood_pressure(systolic: float, diastolic: float | None, treated: bool) -> int:
    low = -1.0 if diastolic is None else diastolic
    for from_systolic, from_diastolic, points in _BP:
        if systolic >= from_systolic or (from_diastolic is not None and low >= from_diastolic):
            return max(0, points + (TREATED if treated else 0))
    return 0


def sleep(hours: float) -> int:
    points: int = SLEEP.at(hours)
    return points


def activity(minutes: float) -> int:
    points: int = ACTIVITY.at(minutes)
    return points


def total(components: Iterable[int | None]) -> float | None:
    """The plain mean; None when more than two of the eight are missing."""
    known = [points for points in components if points is not None]
    return sum(known) / len(known) if len(known) >= MINIMUM else None


def category(score: float) -> str:
    for entry, bound in zip(MODEL.categories, (80, 50, 25, 0), strict=True):
        if score >= bound:
            return entry["category"]
    return MODEL.categories[-1]["category"]
