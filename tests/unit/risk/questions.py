"""Questions to a model, drawn from its own description of what it accepts."""

import math
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from service.domain.risk.models import MODELS

Rule = Mapping[str, Any]
NICOTINE = MODELS["lifes_essential_8"].inputs["nicotine"]
BAD: list[Any] = [
    None,
    True,
    "x",
    "",
    [],
    {},
    [1],
    [1, 2],
    [7, 1440],
    [8, 10],
    [math.nan, 3],
    math.nan,
    math.inf,
    -math.inf,
    10**400,
    -(10**400),
    -0.0,
    5e-324,
    "120/80 treated",
    "999/999",
    "200 treated",
    "\ud800",
]
"""What nobody should send; a question may hold any of it at any place."""


def accepted(rule: Rule, bounds: tuple[float, float] | None = None) -> st.SearchStrategy[Any]:
    """Values one input accepts, its ends among them."""
    kind = rule["type"]
    if kind == "flag":
        return st.sampled_from([0, 1, True, False])
    if kind == "choice":
        return st.sampled_from(rule["options"])
    if kind == "blood_pressure":
        return st.sampled_from(["118/76", "152/96 treated", "60/30", "260/150"])
    if kind == "treated_number":
        return st.sampled_from([120, "200 treated", 40.5])
    if kind == "days_minutes":
        return st.tuples(st.integers(0, 7), st.floats(0, 1440)).map(list)
    low, high = bounds or _bounds(rule)
    ends = st.sampled_from([low, high])
    if rule.get("integer"):
        return st.integers(math.ceil(low), math.floor(high))
    return st.one_of(ends, st.floats(low, high))


def _bounds(rule: Rule) -> tuple[float, float]:
    if "ranges" in rule:
        low, high = next(iter(rule["ranges"].values()))
        return low, high
    return rule["min"], rule["max"]


def any_question(model_id: str) -> st.SearchStrategy[dict[str, Any]]:
    """Every input present or missing, accepted, extreme or absurd."""
    return st.fixed_dictionaries(
        {},
        optional={
            name: st.one_of(accepted(rule), accepted(rule), st.sampled_from(BAD))
            for name, rule in MODELS[model_id].inputs.items()
        },
    )


def good_question(model_id: str) -> st.SearchStrategy[dict[str, Any]]:
    """Every required input present and accepted, any of the others too."""
    required: dict[str, st.SearchStrategy[Any]] = {}
    optional: dict[str, st.SearchStrategy[Any]] = {}
    for name, rule in MODELS[model_id].inputs.items():
        (required if rule["required"] else optional)[name] = accepted(rule)
    return st.fixed_dictionaries(required, optional=optional)


def inside_question(model_id: str) -> st.SearchStrategy[dict[str, Any]]:
    """All required inputs, each within the range the model was made for."""
    return st.fixed_dictionaries(
        {
            name: accepted(rule, derived(rule))
            for name, rule in MODELS[model_id].inputs.items()
            if rule["required"]
        }
    )


def derived(rule: Rule) -> tuple[float, float] | None:
    limits = rule.get("derived")
    if isinstance(limits, dict):
        limits = next(iter(limits.values()))
    if limits is None:
        return None
    low, high = limits
    return (low, math.nextafter(high, low)) if rule.get("derived_open") else (low, high)
