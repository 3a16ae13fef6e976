"""The plain categories of one person that city statistics count; `unknown` is one of them."""

from . import blood_pressure, body_size, composite
from .current import RULES, Newest
from .facts import Facts
from .judgement import Judgement

_LIMITS = RULES["statistics"]
UNKNOWN = "unknown"

CATEGORIES: dict[str, tuple[str, ...]] = {
    "level": ("1", "2", "3", "4", "5"),
    "composite": ("high", "moderate", "low", "very_low"),
    "bmi": ("underweight", "normal", "overweight", "obese"),
    "waist": ("normal", "pre_central_obesity", "central_obesity"),
    "blood_pressure": ("normal", "high_normal", "grade1", "grade2", "grade3"),
    "glucose": ("normal", "prediabetes", "diabetes_range", "diabetes"),
    "smoking": ("never", "former", "current"),
    "regular_exercise": ("yes", "no"),
    "alcohol": ("none", "within", "above"),
    "salt": ("within", "above"),
    "sleep": ("7-9h", "other"),
}
"""Every metric and its categories; each also has `unknown`."""


def categories(facts: Facts | None, found: Judgement, newest: Newest) -> dict[str, str]:
    """One category a metric. Without facts (a child) everything is unknown."""
    if facts is None:
        return dict.fromkeys(CATEGORIES, UNKNOWN)
    known = {
        "level": None if found.level is None else str(found.level),
        "composite": None if found.composite is None else composite.band(found.composite)[0],
        "bmi": None
        if facts.bmi is None or facts.pregnant
        else body_size.CODES[body_size.bmi_label(facts.bmi)],
        "waist": None
        if facts.waist is None or facts.pregnant
        else body_size.CODES[body_size.waist_label(facts.waist, facts.sex)],
        "blood_pressure": None if found.bp_grade is None else blood_pressure.CODES[found.bp_grade],
        "glucose": _glucose(facts, found),
        "smoking": _smoking(facts),
        "regular_exercise": None if facts.inactive is None else "no" if facts.inactive else "yes",
        "alcohol": _alcohol(facts, newest),
        "salt": None
        if facts.salt is None
        else "above"
        if facts.salt > _LIMITS["salt_g_limit"]
        else "within",
        "sleep": _sleep(facts),
    }
    return {metric: value or UNKNOWN for metric, value in known.items()}


def _glucose(facts: Facts, found: Judgement) -> str | None:
    if facts.diabetes:
        return "diabetes"
    if found.glucose_class in ("ifg", "igt", "ifg_igt"):
        return "prediabetes"
    return found.glucose_class


def _smoking(facts: Facts) -> str | None:
    if facts.nicotine is None:
        return None
    return facts.nicotine if facts.nicotine in ("never", "current") else "former"


def _alcohol(facts: Facts, newest: Newest) -> str | None:
    grams = newest.number("alcohol_g_per_day")
    if grams is None:
        return None
    if grams <= 0:
        return "none"
    return "above" if grams >= _LIMITS["alcohol_g_limit"][facts.sex] else "within"


def _sleep(facts: Facts) -> str | None:
    if facts.sleep_hours is None:
        return None
    low, high = _LIMITS["sleep_hours"]
    return "7-9h" if low <= facts.sleep_hours <= high else "other"
