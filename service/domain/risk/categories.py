"""The plain categories of one person that city statistics count; `unknown` is one of them."""

from . import body_size, composite
from .current import RULES, Newest
from .facts import Facts
from .judgement import Judgement

_LIMITS = RULES["statistics"]
UNKNOWN = "unknown"

CATEGORIES: dict[str, tuple[str, ...]] = {
    "level": ("1", "2", "3", "4", "5"),
    "composite": ("high", "moderate", "low", "very_low"),
    "bmi": ("underweight", "normal", "overweight", "obese"),
    "waist": ("normal", "pre_central", "central"),
    "bp": ("normal", "high_normal", "grade_1", "grade_2", "grade_3"),
    "glucose": ("normal", "prediabetes", "diabetes"),
    "smoking": ("never", "former", "current"),
    "regular_exercise": ("yes", "no"),
    "alcohol": ("none", "within_limit", "above_limit"),
    "salt": ("within_limit", "above_limit"),
    "sleep": ("short", "recommended", "long"),
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
        "waist": _waist(facts),
        "bp": None if found.bp_grade is None else CATEGORIES["bp"][found.bp_grade],
        "glucose": _glucose(facts, found),
        "smoking": _smoking(facts),
        "regular_exercise": None if facts.inactive is None else "no" if facts.inactive else "yes",
        "alcohol": _alcohol(facts, newest),
        "salt": _salt(facts),
        "sleep": _sleep(facts),
    }
    return {metric: value or UNKNOWN for metric, value in known.items()}


def _waist(facts: Facts) -> str | None:
    if facts.waist is None or facts.pregnant:
        return None
    code = body_size.CODES[body_size.waist_label(facts.waist, facts.sex)]
    return code.removesuffix("_obesity")


def _glucose(facts: Facts, found: Judgement) -> str | None:
    """A diagnosis, or a value in the diabetes range, counts as diabetes in statistics."""
    if facts.diabetes or found.glucose_class == "diabetes_range":
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
    return "above_limit" if grams >= _LIMITS["alcohol_g_limit"][facts.sex] else "within_limit"


def _salt(facts: Facts) -> str | None:
    if facts.salt is None:
        return None
    return "above_limit" if facts.salt > _LIMITS["salt_g_limit"] else "within_limit"


def _sleep(facts: Facts) -> str | None:
    if facts.sleep_hours is None:
        return None
    low, high = _LIMITS["sleep_hours"]
    return (
        "short"
        if facts.sleep_hours < low
        else "recommended"
        if facts.sleep_hours < high
        else "long"
    )
