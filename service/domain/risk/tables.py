"""Reading a step table: rows of [lower bound, result], the bound included."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Any


class Steps:
    """A table of lower bounds; `at(x)` is the result of the last row whose bound is not above x."""

    __slots__ = ("_bounds", "_results")

    def __init__(self, rows: Iterable[Sequence[Any]]) -> None:
        ordered = sorted((row[0], row[1]) for row in rows if row)
        self._bounds = [bound for bound, _ in ordered]
        self._results = [result for _, result in ordered]

    def at(self, value: float) -> Any:
        place = bisect_right(self._bounds, value) - 1
        return self._results[place if place > 0 else 0]
