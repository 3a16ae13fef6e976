"""One sentence a result: what it scored and what the next step asks for."""

from consent.vocabulary import Text

from .numbers import spelled
from .standard import Item, ItemScore

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
