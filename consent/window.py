"""Ranges of days, both ends included, a missing end meaning that side is open."""

from datetime import date
from typing import NamedTuple


class Window(NamedTuple):
    """The days on which something was observed, not the time at which somebody may look."""

    first: date | None
    last: date | None

    @property
    def empty(self) -> bool:
        return self.first is not None and self.last is not None and self.first > self.last

    @property
    def days(self) -> int:
        """How many days lie inside; an open side counts to the end of the calendar."""
        first, last = self.first or date.min, self.last or date.max
        return max(0, last.toordinal() - first.toordinal() + 1)

    def holds(self, day: date) -> bool:
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)

    def overlap(self, other: "Window") -> "Window":
        """The days inside both; perhaps none, so ask `empty`."""
        if other.first is None and other.last is None:
            return self
        first, last = self.first, self.last
        if first is None or (other.first is not None and other.first > first):
            first = other.first
        if last is None or (other.last is not None and other.last < last):
            last = other.last
        return Window(first, last)


ALL_DAYS = Window(None, None)
