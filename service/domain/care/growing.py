"""How a child grows: the newest measurements against WHO's tables and the Chinese cut-offs.

Below 18 years this stands where an adult has a level; it is none and moves none.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from consent.vocabulary import Text
from service.domain.care.situation import Situation
from service.domain.growth import assess, school_age
from service.domain.growth.assess import Child, Finding
from service.domain.growth.school_age import Judgement
from service.domain.growth.zscores import DAYS_A_MONTH, LAST_DAY
from service.domain.life import ADULT_FROM

MEASURES = ("body_height", "body_weight", "head_circumference")


def growth(who: Situation) -> dict[str, Any] | None:
    """What the day of the newest measurement tells; None for adults and where nothing is known."""
    if who.age >= ADULT_FROM:
        return None
    days = [day for name in MEASURES if (day := who.last(name)) is not None]
    if not days or max(days) < who.birth_date:
        return None
    child = _child(who, max(days))
    found = assess.assess(child)
    judged = assess.at_school_age(child)
    return {
        "day": max(days).isoformat(),
        "findings": [_shown(one) for one in found],
        "school_age": None if judged is None else _judged(judged),
        "source": "; ".join(_cited(judged is not None)),
        "grade": assess.GRADE if judged is None else "B",
        "caveat": _both(assess.notes(child, found, judged)),
    }


def _child(who: Situation, day: date) -> Child:
    """Measurements of one day, which a judgement of weight for height needs."""
    age_days = (day - who.birth_date).days
    young = age_days <= LAST_DAY
    return Child(
        sex="female" if who.sex == "female" else "male",
        age_days=age_days if young else None,
        age_months=None if young else age_days / DAYS_A_MONTH,
        height=who.number_on("body_height", day),
        weight=who.number_on("body_weight", day),
        head=who.number_on("head_circumference", day),
    )


def _shown(one: Finding) -> dict[str, Any]:
    return {
        "indicator": one.indicator,
        "z": one.z,
        "plausible": one.plausible,
        "category": one.category,
        "label": None if one.category is None else assess.NAMES[one.category].both(),
    }


def _judged(found: Judgement) -> dict[str, Any]:
    label = school_age.NAMES[found.category].both()
    return {"category": found.category, "label": label, "bmi": found.bmi, "stunted": found.stunted}


def _both(notes: Sequence[Text]) -> dict[str, str]:
    return {"zh": "".join(one.zh for one in notes), "en": " ".join(one.en for one in notes)}


def _cited(judged: bool) -> list[str]:
    return [assess.SOURCE, *([school_age.document()["citation"]] if judged else [])]
