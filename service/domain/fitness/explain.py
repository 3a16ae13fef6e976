"""One sentence a result: what it scored and what the next step asks for."""

from typing import Any

from consent.vocabulary import Text

from .numbers import spelled
from .standard import Item, ItemScore, Standard

UNITS = {
    "{count}": Text("次", "times"),
    "{count}/min": Text("次", "times"),
    "mL": Text("毫升", "mL"),
    "cm": Text("厘米", "cm"),
    "kg": Text("千克", "kg"),
    "s": Text("秒", "s"),
}


def explain(item: Item | None, score: ItemScore) -> Text | None:
    """`12 cm = 74 points (next step 13.3 cm = 76)`; None for what no ladder holds."""
    if item is None:
        return None
    zh, en = UNITS.get(item.unit, Text("", "" if item.unit == "1" else item.unit))
    result = spelled(score.result, item.precision)
    here = Text(
        f"{result}{zh} = {score.points}分", f"{result} {en}".strip() + f" = {score.points} points"
    )
    if score.next_points is None or score.next_result is None:
        return here
    wanted = spelled(score.next_result, item.precision)
    return Text(
        f"{here.zh}（下一档 {wanted}{zh} = {score.next_points}分）",
        f"{here.en} (next step {f'{wanted} {en}'.strip()} = {score.next_points})",
    )


def shown(standard: Standard, name: str, one: ItemScore) -> dict[str, Any]:
    """One item's score as it is answered; results in the unit of the item, not in hundredths."""
    text = explain(standard.items.get(name), one)
    stepped = one.next_points is not None and one.next_result is not None
    return {
        "result": one.result / 100,
        "points": one.points,
        "label": None if one.name is None else one.name.both(),
        "grade": one.grade,
        "provisional": None if one.provisional is None else one.provisional.both(),
        "next": {"points": one.next_points, "result": number(one.next_result)} if stepped else None,
        "explanation": None if text is None else text.both(),
    }


def number(hundredths: int | None) -> float | None:
    """Hundredths as a JSON number: the division is exact to the digits that are shown."""
    return None if hundredths is None else hundredths / 100
