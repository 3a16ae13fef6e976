"""When a release may be made: after its cut-off, in its window, once. No release on demand."""

from datetime import date, timedelta
from typing import Literal, NamedTuple

from consent.vocabulary import Text
from service.domain.anonymity.specification import Specification
from service.kit.errors import Conflict

Profile = Literal["production", "demo", "test"]

NOT_ON_CALENDAR = Text(
    "统计只按日历发布：截止日之后的规定期限内才能发布。",
    "Releases follow the calendar: only within the days set after a cut-off.",
)


class Period(NamedTuple):
    """What a release covers. Its id is the period's name, so a period has one release."""

    release_id: str
    year: int
    cut_off: date


def period_of(
    specification: Specification, *, today: date, as_of: date | None, profile: Profile
) -> Period:
    """The period a publisher may publish today; Conflict when there is none.

    The demo and test profiles choose any day as the cut-off; production takes the calendar's.
    """
    calendar = specification.calendar
    if profile != "production":
        return _period(calendar.cadence, as_of or today)
    cut_off = date(today.year, calendar.cut_off_month, calendar.cut_off_day)
    if cut_off >= today:
        cut_off = date(today.year - 1, calendar.cut_off_month, calendar.cut_off_day)
    late = today > cut_off + timedelta(days=calendar.window_days)
    if late or (as_of is not None and as_of != cut_off):
        raise Conflict(NOT_ON_CALENDAR, code="not-on-calendar")
    return _period(calendar.cadence, cut_off)


def _period(cadence: str, cut_off: date) -> Period:
    return Period(f"{cadence}-{cut_off.year}", cut_off.year, cut_off)
