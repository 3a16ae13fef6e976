"""国民体质测定标准 2003, adults of 20 to 59: five points an item, superseded by the 2023 revision.

City targets written before 2023 mean this edition.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from consent.vocabulary import Text
from service.domain.vocabulary.faults import Faults
from service.kit.errors import Fault

from . import adults
from .ladder import Ladder, ladder
from .numbers import hundredths, no_better, up_to_tenth
from .results import Results
from .standard import ONE_SOURCE, ItemScore, Level, Score, Sex, Standard, load

ID = "cn-npfs-adult-2003"
MISPRINT = Text(
    "此身高一行的数值不连续，可能有误。", "This row of heights breaks the steps around it."
)


def standard() -> Standard:
    return load(ID)


def needed(sex: Sex, age: int) -> tuple[str, ...]:
    """The items of a composite at that age and sex."""
    for row in standard().table["needs"]:
        if row["ages"][0] <= age <= row["ages"][1] and row["sex"] in (None, sex):
            return tuple(row["items"])
    raise KeyError(age)


@cache
def column(item: str, sex: Sex, group: str) -> Ladder:
    """Below the 1-point line is 0. Five points for reaction need less than the bound."""
    table = standard().table
    strict = (5,) if item in table["strict_best"] else ()
    bounds = table["tables"][item][sex][group]
    higher = standard().items[item].higher
    return ladder(table["points"], bounds, higher=higher, strict=strict)


def score(sex: Sex, age: int | None, given: Mapping[str, Any]) -> Score | list[Fault]:
    """Points of every item and the composite, or what is wrong with the question.

    An item at 0 points leaves no composite: the manual gives none below its 1-point line.
    """
    faults = Faults()
    adults.check_age(faults, age)
    if faults or age is None:
        return list(faults)
    parts = needed(sex, age)
    tests = [name for name in parts if name != "height_weight"]
    found = adults.items_scored(
        standard(), sex, given, parts, tests, lambda name, results: _item(name, sex, age, results)
    )
    if isinstance(found, list) or found.missing:
        return found
    points = [one.points for one in found.items.values()]
    if 0 in points:
        return found
    return replace(found, total=sum(points) * 100, level=_level(age, sum(points)))


def _level(age: int, total: int) -> Level:
    table = standard().table
    bounds = adults.row_for(age, table["levels"])["from"]
    code = next(code for code, low in bounds.items() if total >= low)
    return adults.level(code, table["level_names"][code])


def _item(name: str, sex: Sex, age: int, results: Results) -> ItemScore | None:
    if name == "height_weight":
        return _height_weight(sex, age, results)
    if name not in results:
        return None
    item, group = standard().items[name], adults.five_years(age)
    steps = column(name, sex, group)
    if name in standard().table["round_up_to_tenth"]:
        result = up_to_tenth(results[name])
    else:
        result = no_better(results[name], higher=item.higher)
    place = steps.at(result)
    doubt = adults.provisional(standard(), name, sex, group, place.points)
    return ItemScore(
        result,
        place.points,
        item.grade,
        provisional=doubt or (ONE_SOURCE if item.grade == "C" else None),
        next_points=place.next.points if place.next else None,
        next_result=steps.needed(place.next, item.finest) if place.next else None,
    )


def _height_weight(sex: Sex, age: int, results: Results) -> ItemScore | None:
    """Points of the weight for the height in whole centimetres; None outside the table's rows."""
    if "height" not in results or "weight" not in results:
        return None
    group = f"{sex}:{age // 10 * 10}-{age // 10 * 10 + 9}"
    height = hundredths(results["height"]) // 100
    weight = hundredths(results["weight"])
    for row in standard().table["height_weight"]["rows"][group]:
        if row[0] == height:
            doubtful = height in standard().table["provisional_heights"].get(group, ())
            points = weight_points(weight, row)
            doubt = MISPRINT if doubtful else ONE_SOURCE
            return ItemScore(weight, points, "C", provisional=doubt)
    return None


def weight_points(weight: int, row: list[Any]) -> int:
    """Points of a weight (hundredths of kg) in a row [height, lt1, lt3, le5, le3]."""
    too_light, light, right, heavy = map(hundredths, row[1:])
    if weight < too_light:
        return 1
    if weight < light:
        return 3
    if weight <= right:
        return 5
    return 3 if weight <= heavy else 1
