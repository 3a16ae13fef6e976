"""The nine constitutions of the 33 items: items shared by two scales count in both.

A negative item number is reversed (6 minus the answer).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

Verdict = Literal["yes", "tends", "basically", "no"]


class Scale(NamedTuple):
    points: int
    verdict: Verdict


def judge(method: Mapping[str, Any], answers: Mapping[str, int]) -> dict[str, Scale]:
    """Points and verdict of every constitution, in the order of the form."""
    points = {
        name: _points(numbers, answers, method["reverse_from"])
        for name, numbers in method["scales"].items()
    }
    others = max(total for name, total in points.items() if name != "balanced")
    return {
        name: Scale(
            total,
            _balanced(method["balanced"], total, others)
            if name == "balanced"
            else _biased(method["biased"], total),
        )
        for name, total in points.items()
    }


def _points(numbers: Sequence[int], answers: Mapping[str, int], reverse_from: int) -> int:
    return sum(
        answers[str(number)] if number > 0 else reverse_from - answers[str(-number)]
        for number in numbers
    )


def _biased(rule: Mapping[str, int], total: int) -> Verdict:
    if total >= rule["yes_from"]:
        return "yes"
    return "tends" if total >= rule["tends_from"] else "no"


def _balanced(rule: Mapping[str, int], total: int, others: int) -> Verdict:
    if total < rule["yes_from"] or others > rule["others_basically_to"]:
        return "no"
    return "yes" if others <= rule["others_yes_to"] else "basically"
