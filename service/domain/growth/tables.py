"""WHO's L, M and S by day, month or centimetre, read from `data/` when first asked for.

The numbers are WHO's growth standards of 2006 (0-5 years) and growth reference of 2007 (5-19).
Every table is a regular grid, so that a look-up is one index into an array.
"""

from array import array
from functools import cache
from importlib.resources import files
from typing import Literal, NamedTuple

Sex = Literal["female", "male"]
VERSION = "1"
"""Edition of the tables together; a z-score is kept with it."""
PRINTED = {"weight_for_length": 10, "weight_for_height": 10}
"""Rows a unit where the grid is finer than whole units."""


class LMS(NamedTuple):
    """Box-Cox power, median and coefficient of variation at one point."""

    l: float  # noqa: E741 - the name the method is known by
    m: float
    s: float


class Grid(NamedTuple):
    """Rows from `first` on, `each` of them a unit; three numbers a row."""

    first: int
    each: int
    numbers: "array[float]"

    @property
    def last(self) -> int:
        return self.first + len(self.numbers) // 3 - 1

    def row(self, place: int) -> LMS:
        """The row `place`, counted in steps of the grid; `KeyError` outside of it."""
        if not self.first <= place <= self.last:
            raise KeyError(place)
        at = (place - self.first) * 3
        return LMS(self.numbers[at], self.numbers[at + 1], self.numbers[at + 2])


@cache
def grid(table: str, sex: Sex) -> Grid:
    """One table for one sex, such as `weight_for_age` or `height_for_age_5_19`."""
    text = (files("service.domain.growth") / "data" / f"{table}.csv").read_text("ascii")
    head, *lines = text.splitlines()
    at = head.split(",").index(f"l_{sex}")
    rows = [line.split(",") for line in lines]
    each = PRINTED.get(table, 1)
    numbers = array("d", (float(cell) for row in rows for cell in row[at : at + 3]))
    return Grid(round(float(rows[0][0]) * each), each, numbers)


def between(table: str, sex: Sex, at: float) -> LMS:
    """L, M and S interpolated linearly between two whole months."""
    rows, whole = grid(table, sex), int(at)
    low = rows.row(whole)
    if at == whole:
        return low
    high, part = rows.row(whole + 1), at - whole
    return LMS(*(one + part * (other - one) for one, other in zip(low, high, strict=True)))
