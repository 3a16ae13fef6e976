"""Instants are kept in UTC, because Python compares two times of one zone by their clocks.

In the night in which clocks are set back, 02:58 may come before 02:01 of the same zone, and five
minutes added to 02:58 end more than an hour later.
"""

from datetime import UTC, datetime


def in_utc(instant: datetime, whose: str) -> datetime:
    """The same instant in UTC; a naive one raises ValueError, which says whose instant it is."""
    if instant.tzinfo is UTC:
        return instant
    if instant.utcoffset() is None:
        raise ValueError(f"every instant of {whose} needs a zone")
    try:
        return instant.astimezone(UTC)
    except OverflowError:  # At the very ends of the calendar, where no clock is changed.
        return instant
