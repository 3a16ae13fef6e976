"""Control classes and urgent readings of the national follow-up norm (third edition, 2017)."""

from .catalogue import MODELS

MODEL = MODELS["cn_national_followup_control"]
_P = MODEL.parameters
OLDER_FROM: int = _P["older_from"]
URGENT: dict[str, float] = _P["urgent"]
LABELS: dict[str, str] = _P["labels"]


def pressure_satisfied(age: float, systolic: float, diastolic: float | None) -> bool:
    limit = _P["sbp_below_older"] if age >= OLDER_FROM else _P["sbp_below"]
    return systolic < limit and (diastolic is None or diastolic < _P["dbp_below"])


def pressure_urgent(systolic: float | None, diastolic: float | None) -> bool:
    return (systolic is not None and systolic >= URGENT["sbp"]) or (
        diastolic is not None and diastolic >= URGENT["dbp"]
    )


def glucose_satisfied(fasting: float | None, random: float | None) -> bool | None:
    if fasting is not None:
        return bool(fasting < _P["fasting_below"])
    return bool(random < _P["random_below"]) if random is not None else None


def glucose_urgent(value: float) -> str | None:
    """`high` from 16.7 mmol/L, `low` up to 3.9 mmol/L."""
    if value >= URGENT["glucose_high"]:
        return "high"
    return "low" if value <= URGENT["glucose_low"] else None
