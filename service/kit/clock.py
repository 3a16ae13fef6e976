"""Time as an argument: the edge asks the clock once, everything below is told."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

CITY_ZONE = ZoneInfo("Asia/Shanghai")

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


def city_day(instant: datetime, zone: ZoneInfo = CITY_ZONE) -> date:
    """The calendar day on which an instant falls for people in `zone`."""
    return instant.astimezone(zone).date()


def age_on(birth_date: date, day: date) -> int:
    """Completed years; a 29 February birthday falls on 1 March in common years."""
    before_birthday = (day.month, day.day) < (birth_date.month, birth_date.day)
    return day.year - birth_date.year - before_birthday
