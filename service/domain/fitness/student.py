"""国家学生体质健康标准 (2014 revision): the grade in school chooses the column, not the age."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from consent.vocabulary import Text
from service.domain.vocabulary.faults import Faults
from service.kit.errors import Fault

from . import results as reading
from .ladder import Band, Ladder, band, ladder
from .numbers import (
    Number,
    bmi_to_tenth,
    hundredths,
    nearest_tenth,
    no_better,
    to_tenth,
    up_to_tenth,
)
from .results import Results
from .standard import ONE_SOURCE, ItemScore, Level, Score, Sex, Standard, load

ID = "cn-nsphs-2014"
BMI_NAMES = {
    "underweight": Text("低体重", "underweight"),
    "normal": Text("正常", "normal"),
    "overweight": Text("超重", "overweight"),
    "obese": Text("肥胖", "obese"),
}


def standard() -> Standard:
    return load(ID)


def grades() -> tuple[str, ...]:
    """1 to 12, and u12 and u34 for the years at university."""
    return tuple(standard().table["tables"]["vc"]["male"])


def weights(sex: Sex, grade: str) -> dict[str, int]:
    """Percent of each item, together 100."""
    found: dict[str, int] = next(
        row["percent"]
        for row in standard().table["weights"]
        if row["sex"] == sex and grade in row["grades"]
    )
    return found


@cache
def column(item: str, sex: Sex, grade: str) -> Ladder:
    """The ladder of one test. Below the 10-point line is 0."""
    table = standard().table
    points, bounds = table["points"], table["tables"][item][sex][grade]
    higher = standard().items[item].higher
    return ladder(points[::-1], bounds[::-1], higher=higher)


@cache
def bmi_bands(sex: Sex, grade: str) -> tuple[Band, ...]:
    table = standard().table["bmi"]
    thin, _, normal, _, over, _ = map(hundredths, table["rows"][sex][grade])
    uppers = {"underweight": thin, "normal": normal, "overweight": over, "obese": None}
    return tuple(Band(upto, table["points"][name], name) for name, upto in uppers.items())


def score(
    sex: Sex, grade: str | None, given: Mapping[str, Any], *, exempt: bool = False
) -> Score | list[Fault]:
    """Points, bonus, total and level, or what is wrong with the question.

    `bmi` may be given, or `height` (cm) and `weight` (kg) instead.
    """
    faults = Faults()
    if grade is None or grade not in grades():
        faults.add("/grade", "required" if grade is None else "unknown-option")
        return list(faults)
    parts = weights(sex, grade)
    results = reading.read(faults, standard(), sex, given, (*parts, "height", "weight"))
    if faults:
        return list(faults)
    if exempt:
        return Score(standard(), "exempt", notes=standard().caveats)
    items = {name: one for name in parts if (one := _item(name, sex, grade, results)) is not None}
    missing = tuple(name for name in parts if name not in items)
    if missing:
        return Score(standard(), "incomplete", items, missing, notes=standard().caveats)
    return _total(sex, grade, parts, items)


def _total(sex: Sex, grade: str, parts: Mapping[str, int], items: dict[str, ItemScore]) -> Score:
    base = to_tenth(sum(items[name].points * percent for name, percent in parts.items()))
    extra = sum(bonus(name, sex, grade, one.result) for name, one in items.items())
    extra = min(extra, standard().table["bonus_cap"])
    total = base + extra * 100
    return Score(
        standard(),
        "complete",
        items,
        standard=base,
        bonus=extra,
        total=total,
        level=_level(total),
        notes=standard().caveats,
    )


def bonus(item: str, sex: Sex, grade: str, result: int) -> int:
    """Points beyond the 100-point line of the same sex and grade."""
    for row in standard().table["bonus"]:
        if row["item"] == item and row["sex"] == sex and grade in row["grades"]:
            best, higher = column(item, sex, grade).steps[-1].bound, standard().items[item].higher
            excess = result - best if higher else best - result
            return sum(hundredths(step) <= excess for step in row["excess"])
    return 0


def _level(total: int) -> Level:
    for row in standard().table["levels"]:
        if total >= hundredths(row["from"]):
            return Level(row["level"], Text(**row["name"]))
    raise AssertionError("The levels begin at 0.")


def _item(name: str, sex: Sex, grade: str, results: Results) -> ItemScore | None:
    if name == "bmi":
        return _bmi(sex, grade, results)
    if name not in results:
        return None
    item, steps = standard().items[name], column(name, sex, grade)
    result = _measured(name, results[name])
    place = steps.at(result)
    trust = evidence(name, grade)
    return ItemScore(
        result,
        place.points,
        trust,
        provisional=ONE_SOURCE if trust == "C" else None,
        next_points=place.next.points if place.next else None,
        next_result=steps.needed(place.next, item.finest) if place.next else None,
    )


def _measured(name: str, value: Number) -> int:
    if name in standard().table["round_up_to_tenth"]:
        return up_to_tenth(value)
    return no_better(value, higher=standard().items[name].higher)


def _bmi(sex: Sex, grade: str, results: Results) -> ItemScore | None:
    value = next(_bmi_values(results), None)
    if value is None:
        return None
    found = band(bmi_bands(sex, grade), value)
    trust = evidence("bmi", grade)
    return ItemScore(
        value,
        found.points,
        trust,
        name=BMI_NAMES[found.name or ""],
        provisional=ONE_SOURCE if trust == "C" else None,
    )


def _bmi_values(results: Results) -> Iterator[int]:
    if "bmi" in results:
        yield nearest_tenth(results["bmi"])
    if "height" in results and "weight" in results:
        yield bmi_to_tenth(results["weight"], results["height"])


def evidence(item: str, grade: str) -> str:
    """A where two independent sources agree, C where the column rests on one."""
    for row in standard().table["one_source"]:
        if grade in row["grades"] and (row["items"] is None or item in row["items"]):
            return "C"
    return "A"
