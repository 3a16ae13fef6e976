"""From red to green on a person's own readings: which measures to change, from what to what.

The search runs on facts and every route it finds is checked through the very what-if a resident
would call, on the very measures the route names. A route that would not hold is never shown.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from consent.vocabulary import Text

from . import levers
from .current import ACTIVE_DAYS, FORMER, MEAN_OF, Newest, Readings, facts_of
from .factors import shown
from .facts import Facts
from .judgement import Judgement, judge
from .person import Person, Reading

Values = Mapping[str, float | str]
Change = dict[str, Any]
ESTIMATE = Text(
    "模型估算，不是个体保证：做到所列改变，按同样的规则重新算，就是那个级别。",
    "A model estimate, no individual promise: with these changes the same rules give that level.",
)
TOO_FAR = Text(
    "模型估算：在您能改变的几项里，没有找到降到下一级的办法。",
    "A model estimate: among what you can change there is no way to the next colour.",
)


def overlay(readings: Readings, values: Values, observed: Facts, now: datetime) -> Readings:
    """Readings as if `values` were measured now, each replacing the readings of its measure.

    A blood pressure stands for the mean it would be, and given by half it is completed by the
    present one; former smoking is put ahead
    of the old readings, because how long ago it was counts.
    """
    changed = dict(readings)
    for code, value in values.items():
        reading = Reading(value, now)
        earlier = readings.get(code, ()) if code == "smoking_status" else ()
        changed[code] = [reading, *earlier]
    halves = present_pressure(observed)
    if not halves.keys().isdisjoint(values):
        for code, present in halves.items():
            pressure: float | str | None = values.get(code)
            if pressure is None:
                pressure = present
            if pressure is not None:
                changed[code] = [Reading(pressure, now)] * MEAN_OF
    return changed


def present_pressure(observed: Facts) -> dict[str, float | None]:
    """The mean, or the single reading there is."""
    if observed.single_pressure:
        return {"systolic_bp": observed.newest_sbp, "diastolic_bp": observed.newest_dbp}
    return {"systolic_bp": observed.sbp, "diastolic_bp": observed.dbp}


def imagined(
    person: Person, readings: Readings, values: Values, observed: Facts, now: datetime
) -> Facts:
    """Facts on changed values. For men China-PAR keeps the observed waist: its coefficient is
    negative, and a smaller waist must not look like a risk."""
    changed = overlay(readings, values, observed, now)
    facts = facts_of(person, changed, now, observed.age)
    if person.sex == "male" and observed.waist_par is not None:
        facts.waist_par = observed.waist_par
    return facts


def path(
    person: Person, readings: Readings, observed: Facts, found: Judgement, now: datetime
) -> tuple[tuple[dict[str, Any], ...], Text | None]:
    """The smallest changes to each lower level that can be reached, nearest first, and what is said
    beside them; nothing is where there is nothing to look for."""
    if found.level is None or found.level == 1:
        return (), None
    available = levers.levers(observed, advice=True)
    if not available:
        return (), TOO_FAR
    newest = Newest(readings, now)

    def holds(route: levers.Route) -> bool:
        values = {change["measure"]: change["to"] for change in changes(route, observed, newest)}
        level = judge(imagined(person, readings, values, observed, now)).level
        return level is not None and level <= route.level

    routes = levers.search(observed, available, found.level, accept=holds)
    ways = tuple(
        {"to_level": route.level, "changes": changes(route, observed, newest)} for route in routes
    )
    return ways, ESTIMATE if ways else _too_far(found, levers.bound(observed, available))


def _too_far(found: Judgement, best: Judgement) -> Text:
    """With what all changes together would still take off ten-year risk, where that is known."""
    now, then = found.china_par, best.china_par
    if now is None or then is None or round(then, 1) >= round(now, 1):
        return TOO_FAR
    return Text(
        f"{TOO_FAR.zh}全部做到时，十年心血管病风险估计仍可从{now:.1f}%降到{then:.1f}%。",
        f"{TOO_FAR.en} All of it together would still take the estimated ten-year risk from"
        f" {now:.1f}% to {then:.1f}%.",
    )


def changes(route: levers.Route, observed: Facts, newest: Newest) -> list[Change]:
    """A route as measures of the vocabulary, each with its present and its new value."""
    return [
        change
        for step in route.chosen
        for change in TRANSLATORS[step.lever](step, observed, newest)
        if change["from"] != change["to"]
    ]


def _change(measure: str, old: float | str | None, new: float | str) -> Change:
    return {"measure": measure, "from": _plain(old), "to": _plain(new)}


def _plain(value: float | str | None) -> float | str | None:
    return value if value is None or isinstance(value, str) else _number(value)


def _number(value: float) -> float | int:
    rounded = round(value, 2)
    return int(rounded) if rounded == int(rounded) else rounded


def _quit(step: levers.Step, observed: Facts, newest: Newest) -> list[Change]:
    status = newest.text("smoking_status")
    return [_change("smoking_status", None if status is None else str(status.value), FORMER)]


def _pressure(step: levers.Step, observed: Facts, newest: Newest) -> list[Change]:
    found = []
    present = present_pressure(observed)
    for measure, fact in (("systolic_bp", "sbp"), ("diastolic_bp", "dbp")):
        old, new = present[measure], step.facts[fact]
        if old is not None and new != old:
            found.append(_change(measure, shown(old), new))
    return found


def _cholesterol(step: levers.Step, observed: Facts, newest: Newest) -> list[Change]:
    return [
        _change(measure, getattr(observed, fact), step.facts[fact])
        for measure, fact in (("ldl_c", "ldl"), ("total_cholesterol", "tc"))
        if fact in step.facts
    ]


def _waist(step: levers.Step, observed: Facts, newest: Newest) -> list[Change]:
    found = [_change("waist_circumference", observed.waist, step.facts["waist"])]
    if "weight" in step.facts:
        found.append(_change("body_weight", observed.weight, step.facts["weight"]))
    return found


def _active(step: levers.Step, observed: Facts, newest: Newest) -> list[Change]:
    found = [_change("exercise_days_week", newest.number("exercise_days_week"), ACTIVE_DAYS)]
    if observed.activity_minutes is not None:
        more = step.facts["activity_minutes"] - observed.activity_minutes
        moderate = newest.number("moderate_activity_week")
        if more > 0:
            found.append(_change("moderate_activity_week", moderate, (moderate or 0.0) + more))
    return found


def _glucose(step: levers.Step, observed: Facts, newest: Newest) -> list[Change]:
    return [
        _change(measure, getattr(observed, fact), step.facts[fact])
        for measure, fact in (("hba1c", "hba1c"), ("glucose_fasting", "fpg"))
        if fact in step.facts
    ]


TRANSLATORS: dict[str, Callable[[levers.Step, Facts, Newest], list[Change]]] = {
    "quit_smoking": _quit,
    "bp": _pressure,
    "ldl": _cholesterol,
    "tc": _cholesterol,
    "waist": _waist,
    "active": _active,
    "hba1c": _glucose,
}
