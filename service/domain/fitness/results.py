"""Reading the results that somebody asks a score for: known tests, numbers, plausible ones.

What is plausible is what the vocabulary says of the measure; a standard has no bounds of its own.
"""

from collections.abc import Collection, Mapping
from typing import Any

from service.domain.vocabulary.faults import Faults, is_number, place
from service.domain.vocabulary.measures import MEASURES

from .standard import Item, Sex, Standard

Results = dict[str, int | float]
BODY = {
    "bmi": "bmi",
    "height": "body_height",
    "weight": "body_weight",
    "body_fat": "body_fat_pct",
}
"""Results that no ladder holds, and their measures."""


def read(
    faults: Faults,
    standard: Standard,
    sex: Sex,
    given: Mapping[str, Any],
    expected: Collection[str],
) -> Results:
    """The results in the order of `expected`; what is wrong goes to `faults`.

    A test of the standard that this person does not take is a fault: it would count for nothing.
    """
    for name in sorted(map(str, given)):
        if name not in expected:
            known = name in standard.items
            faults.add(place("/results", name), "wrong-age" if known else "unknown-item")
    return {
        name: given[name]
        for name in expected
        if name in given and _fits(faults, standard.items.get(name), sex, name, given[name])
    }


def _fits(faults: Faults, item: Item | None, sex: Sex, name: str, value: Any) -> bool:
    pointer = place("/results", name)
    if not is_number(value):
        faults.add(pointer, "not-a-number")
        return False
    measure = MEASURES[BODY[name] if item is None else item.measure[sex]]
    if not measure.plausible.holds(value):
        faults.add(pointer, "out-of-range")
        return False
    if item is not None and item.whole and value != int(value):
        faults.add(pointer, "not-whole")
        return False
    return True
