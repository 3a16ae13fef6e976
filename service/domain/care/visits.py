"""Visits by schedule: children of 0-6 years, pregnancy, after birth. Days are `data/visits.toml`.

A visit is open from its day until the next one begins, and done when somebody clinical recorded
something in that time. What was missed is not listed: the visit that is open now takes its place.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any, NamedTuple

from consent.vocabulary import Text
from service.domain.care.planned import Planned
from service.domain.care.situation import Situation
from service.domain.care.sources import Source, read, source_of
from service.domain.life import Stage, reached

_TABLE = read("visits")
_CHILD, _PREGNANCY, _POSTPARTUM = _TABLE["child"], _TABLE["pregnancy"], _TABLE["postpartum"]
EARLY = timedelta(days=_CHILD["early_days"])
DAY = timedelta(days=1)

GROWTH = ("body_weight", "body_height", "head_circumference")
"""What is measured at a child's visit."""
ANTENATAL = ("gestational_age", "fundal_height", "fetal_heart_rate")
"""What is measured at an antenatal visit."""
DELIVERIES = ("procedure:delivery", "procedure:caesarean")
MOST_WEEKS = 42
"""A dating that would make the pregnancy longer is of an earlier one."""


class Window(NamedTuple):
    """A visit's days: it opens, counts as made from `counts`, and ends on `last`."""

    row: Mapping[str, Any]
    opens: date
    counts: date
    last: date


def scheduled(who: Situation) -> list[Planned]:
    """The visits of this stage of life: the open one, unless it was made, and the next."""
    if who.stage is Stage.PREGNANT:
        return _antenatal(who)
    found = _after_birth(who)
    if who.stage is Stage.CHILD:
        found += _pick(who, child_windows(who.birth_date), GROWTH, source_of(_CHILD))
    return found


def child_windows(birth_date: date) -> list[Window]:
    """Every visit of 0-6 years for somebody born on that day."""
    opens = [_child_day(row, birth_date) for row in _CHILD["visit"]]
    ends = [*opens[1:], reached(birth_date, _CHILD["until_months"])]
    return [
        Window(row, day, day - EARLY if number > 1 else day, end - DAY)
        for number, (row, day, end) in enumerate(zip(_CHILD["visit"], opens, ends, strict=True))
    ]


def _child_day(row: Mapping[str, Any], birth_date: date) -> date:
    if "months" in row:
        return reached(birth_date, row["months"])
    return birth_date + timedelta(days=row["days"])


def began(who: Situation) -> date | None:
    """The first day of week 0, from the newest week of pregnancy that was recorded."""
    dated = [
        (deed.day, float(deed.told["gestational_age"]))
        for deed in who.deeds
        if "gestational_age" in deed.told and deed.day <= who.today
    ]
    if not dated:
        return None
    day, weeks = max(dated)
    first = day - timedelta(days=round(weeks * 7))
    return first if who.today - first <= timedelta(weeks=MOST_WEEKS) else None


def antenatal_windows(first: date) -> list[Window]:
    """Every antenatal visit of a pregnancy whose week 0 began on that day."""
    return [
        Window(row, opens, opens, last)
        for row in _PREGNANCY["visit"]
        for opens in (first + timedelta(weeks=row["weeks"][0]),)
        for last in (first + timedelta(weeks=row["weeks"][1] + 1) - DAY,)
    ]


def _antenatal(who: Situation) -> list[Planned]:
    source = source_of(_PREGNANCY)
    first = began(who)
    if first is None:
        row = _PREGNANCY["undated"]
        return [Planned(row["item"], "visit", Text(*row["name"]), who.today, None, source)]
    return _pick(who, antenatal_windows(first), ANTENATAL, source)


def delivered(who: Situation) -> date | None:
    """The day of a delivery whose time of visits is not over."""
    born = max(filter(None, (who.last(name) for name in DELIVERIES)), default=None)
    longest = timedelta(days=max(row["days"][1] for row in _POSTPARTUM["visit"]))
    return born if born is not None and born + longest >= who.today else None


def _after_birth(who: Situation) -> list[Planned]:
    born = delivered(who)
    if born is None:
        return []
    windows = [
        Window(row, opens, opens, last)
        for row in _POSTPARTUM["visit"]
        for opens in (born + timedelta(days=row["days"][0]),)
        for last in (born + timedelta(days=row["days"][1]),)
    ]
    return _pick(who, windows, ("pregnancy_status", *DELIVERIES), source_of(_POSTPARTUM), born)


def _pick(
    who: Situation,
    windows: Iterable[Window],
    names: Iterable[str],
    source: Source,
    after: date | None = None,
) -> list[Planned]:
    """The open visit unless made, and the first one that has not opened yet."""
    made = sorted(
        day
        for name in names
        for day in who.days(name, clinical=True)
        # The record of a delivery is no visit after it.
        if day <= who.today and (after is None or day > after)
    )
    last = made[-1] if made else None
    found: list[Planned] = []
    for window in windows:
        done = any(window.counts <= day <= window.last for day in made)
        if window.last < who.today or done:
            continue
        found.append(_planned(window, last, source))
        if window.opens > who.today:
            break
    return found


def _planned(window: Window, last: date | None, source: Source) -> Planned:
    row = window.row
    return Planned(
        row["item"], "visit", Text(*row["name"]), window.opens, last, source, window.last
    )
