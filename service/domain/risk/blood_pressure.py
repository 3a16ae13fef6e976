"""Chinese blood-pressure grade and cardiovascular stratification (guidelines 2018 and 2024)."""

from collections.abc import Mapping

from .catalogue import MODELS

MODEL = MODELS["cn_bp_grade_and_cv_stratification"]
_P = MODEL.parameters
GRADES: list[list[float]] = _P["grades"]
LABELS: list[str] = _P["labels"]
CODES: list[str] = _P["codes"]
MATRIX: list[list[str | None]] = _P["matrix"]
HIGH_NORMAL: list[float] = _P["high_normal_column"]
STRATA: dict[str, str] = _P["strata"]
RISK = _P["risk_factors"]
DAMAGE = _P["organ_damage"]
CLINICAL = _P["clinical"]


def grade(systolic: float, diastolic: float | None) -> int:
    """0 normal, 1 high normal, 2-4 grades 1-3; the higher of the two pressures decides."""
    low = -1.0 if diastolic is None else diastolic
    for index in range(len(GRADES) - 1, 0, -1):
        if systolic >= GRADES[index][0] or low >= GRADES[index][1]:
            return index
    return 0


def row(
    *,
    risk_factors: int,
    organ_damage: bool,
    ckd3: bool,
    diabetes: bool,
    clinical: bool,
) -> int:
    """Which row of the matrix: 0 none, 1 one or two factors, 2 three or damage, 3 disease."""
    if clinical:
        return 3
    if risk_factors >= 3 or organ_damage or ckd3 or diabetes:
        return 2
    return 1 if risk_factors else 0


def stratum(systolic: float, diastolic: float | None, row: int, diagnosed: bool) -> str | None:
    """The printed cell; None outside the matrix (below 130/85 without the diagnosis)."""
    index = grade(systolic, diastolic)
    if index >= 2:
        return MATRIX[row][index - 1]
    low = -1.0 if diastolic is None else diastolic
    if diagnosed or systolic >= HIGH_NORMAL[0] or low >= HIGH_NORMAL[1]:
        return MATRIX[row][0]
    return None


def level(levels: Mapping[str, int], cell: str | None, index: int) -> int:
    """Level of a stratum; without one the grade speaks: normal 1, high normal 2."""
    if cell is not None:
        return levels[cell]
    return levels["none"] if index == 0 else levels["正常高值"]
