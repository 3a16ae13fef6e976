"""What a calculator answers, before it is dressed for the wire."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from consent.vocabulary import Text
from service.domain.risk.inputs import rejected

Checked = Mapping[str, Any]
"""Inputs after `inputs.check`: every name of the model present, None where nothing was given."""


@dataclass(frozen=True, slots=True)
class Result:
    value: Any
    category: str | None = None
    terms: Mapping[str, Any] = field(default_factory=dict)
    valid: bool = True
    notes: tuple[Text, ...] = ()


def need_one(given: Checked, *names: str) -> None:
    """Refuse a call that names none of several alternatives; the first one is pointed at."""
    if all(given[name] is None for name in names):
        raise rejected(names[0], "required")


def outside_ages(low: int, high: int) -> Text:
    return Text(
        f"年龄不在该模型的适用范围（{low}-{high}岁）内，结果仅供参考。",
        f"The age lies outside the range of this model ({low}-{high} years): a rough guide only.",
    )
