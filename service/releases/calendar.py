"""When a release may be made: after its cut-off, in its window, once. No release on demand."""

from calendar import monthrange
from datetime import date, timedelta
from typing import Literal, NamedTuple

from consent.vocabulary import Text
from service.domain.anonymity.specification import Cadence, Specification
from service.kit.errors import Conflict

Profile = Literal["production", "demo", "test"]

NOT_ON_CALENDAR = Text(
    "统计只按日历发布：截止日之后的规定期限内才能发布。",
    "Releases follow the calendar: only within the days set after a cut-off.",
)
LAST_MONTHS = {"month": 1, "quarter": 3, "year": 12}
"""A period ends with every so many-th month of the year."""


class Period(NamedTuple):
    """What a release covers. Its id is made of cadence and period, so a period has one release."""

    release_id: str
    cadence: str
    name: str
    year: int
    cut_off: date


def due(
    specification: Specification,
    *,
    today: date,
    as_of: date | None,
    profile: Profile,
    cadence: str | None = None,
) -> list[Period]:
    """The periods a publisher may publish today, of one cadence or all; Conflict without any.

    The demo and test profiles choose any day as the cut-off; production takes the calendar's.
    """
    asked = [c for c in specification.cadences if cadence in (None, c.id)]
    if profile != "production":
        return [_period(c, as_of or today) for c in asked]
    found = [_period(c, cut_off) for c in asked if (cut_off := _open_cut_off(c, today)) is not None]
    if as_of is not None:
        found = [period for period in found if period.cut_off == as_of]
    if not found:
        raise Conflict(NOT_ON_CALENDAR, code="not-on-calendar")
    return found


def _open_cut_off(cadence: Cadence, today: date) -> date | None:
    """The last cut-off before today, unless its window is over."""
    step = LAST_MONTHS[cadence.every]
    last = (today.month - 1) // step * step
    year, month = (today.year, last) if last else (today.year - 1, 12)
    cut_off = date(year, month, monthrange(year, month)[1])
    late = today > cut_off + timedelta(days=cadence.window_days)
    return None if late else cut_off


def _period(cadence: Cadence, cut_off: date) -> Period:
    name = {
        "month": f"{cut_off.year}-{cut_off.month:02d}",
        "quarter": f"{cut_off.year}-q{(cut_off.month + 2) // 3}",
        "year": f"{cut_off.year}",
    }[cadence.every]
    return Period(f"{cadence.id}-{name}", cadence.id, name, cut_off.year, cut_off)
