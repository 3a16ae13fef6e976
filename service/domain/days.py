"""Days counted in months."""

from calendar import monthrange
from datetime import date

IN_EVERY_MONTH = 28


def months_after(day: date, months: int) -> date:
    """The same day of a later month, or that month's last day: an interval never grows."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if day.day <= IN_EVERY_MONTH:
        return date(year, month + 1, day.day)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
