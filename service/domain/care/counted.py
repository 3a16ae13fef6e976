"""The plain categories of a person's care that city statistics count; None where it is not known.

A category is only told where every class that it rests on was given: what may not be read is
unknown and never "none". Definitions are those of the care plan itself.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date
from typing import NamedTuple

from consent.vocabulary import DataClass
from service.domain.care import asked, followed, rates, tested
from service.domain.care.asked import Name, Wanted
from service.domain.care.checks import CHECKS, Check
from service.domain.care.names import class_of
from service.domain.care.norm import ControlClass, Disease
from service.domain.care.situation import Situation
from service.domain.days import months_after
from service.domain.fitness import adult_2023
from service.domain.life import Stage
from service.domain.questionnaires.instruments import INSTRUMENTS
from service.domain.risk.categories import UNKNOWN

ELDER_FROM = 65
YEAR = asked.YEAR
LITERACY, DEPRESSION = "health_literacy_score", "phq9_total"
ANSWERED = (LITERACY, DEPRESSION, "questionnaire:health_literacy", "questionnaire:phq9")
LITERATE_FROM = next(
    band.low for band in INSTRUMENTS["health_literacy"].bands if band.label.en == "basic literacy"
)
DEPRESSED_FROM = next(band.low for band in INSTRUMENTS["phq9"].bands if band.label.en == "moderate")
"""Where moderate begins: the customary cut of PHQ-9 as a screen."""
_BY_ITEM = {check.item: check for check in CHECKS}
ELDER, SELFCARE = _BY_ITEM["elder_yearly_check"], _BY_ITEM["elder_selfcare"]
SCREENINGS = tuple(check for check in CHECKS if check.kind == "screening")
Classes = Collection[DataClass]

CATEGORIES: Mapping[str, tuple[str, ...]] = {
    "pressure_control": ("controlled", "not_controlled", "raised", "no_hypertension"),
    "glucose_control": ("controlled", "not_controlled", "raised", "no_diabetes"),
    "fitness": ("excellent", "good", "pass", "fail"),
    "literacy": ("basic", "below"),
    "contract": ("yes", "no"),
    "follow_up": (
        *("htn_met", "htn_unmet", "dm_met", "dm_unmet"),
        *("both_met", "both_htn_only", "both_dm_only", "both_unmet"),
        "not_managed",
    ),
    "elder_check": ("managed", "exam_only", "none", "under_65"),
    "screening": ("up_to_date", "due", "not_invited"),
    "depression_screen": ("negative", "positive"),
}
"""Every metric of care and its categories; each also has `unknown`."""


class Counted(NamedTuple):
    """Whom a category is told of, from which classes, and whether a family doctor has signed."""

    who: Situation
    classes: Classes
    signed: bool


def categories(who: Situation, classes: Classes, *, signed: bool) -> dict[str, str]:
    """One category a metric. `who` has the deeds of `wanted`, as far as `classes` reach."""
    told = Counted(who, classes, signed)
    return {metric: rule(told) or UNKNOWN for metric, rule in _RULES.items()}


def wanted(who: Situation) -> list[Wanted]:
    """What to look for in the records of somebody of this age and sex."""
    names = [Name(name, YEAR, True) for name in tested.NAMES]
    names += [Name(name, YEAR, True) for name in ANSWERED]
    for one in followed.diseases(who):
        names += [Name(name, YEAR, True, True) for name in followed.MEASURES[one.disease]]
    for check in (ELDER, SELFCARE, *SCREENINGS):
        if check.ages[0] <= who.age < check.ages[1]:
            names += asked.of_check(check)
    if who.sex == "female":
        names.append(Name("procedure:hysterectomy", asked.LIFE, False))
    return asked.gathered(names)


def _pressure_control(told: Counted) -> str | None:
    grade = told.who.assessment.categories()["bp"]
    raised = None if grade == UNKNOWN else grade.startswith("grade")
    return _control(told, Disease.HYPERTENSION, raised)


def _glucose_control(told: Counted) -> str | None:
    found = told.who.assessment.categories()["glucose"]
    return _control(told, Disease.DIABETES, None if found == UNKNOWN else found == "diabetes")


def _control(told: Counted, disease: Disease, raised: bool | None) -> str | None:
    if not _given(told.classes, followed.MEASURES[disease]):
        return None
    if not _has(told.who, disease):
        healthy = f"no_{disease.value}"
        return None if raised is None else "raised" if raised else healthy
    step, _ = followed.standing(disease, followed.visits(disease, told.who), told.who)
    # As in the rates of the norm: without a reading of the year it is not controlled.
    recent = step is not None and _within_a_year(told.who, step.last)
    met = recent and step is not None and step.control is ControlClass.SATISFIED
    return "controlled" if met else "not_controlled"


def _fitness(told: Counted) -> str | None:
    for line in tested.fitness(told.who):
        if (
            line["standard_id"] == adult_2023.ID
            and line["level"] is not None
            and _within_a_year(told.who, date.fromisoformat(line["day"]))
        ):
            return str(line["level"])
    return None


def _literacy(told: Counted) -> str | None:
    score = _score(told, LITERACY)
    return None if score is None else "basic" if score >= LITERATE_FROM else "below"


def _contract(told: Counted) -> str | None:
    return "yes" if told.signed else "no"


def _follow_up(told: Counted) -> str | None:
    """Each followed disease with enough days of face-to-face follow-up, or not."""
    if not told.signed:
        return "not_managed"
    measures = {name for names in followed.MEASURES.values() for name in names}
    if not _given(told.classes, measures):
        return None
    met = {one.disease: _met(told.who, one.disease) for one in followed.diseases(told.who)}
    match met.get(Disease.HYPERTENSION), met.get(Disease.DIABETES):
        case None, None:
            return "not_managed"
        case pressure, None:
            return "htn_met" if pressure else "htn_unmet"
        case None, glucose:
            return "dm_met" if glucose else "dm_unmet"
        case True, True:
            return "both_met"
        case True, False:
            return "both_htn_only"
        case False, True:
            return "both_dm_only"
    return "both_unmet"


def _met(who: Situation, disease: Disease) -> bool:
    days = {
        visit.day
        for visit in followed.visits(disease, who)
        if visit.face_to_face and _within_a_year(who, visit.day)
    }
    return len(days) >= rates.VISITS_A_YEAR


def _elder_check(told: Counted) -> str | None:
    if told.who.age < ELDER_FROM:
        return "under_65"
    if not _check_given(told.classes, ELDER):
        return None
    if not _up_to_date(told.who, ELDER):
        return "none"
    return "managed" if _up_to_date(told.who, SELFCARE) else "exam_only"


def _screening(told: Counted) -> str | None:
    if told.who.stage is Stage.PREGNANT:
        return "not_invited"
    if DataClass.CONDITIONS not in told.classes or DataClass.LIFESTYLE not in told.classes:
        # Diagnoses and smoking say who is invited.
        return None
    invited = [check for check in SCREENINGS if check.concerns(told.who)]
    if not all(_check_given(told.classes, check) for check in invited):
        return None
    if not invited:
        return "not_invited"
    done = all(_up_to_date(told.who, check) for check in invited)
    return "up_to_date" if done else "due"


def _depression_screen(told: Counted) -> str | None:
    score = _score(told, DEPRESSION)
    return None if score is None else "positive" if score >= DEPRESSED_FROM else "negative"


_RULES: Mapping[str, Callable[[Counted], str | None]] = {
    "pressure_control": _pressure_control,
    "glucose_control": _glucose_control,
    "fitness": _fitness,
    "literacy": _literacy,
    "contract": _contract,
    "follow_up": _follow_up,
    "elder_check": _elder_check,
    "screening": _screening,
    "depression_screen": _depression_screen,
}


def _score(told: Counted, measure: str) -> float | None:
    """The last answer of the year."""
    day = told.who.last(measure)
    if day is None or not _within_a_year(told.who, day):
        return None
    return told.who.number_on(measure, day)


def _has(who: Situation, disease: Disease) -> bool:
    return any(one.disease is disease for one in followed.diseases(who))


def _within_a_year(who: Situation, day: date) -> bool:
    return months_after(day, YEAR) > who.today


def _up_to_date(who: Situation, check: Check) -> bool:
    due = check.due(who)
    return due is None or due.on > who.today


def _check_given(classes: Classes, check: Check) -> bool:
    return _given(classes, (name for group in check.groups for name in group))


def _given(classes: Classes, names: Iterable[str]) -> bool:
    """Whether diagnoses and all classes of these names may be read."""
    return DataClass.CONDITIONS in classes and all(class_of(name) in classes for name in names)
