"""Who a model was not made for: inputs outside the range it was derived in, named and never silent.

Such a range is not a limit of what may be sent: `inputs` refuses what no person can have, this
says that an answer does not hold. Where a model declares `"outside": "none"` no number is given.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from consent.vocabulary import Text

Range = tuple[float, float]


def beyond(specification: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, str]:
    """`{input: "35-74 a"}` for every input whose value lies outside its range of derivation."""
    found = {}
    for name, rule in specification.items():
        if "derived" in rule and given[name] is not None:
            (low, high), unit = _range_of(rule, given)
            if not inside(given[name], (low, high), rule):
                found[name] = f"{low:g}-{high:g} {unit}"
    return found


def inside(value: float, limits: Range, rule: Mapping[str, Any]) -> bool:
    """Closed, but open on the right where the rule says so; ages run to the next birthday."""
    low, high = limits
    if rule["unit"] == "a":
        return low <= value < high + 1
    return low <= value < high if rule.get("derived_open") else low <= value <= high


def _range_of(rule: Mapping[str, Any], given: Mapping[str, Any]) -> tuple[Range, str]:
    if "unit_input" not in rule:
        return rule["derived"], rule["unit"]
    unit = given[rule["unit_input"]]
    return rule["derived"][unit], unit


def told(names: Sequence[str]) -> Text:
    """As `sentence` of several inputs at once, where the range is looked up elsewhere."""
    listed = ", ".join(names)
    return Text(
        f"{listed} 不在该模型的适用范围内，结果仅供参考。",
        f"{listed}: outside the range of this model, a rough guide only.",
    )


def sentence(name: str, limits: str, *, withheld: bool) -> Text:
    """What is told of one such input; the value itself is not repeated."""
    if withheld:
        return Text(
            f"{name} 不在该模型的适用范围（{limits}）内，不给出数值。",
            f"{name} lies outside the range of this model ({limits}): no number is given.",
        )
    return Text(
        f"{name} 不在该模型的适用范围（{limits}）内，结果仅供参考。",
        f"{name} lies outside the range of this model ({limits}): a rough guide only.",
    )
