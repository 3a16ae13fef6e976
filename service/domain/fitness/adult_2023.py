"""国民体质测定标准 2023 revision, adults of 20 to 59: a hundred points an item. Provisional."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from consent.vocabulary import Text
from service.domain.vocabulary.faults import Faults
from service.kit.errors import Fault

from . import adults
from .ladder import Ladder, ladder
from .numbers import bmi_floor, hundredths, no_better
from .results import Results
from .standard import ONE_SOURCE, ItemScore, Level, Score, Sex, Standard, load

ID = "cn-npfs-2023"


def standard() -> Standard:
    return load(ID)


def weights(age: int) -> dict[str, int]:
    """Percent of each item, together 100."""
    found: dict[str, int] = adults.row_for(age, standard().table["weights"])["percent"]
    return found


@cache
def column(item: str, sex: Sex, group: str) -> Ladder:
    """The ladder of one test; the first level is 10 points.

    The tables print upper bounds: a higher level starts beyond its bound, save the second, which
    starts at the bound of the first. Times are lower bounds and belong to the better level.
    """
    table, higher = standard().table, standard().items[item].higher
    first, *points = table["points"]
    bounds = table["tables"][item][sex][group]
    return ladder(points, bounds, higher=higher, base=first, strict=points[1:] if higher else ())


def score(sex: Sex, age: int | None, given: Mapping[str, Any]) -> Score | list[Fault]:
    """Points of every item and the weighted total, or what is wrong with the question.

    `bmi` may be given, or `height` (cm) and `weight` (kg) instead.
    """
    faults = Faults()
    adults.check_age(faults, age)
    if faults or age is None:
        return list(faults)
    parts = weights(age)
    found = adults.items_scored(
        standard(), sex, given, parts, parts, lambda name, results: _item(name, sex, age, results)
    )
    if isinstance(found, list) or found.missing:
        return found
    total = sum(found.items[name].points * percent for name, percent in parts.items())
    return replace(found, total=total, level=_level(total))


def _level(total: int) -> Level:
    for row in standard().table["levels"]:
        if total >= hundredths(row["from"]):
            return adults.level(row["level"], row["name"])
    raise AssertionError("The levels begin at 0.")


def _item(name: str, sex: Sex, age: int, results: Results) -> ItemScore | None:
    group = adults.five_years(age)
    if name == "bmi":
        return _bmi(results)
    if name not in results:
        return None
    doubt = adults.provisional(standard(), name, sex, group) or ONE_SOURCE
    if name == "body_fat":
        value = hundredths(results[name])
        return ItemScore(value, fat_points(value, sex, group), "C", provisional=doubt)
    item, steps = standard().items[name], column(name, sex, group)
    result = no_better(results[name], higher=item.higher)
    place = steps.at(result)
    return ItemScore(
        result,
        place.points,
        "C",
        provisional=doubt,
        next_points=place.next.points if place.next else None,
        next_result=steps.needed(place.next, item.finest) if place.next else None,
    )


def _bmi(results: Results) -> ItemScore | None:
    if "bmi" in results:
        value = no_better(results["bmi"], higher=True)
    elif "height" in results and "weight" in results:
        value = bmi_floor(results["weight"], results["height"])
    else:
        return None
    table = standard().table["bmi"]
    place = sum(value >= hundredths(bound) for bound in table["from"])
    name = Text(**table["names"][place])
    return ItemScore(value, table["points"][place], "C", name=name, provisional=ONE_SOURCE)


def fat_points(value: int, sex: Sex, group: str) -> int:
    """Points of a share of body fat (hundredths of a percent)."""
    table = standard().table["body_fat"]
    lean, normal, high = map(hundredths, table["rows"][sex][group])
    place = 0 if value < lean else 1 + (value > normal) + (value > high)
    points: int = table["points"][place]
    return points
