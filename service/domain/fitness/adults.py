"""What the two editions of the national standard for adults have in common: ages and labels."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from consent.vocabulary import Text
from service.domain.vocabulary.faults import Faults
from service.kit.errors import Fault

from . import results as reading
from .results import Results
from .standard import ItemScore, Level, Score, Sex, Standard, State

YOUNGEST, OLDEST = 20, 59
"""Outside these completed years there are no tables that could be checked."""


def check_age(faults: Faults, age: int | None) -> None:
    if age is None:
        faults.add("/age", "required")
    elif not YOUNGEST <= age <= OLDEST:
        faults.add("/age", "wrong-age")


def items_scored(
    standard: Standard,
    sex: Sex,
    given: Mapping[str, Any],
    parts: Collection[str],
    tests: Collection[str],
    score: Callable[[str, Results], ItemScore | None],
) -> Score | list[Fault]:
    """The points of every item, or what is wrong; "incomplete" names the items without points.

    `tests` are the results that may be given beside height and weight, `parts` the items to score.
    """
    faults = Faults()
    results = reading.read(faults, standard, sex, given, (*tests, "height", "weight"))
    if faults:
        return list(faults)
    items = {name: one for name in parts if (one := score(name, results)) is not None}
    missing = tuple(name for name in parts if name not in items)
    state: State = "incomplete" if missing else "complete"
    return Score(standard, state, items, missing, notes=standard.caveats)


def five_years(age: int) -> str:
    """The age group of a column: 28 is in 25-29."""
    first = age // 5 * 5
    return f"{first}-{first + 4}"


def row_for(age: int, rows: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The row whose `ages` hold `age`."""
    return next(row for row in rows if row["ages"][0] <= age <= row["ages"][1])


def provisional(
    standard: Standard, item: str, sex: Sex, group: str, points: int | None = None
) -> Text | None:
    """Why a cell may yet change; None when nothing is known against it."""
    for cell in standard.table["provisional_cells"]:
        if (
            cell["item"] == item
            and cell["sex"] in (None, sex)
            and (cell["ages"] is None or group in cell["ages"])
            and (cell.get("points") is None or points in cell["points"])
        ):
            return Text(**cell["why"])
    return None


def level(code: str, name: Mapping[str, str]) -> Level:
    return Level(code, Text(**name))
