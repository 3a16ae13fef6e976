"""The national follow-up norm: control class, referral and when to come again.

Limits of control are the model `cn_national_followup_control`; intervals are `data/norm.toml`.
Clinical targets stand apart: the norm is what is reported, a target what is aimed at.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from consent.vocabulary import Text
from service.domain.care.sources import Source, read, source_of
from service.domain.days import months_after
from service.domain.life import age
from service.domain.risk import control

_TABLE = read("norm")
SOURCE = source_of(_TABLE)
FROM_AGE: int = _TABLE["from_age"]
SATISFIED_MONTHS: int = _TABLE["satisfied_months"]
REVISIT = timedelta(days=_TABLE["revisit_days"])


class ControlClass(StrEnum):
    """How a follow-up found the disease, least severe first; the most severe is recorded."""

    SATISFIED = "satisfied"
    UNSATISFIED = "unsatisfied"
    ADVERSE_REACTION = "adverse_reaction"
    COMPLICATION = "complication"


LABELS: Mapping[ControlClass, Text] = MappingProxyType(
    {kind: Text(*_TABLE["labels"][kind]) for kind in ControlClass}
)


class Referral(StrEnum):
    """Why the norm advises a referral."""

    URGENT = "urgent"
    COMPLICATION = "complication"
    ADVERSE_REACTION = "adverse_reaction"
    TWICE_UNSATISFIED = "twice_unsatisfied"


REASONS: Mapping[Referral, Text] = MappingProxyType(
    {reason: Text(*_TABLE["referral"][reason]) for reason in Referral}
)


class Disease(StrEnum):
    """What the norm follows."""

    HYPERTENSION = "hypertension"
    DIABETES = "diabetes"


class Followed(NamedTuple):
    """A disease, what its follow-up is called, and the condition codes that mean it."""

    disease: Disease
    name: Text
    codes: frozenset[str]


DISEASES = tuple(
    Followed(Disease(row["id"]), Text(*row["name"]), frozenset(row["codes"]))
    for row in _TABLE["condition"]
)


@dataclass(frozen=True, slots=True)
class FollowUp:
    """One follow-up: pressures in mm[Hg], glucose in mmol/L, None where not measured."""

    day: date
    systolic: float | None = None
    diastolic: float | None = None
    fasting: float | None = None
    random: float | None = None
    adverse_reaction: bool = False
    complication: bool = False
    face_to_face: bool = True


class Step(NamedTuple):
    """Where the follow-up of a disease stands; `on` is the last day for the next one."""

    control: ControlClass
    last: date
    on: date
    referral: Referral | None


def classify(disease: Disease, visit: FollowUp, birth_date: date) -> ControlClass | None:
    """The control class of one follow-up, by the age of that day; None where it tells nothing."""
    if visit.complication:
        return ControlClass.COMPLICATION
    if visit.adverse_reaction:
        return ControlClass.ADVERSE_REACTION
    met = _MET[disease](visit, age(birth_date, visit.day))
    if urgent(disease, visit):
        return ControlClass.UNSATISFIED
    if met is None:
        return None
    return ControlClass.SATISFIED if met else ControlClass.UNSATISFIED


def urgent(disease: Disease, visit: FollowUp) -> bool:
    """Whether a reading of this follow-up calls for a referral at once."""
    if disease is Disease.HYPERTENSION:
        return control.pressure_urgent(visit.systolic, visit.diastolic)
    return any(
        control.glucose_urgent(value) is not None
        for value in (visit.fasting, visit.random)
        if value is not None
    )


def step(disease: Disease, visits: Sequence[FollowUp], birth_date: date) -> Step | None:
    """What the norm asks for after these follow-ups (newest first); None where none tells."""
    told = [
        (visit, found)
        for visit in visits
        if (found := classify(disease, visit, birth_date)) is not None
    ]
    if not told:
        return None
    visit, found = told[0]
    again = found is ControlClass.UNSATISFIED and len(told) > 1 and told[1][1] is found
    referral = _referral(found, urgent(disease, visit), again)
    if found is ControlClass.SATISFIED:
        return Step(found, visit.day, months_after(visit.day, SATISFIED_MONTHS), None)
    return Step(found, visit.day, visit.day + REVISIT, referral)


def _referral(found: ControlClass, at_once: bool, again: bool) -> Referral | None:
    if at_once:
        return Referral.URGENT
    if found in (ControlClass.COMPLICATION, ControlClass.ADVERSE_REACTION):
        return Referral(found.value)
    return Referral.TWICE_UNSATISFIED if again else None


def _pressure_met(visit: FollowUp, years: int) -> bool | None:
    if visit.systolic is not None:
        return control.pressure_satisfied(years, visit.systolic, visit.diastolic)
    # A diastolic pressure alone can show that control is missed, and never that it is met.
    if visit.diastolic is None or control.pressure_satisfied(years, 0, visit.diastolic):
        return None
    return False


def _glucose_met(visit: FollowUp, _: int) -> bool | None:
    return control.glucose_satisfied(visit.fasting, visit.random)


_MET: Mapping[Disease, Callable[[FollowUp, int], bool | None]] = {
    Disease.HYPERTENSION: _pressure_met,
    Disease.DIABETES: _glucose_met,
}


class Target(NamedTuple):
    """A clinical target: each measure should be below its number."""

    below: Mapping[str, float]
    source: Source


def target(disease: Disease, years: int) -> Target:
    """The clinical target at this age, which is stricter than the norm or asks for more."""
    for row in _TABLE["target"]:
        if row["condition"] == disease and row["ages"][0] <= years < row["ages"][1]:
            return Target(row["below"], source_of(row))
    raise KeyError(disease)


def limits(disease: Disease, years: int) -> Mapping[str, float]:
    """The norm's own limits at this age: each measure should be below its number."""
    given = control.MODEL.parameters
    if disease is Disease.DIABETES:
        return {"glucose_fasting": given["fasting_below"]}
    older = years >= control.OLDER_FROM
    return {
        "systolic_bp": given["sbp_below_older" if older else "sbp_below"],
        "diastolic_bp": given["dbp_below"],
    }
