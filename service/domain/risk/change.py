"""How a person's level and index changed from the start of a period: categories of statistics.

Both ends are assessed by the rules in force, so that a new rule is never taken for a change.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from service.domain.life import CITY_ZONE

from .assess import LevelBrief
from .categories import UNKNOWN

STILL_PUBLISHED = timedelta(days=31)
"""After a year's end it is still being published for so long, and its period goes on."""
LEVELS = ("1", "2", "3", "4", "5")
CATEGORIES: Mapping[str, tuple[str, ...]] = {
    "level_transition": tuple(f"{start}-{now}" for start in LEVELS for now in LEVELS),
    "index_change": ("better_10", "better_3", "steady", "worse_3", "worse_10"),
}
MUCH, SOME = 10.0, 3.0
"""Points of the composite index; product rule."""


def period_start(today: date) -> datetime:
    """The beginning of 1 January of the cut-off year that is counted on this day of the city."""
    return datetime((today - STILL_PUBLISHED).year, 1, 1, tzinfo=CITY_ZONE)


def period_end(today: date) -> date:
    """The first day on which another year is counted."""
    return date(period_start(today).year + 1, 1, 1) + STILL_PUBLISHED


def categories(start: LevelBrief, now: LevelBrief) -> dict[str, str]:
    """One category a metric; unknown unless there was a level, or an index, both times."""
    return {
        "level_transition": _transition(start.level, now.level) or UNKNOWN,
        "index_change": _index_change(start.index, now.index) or UNKNOWN,
    }


def _transition(start: int | None, now: int | None) -> str | None:
    return None if start is None or now is None else f"{start}-{now}"


def _index_change(start: float | None, now: float | None) -> str | None:
    """A higher index is better health. Both have one decimal, and so has what lies between them."""
    if start is None or now is None:
        return None
    gained = round(now - start, 1)
    if abs(gained) < SOME:
        return "steady"
    way = "better" if gained > 0 else "worse"
    return f"{way}_{MUCH if abs(gained) >= MUCH else SOME:.0f}"
