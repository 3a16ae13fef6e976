"""Validation findings are said again without what was sent."""

from datetime import date
from typing import Literal
from uuid import UUID

import pytest
from pydantic import AwareDatetime, Field, ValidationError

from service.api.body import Flag, Number, Shape, Whole
from service.api.faults import rendered, translated

CANARY = "canary-7f3a"


class Inner(Shape):
    number: Number = 0
    whole: Whole = 0
    flag: Flag = False
    day: date | None = None
    moment: AwareDatetime | None = None
    id: UUID | None = None
    choice: Literal["a", "b"] = "a"
    text: str = Field("", max_length=5)


class Outer(Shape):
    items: list[Inner] = Field(max_length=3)
    values: dict[str, Number] = Field(default_factory=dict)


def found(document: object) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(document)
    errors = [{**error, "loc": ("body", *error["loc"])} for error in caught.value.errors()]
    said = rendered(translated(errors), "en") + rendered(translated(errors), "zh")
    assert CANARY not in str(said)
    assert all(fault["detail"] for fault in said)
    return [(fault["pointer"], fault["code"]) for fault in said[: len(said) // 2]]


@pytest.mark.parametrize(
    ("member", "value", "code"),
    [
        ("number", True, "not-a-number"),
        ("number", CANARY, "not-a-number"),
        ("number", "12", "not-a-number"),
        ("number", float("inf"), "not-finite"),
        ("number", None, "not-a-number"),
        ("number", [], "not-a-number"),
        ("whole", 1.5, "not-whole"),
        ("whole", True, "not-whole"),
        ("whole", 2**60, "out-of-range"),
        ("flag", 1, "not-a-flag"),
        ("flag", "true", "not-a-flag"),
        ("day", CANARY, "not-a-date"),
        ("moment", "2026-11-20T08:00:00", "not-an-instant"),
        ("moment", CANARY, "not-an-instant"),
        ("id", CANARY, "not-an-id"),
        ("choice", CANARY, "unknown-choice"),
        ("text", CANARY, "wrong-length"),
        ("text", 1, "not-text"),
        ("extra", CANARY, "unknown-field"),
    ],
)
def test_each_fault_names_place_and_rule(member: str, value: object, code: str) -> None:
    assert found({"items": [{}, {member: value}]}) == [(f"/items/1/{member}", code)]


def test_a_missing_member_is_named() -> None:
    assert found({}) == [("/items", "required")]


def test_too_many_items() -> None:
    assert found({"items": [{}] * 4}) == [("/items", "wrong-length")]


def test_a_key_that_is_no_name_is_not_shown() -> None:
    assert found({"items": [], f"{CANARY} 体重 80": 1}) == [("", "unknown-field")]


def test_an_integer_is_a_number() -> None:
    assert Outer.model_validate({"items": [{"number": 3}], "values": {"x": 4}}).values == {"x": 4.0}
