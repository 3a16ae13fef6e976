"""A plan of one day: exercise, what is due, follow-ups, goals and messages, each with its source.

Pure: it is computed from a `Situation` and stored nowhere. Nothing in it moves a level.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import date
from typing import Any

from consent.vocabulary import ALL_CLASSES, DataClass
from service.domain.care import (
    checks,
    colours,
    due,
    exercise,
    followed,
    goals,
    growing,
    messages,
    norm,
    tested,
    visits,
    youth,
)
from service.domain.care.goals import Goal, Point, Progress
from service.domain.care.planned import Planned
from service.domain.care.situation import Situation
from service.domain.care.sources import SOURCES
from service.domain.life import Stage

LIPIDS = SOURCES["lipid_2023"]
Points = Callable[[str, date | None], tuple[Point | None, Point | None]]
"""Baseline (the last value up to a day) and latest value of a measure."""


def plan(who: Situation, stated: Sequence[Goal], points: Points) -> dict[str, Any]:
    """The plan as the resident is shown it. `stated` are the goals of their records."""
    scheduled = due_list(who)
    return {
        "day": who.today.isoformat(),
        "life_stage": who.stage.value,
        "exercise": exercise.exercise(who),
        "due": [one.shown(who.today) for one in scheduled if not one.waits(who.today)],
        "later": [one.shown(who.today) for one in scheduled if one.waits(who.today)],
        "growth": growing.growth(who),
        "fitness": tested.fitness(who),
        "youth": youth.youth(who),
        "pregnancy": colours.pregnancy(who),
        "follow_ups": followed.follow_ups(who),
        "goals": [one.shown() for one in progress(who, stated, points)],
        "messages": messages.messages(who),
    }


def due_list(who: Situation) -> list[Planned]:
    """Visits, checks and screenings, earliest first; what a follow-up covers stands there alone."""
    rows = due.checks()
    followed_for = [one for one in rows if not rows[one].conditions.isdisjoint(who.conditions)]
    found = due_within(who, ALL_CLASSES)
    return [one for one in found if one.item not in followed_for]


def due_within(
    who: Situation, classes: Collection[DataClass], *, by_readings: bool = False
) -> list[Planned]:
    """Of visits, checks and screenings what these classes can tell, with readings of follow-ups.

    `by_readings` where the deeds of `who` were not looked for: then no visit, and of checks those
    that readings show alone.
    """
    opened = {DataClass.BODY} if who.stage is Stage.CHILD else {DataClass.REPRODUCTIVE}
    scheduled = visits.scheduled(who) if opened <= set(classes) and not by_readings else []
    found = checks.due_checks(who, classes, by_readings=by_readings)
    return sorted(
        [*scheduled, *found, *_readings_due(who, classes)], key=lambda one: (one.on, one.item)
    )


def _readings_due(who: Situation, classes: Collection[DataClass]) -> list[Planned]:
    """Pressure and glucose, with the interval of those who are followed for them."""
    found = due.due_work(
        age=who.age,
        conditions=who.conditions,
        readings=who.readings,
        classes=classes,
        today=who.today,
    )
    rows = due.checks()
    return [
        Planned(
            one.item, "check", one.name, one.on, one.last, rows[one.item].source_for(who.conditions)
        )
        for one in found
    ]


def progress(who: Situation, stated: Sequence[Goal], points: Points) -> list[Progress]:
    """Every goal with how far the person is."""
    return [Progress(goal, *points(goal.measure, goal.since)) for goal in aims(who, stated)]


def _cholesterol(who: Situation) -> list[Goal]:
    """The LDL target of the person's stratum, once an LDL was measured."""
    for one in who.assessment.models:
        target = one["terms"].get("ldl_target_mmol_l") if one["model"] == "cn_lipid_2023" else None
        if target is not None and who.newest("ldl_c") is not None:
            return goals.from_limits({"ldl_c": target}, "guideline", LIPIDS)
    return []


def aims(who: Situation, stated: Sequence[Goal]) -> list[Goal]:
    """Own goals, then those of a followed disease, then what the path to a lower level suggests."""
    official: list[Goal] = []
    for one in followed.diseases(who):
        target = norm.target(one.disease, who.age)
        limits = norm.limits(one.disease, who.age)
        official += goals.from_limits(limits, "norm", norm.SOURCE)
        official += goals.from_limits(target.below, "guideline", target.source)
    official += _cholesterol(who)
    taken = {goal.measure for goal in (*stated, *official)}
    suggested = [goal for goal in goals.from_path(who.assessment.path) if goal.measure not in taken]
    return [*stated, *official, *suggested]
