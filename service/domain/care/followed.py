"""The follow-ups of a plan: how each followed disease stands by the norm, and what is aimed at."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from service.domain.care import norm, rates
from service.domain.care.norm import DISEASES, Disease, Followed, FollowUp, Referral, Step
from service.domain.care.situation import Deed, Situation

MEASURES: Mapping[Disease, Mapping[str, str]] = {
    Disease.HYPERTENSION: {"systolic_bp": "systolic", "diastolic_bp": "diastolic"},
    Disease.DIABETES: {"glucose_fasting": "fasting", "glucose_random": "random"},
}
"""Which measure of a record is which value of a follow-up."""


def diseases(who: Situation) -> list[Followed]:
    """The diseases this person is followed for, by diagnosis."""
    return [one for one in DISEASES if not one.codes.isdisjoint(who.conditions)]


def follow_ups(who: Situation) -> list[dict[str, Any]]:
    """One entry a disease that is followed."""
    return [_entry(one, who) for one in diseases(who)]


def visits(disease: Disease, who: Situation) -> list[FollowUp]:
    """Follow-ups by a practitioner, newest first; readings of one day are one visit."""
    return _of_days(
        disease, [deed for deed in who.deeds if deed.clinical and deed.day <= who.today]
    )


def at_home(disease: Disease, who: Situation) -> list[FollowUp]:
    """The newest day of readings, whoever took them."""
    names = MEASURES[disease]
    days = [day for name in names if (day := who.last(name)) is not None]
    if not days:
        return []
    values = {}
    for name, part in names.items():
        for reading in who.readings.get(name, ()):
            if reading.at.astimezone(who.zone).date() == max(days):
                values[part] = reading.value
                break
    return [replace(_follow_up(max(days), values), face_to_face=False)]


def _of_days(disease: Disease, deeds: Sequence[Deed]) -> list[FollowUp]:
    days: dict[date, dict[str, Any]] = {}
    for deed in deeds:
        for name, part in MEASURES[disease].items():
            if name in deed.told:
                days.setdefault(deed.day, {}).setdefault(part, deed.told[name])
    ordered = sorted(days.items(), key=lambda pair: pair[0], reverse=True)
    return [_follow_up(day, values) for day, values in ordered]


def _follow_up(day: date, values: Mapping[str, Any]) -> FollowUp:
    known = {part: value for part, value in values.items() if isinstance(value, int | float)}
    return FollowUp(
        day,
        systolic=known.get("systolic"),
        diastolic=known.get("diastolic"),
        fasting=known.get("fasting"),
        random=known.get("random"),
    )


def _entry(one: Followed, who: Situation) -> dict[str, Any]:
    made = visits(one.disease, who)
    step, basis = standing(one.disease, made, who)
    on = who.today if step is None else step.on
    target = norm.target(one.disease, who.age)
    return {
        "condition": one.disease.value,
        "text": one.name.both(),
        "control": _control(step),
        "basis": basis,
        "last": None if step is None else step.last.isoformat(),
        "due": on.isoformat(),
        "overdue": on <= who.today,
        "referral": _referral(None if step is None else step.referral),
        "norm": dict(norm.limits(one.disease, who.age)),
        "target": {"below": dict(target.below), **target.source.shown()},
        "visits_this_year": len({visit.day for visit in made if visit.day.year == who.today.year}),
        "visits_a_year": rates.VISITS_A_YEAR,
        **norm.SOURCE.shown(),
    }


def standing(
    disease: Disease, made: Sequence[FollowUp], who: Situation
) -> tuple[Step | None, str | None]:
    """Where the follow-up stands, and whose readings say so.

    Newer home readings speak, but they are no visit: they make no second strike, take back no
    referral and never put the next visit off.
    """
    visited = norm.step(disease, made, who.birth_date)
    home = norm.step(disease, at_home(disease, who), who.birth_date)
    if visited is None:
        return home, None if home is None else "home"
    if home is None or home.last <= visited.last:
        return visited, "visit"
    on, referral = min(home.on, visited.on), home.referral or visited.referral
    return home._replace(on=on, referral=referral), "home"


def _control(step: Step | None) -> dict[str, Any] | None:
    if step is None:
        return None
    return {"class": step.control.value, "label": norm.LABELS[step.control].both()}


def _referral(reason: Referral | None) -> dict[str, Any] | None:
    if reason is None:
        return None
    return {"reason": reason.value, "text": norm.REASONS[reason].both()}
