"""When a child begins to decide alone: at local midnight of the fourteenth birthday (PIPL 31)."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

AGE_OF_OWN_CONSENT = 14


def minor_until(birth_date: date, zone: str) -> datetime:
    """The first instant of the fourteenth birthday where the person lives, in UTC.

    Somebody born on 29 February has that birthday on 1 March in a common year. `zone` is an IANA
    name; an unknown one raises `zoneinfo.ZoneInfoNotFoundError`.
    """
    midnight = datetime.combine(
        _birthday(birth_date, birth_date.year + AGE_OF_OWN_CONSENT), datetime.min.time()
    )
    # Where the clock is set at midnight, fold 0 names the earlier of two midnights, and for one
    # that is skipped the instant of the change: the first of the day either way.
    return midnight.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def _birthday(birth_date: date, year: int) -> date:
    try:
        return birth_date.replace(year=year)
    except ValueError:
        return date(year, 3, 1)
