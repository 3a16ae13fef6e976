"""What a calculator answers, before it is dressed for the wire."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from consent.vocabulary import Text
from service.domain.risk.catalogue import Model
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

    def withheld(self) -> "Result":
        """The same answer without a number: every output null, no category, no terms."""
        value = self.value
        return Result(dict.fromkeys(value) if isinstance(value, dict) else None, valid=False)


def need_one(given: Checked, *names: str) -> None:
    """Refuse a call that names none of several alternatives; the first one is pointed at."""
    if all(given[name] is None for name in names):
        raise rejected(names[0], "required")


def band(value: float, cuts: Sequence[float], names: Sequence[str]) -> str:
    """The name of the band: `cuts` are the lower bounds, included, of every name but the first."""
    return names[sum(value >= cut for cut in cuts)]


def band_of(model: Model, value: float, cuts: Sequence[float]) -> str:
    """`band` with the categories of the model as names, in their order."""
    return band(value, cuts, [entry["category"] for entry in model.categories])
