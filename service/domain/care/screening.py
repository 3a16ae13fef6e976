"""Sentences about a person that decide whether a screening is advised.

They invite and never judge: no rule of this file is read by the assessment of a level, and none
says that somebody is ill. Scores are computed by the published models themselves.
"""

from collections.abc import Callable, Mapping

from service.domain.care.situation import Situation
from service.domain.days import months_after
from service.domain.risk.catalogue import MODELS
from service.domain.risk.models import evaluate

SMOKES = frozenset({"some days", "every day"})
SMOKED = SMOKES | {"former"}
HIGH = "high"
COPD_PS_CUT: int = MODELS["copd_ps"].parameters["cut"]
MENOPAUSE_FROM = 50
"""Age from which a woman who says nothing of it is taken to be past the menopause (product)."""
NOT_YET_MONTHS = 24
"""How long her no counts (product)."""


def colorectal_high(who: Situation) -> bool:
    """An APCS score from 4, once it is known whether they smoke; under care already: no."""
    smoking = who.newest("smoking_status")
    if smoking is None or "colorectal_cancer" in who.conditions:
        return False
    given = {
        "age": who.age,
        "sex": who.sex,
        "family_history_crc": "colorectal_cancer" in who.family_history,
        "smoking": "current_or_past" if smoking in SMOKED else "never",
    }
    return bool(evaluate("apcs", given)["category"] == HIGH)


def smoking_unknown(who: Situation) -> bool:
    return who.newest("smoking_status") is None and "colorectal_cancer" not in who.conditions


def lung_eligible(who: Situation) -> bool:
    """What the record alone shows: COPD or a first-degree relative with lung cancer."""
    given = {
        "age": who.age,
        "copd": "copd" in who.conditions,
        "first_degree_lung_cancer": "lung_cancer" in who.family_history,
    }
    eligible = evaluate("cn_lung_screening", given)["category"] == "eligible"
    return eligible and "lung_cancer" not in who.conditions


def lung_to_ask(who: Situation) -> bool:
    """Somebody exposed to smoke, whose pack-years or years beside a smoker are not recorded."""
    if "lung_cancer" in who.conditions or lung_eligible(who):
        return False
    beside = who.newest("secondhand_smoke_days")
    return who.newest("smoking_status") in SMOKED or (
        isinstance(beside, int | float) and beside > 0
    )


def cervix_to_screen(who: Situation) -> bool:
    return (
        "cervical_cancer" not in who.conditions and who.last("procedure:hysterectomy") is None
    ) and _two_cancer(who)


def breast_to_screen(who: Situation) -> bool:
    return "breast_cancer" not in who.conditions and _two_cancer(who)


def _two_cancer(who: Situation) -> bool:
    given = {"sex": who.sex, "age": who.age}
    return bool(evaluate("cn_two_cancer", given)["category"] == "eligible")


def no_stroke(who: Situation) -> bool:
    """The card is for finding risk; whoever had a stroke is at high risk without it."""
    return STROKES.isdisjoint(who.conditions)


STROKES = frozenset({"stroke", "ischemic_stroke", "hemorrhagic_stroke", "tia"})


def osta_raised(who: Situation) -> bool:
    """An OSTA index of -1 or less on the newest weight; under treatment already: no.

    Of a woman past the menopause as she says herself, and where she says nothing from 50 years.
    """
    weight = who.newest("body_weight")
    if not isinstance(weight, int | float) or "osteoporosis" in who.conditions:
        return False
    if not _past_menopause(who):
        return False
    given = {"weight": weight, "age": who.age, "sex": who.sex, "post_menopausal": True}
    return bool(evaluate("osta", given)["category"] != "low")


def _past_menopause(who: Situation) -> bool:
    told, day = who.newest("post_menopausal"), who.last("post_menopausal")
    if told == "yes":
        return True
    recent = day is not None and months_after(day, NOT_YET_MONTHS) > who.today
    return who.age >= MENOPAUSE_FROM and not recent


def copd_to_ask(who: Situation) -> bool:
    return "copd" not in who.conditions and who.newest("smoking_status") in SMOKED


def copd_ps_raised(who: Situation) -> bool:
    """A recorded total from the cut of COPD-PS on; under care already: no."""
    total = who.newest("copd_ps_total")
    if not isinstance(total, int | float) or "copd" in who.conditions:
        return False
    return total >= COPD_PS_CUT


RULES: Mapping[str, Callable[[Situation], bool]] = {
    rule.__name__: rule
    for rule in (
        colorectal_high,
        smoking_unknown,
        lung_eligible,
        lung_to_ask,
        cervix_to_screen,
        breast_to_screen,
        no_stroke,
        osta_raised,
        copd_to_ask,
        copd_ps_raised,
    )
}
