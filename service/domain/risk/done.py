"""Checks that a screen advises and that were done: when last, and when they come again.

What was done moves no level, because the score that advises it stays what it is. It changes the
advice: nobody is asked for what they did within its interval. Intervals are `done` in
`data/assessment.json`; without one the check does not come again by itself, a doctor says when.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from types import MappingProxyType
from typing import NamedTuple

from service.domain.days import months_after
from service.domain.life import CITY_ZONE

from .catalogue import read
from .person import Reading

_ROWS = read("assessment")["done"]
NAMES = frozenset(name for row in _ROWS.values() for name in row["names"])
"""Measures, and `procedure:code`, that tell of such a check."""


class Done(NamedTuple):
    """The day of the last one, and from when it is due again if that is known."""

    last: date
    again: date | None


NOTHING: Mapping[str, Done] = MappingProxyType({})


def done(readings: Mapping[str, Sequence[Reading]], now: datetime) -> Mapping[str, Done]:
    """Every check done within its interval, by the cause that advises it."""
    if NAMES.isdisjoint(readings):
        return NOTHING
    today = now.astimezone(CITY_ZONE).date()
    found = {}
    for cause, row in _ROWS.items():
        last = max(_days(readings, row["names"], now), default=None)
        if last is None:
            continue
        again = None if row["months"] is None else months_after(last, row["months"])
        if again is None or again > today:
            found[cause] = Done(last, again)
    return found


def _days(
    readings: Mapping[str, Sequence[Reading]], names: Sequence[str], now: datetime
) -> list[date]:
    return [
        reading.at.astimezone(CITY_ZONE).date()
        for name in names
        for reading in readings.get(name, ())
        if reading.at <= now
    ]
