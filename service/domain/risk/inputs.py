"""What a model may be asked with: named inputs with type, unit and range, checked before any sum.

A fault names the place and the rule, never what was sent. A boolean is no number, a number other
than 0 and 1 is no flag, an unknown name is refused rather than ignored: a misspelt input that is
silently dropped would change a result nobody can explain.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from consent.vocabulary import Text

NAME = re.compile(r"[A-Za-z0-9_]{1,40}")
BLOOD_PRESSURE = re.compile(r"(\d{2,3}(?:\.\d{1,2})?)/(\d{2,3}(?:\.\d{1,2})?)( treated)?")
TREATED_NUMBER = re.compile(r"(\d{1,4}(?:\.\d{1,4})?)( treated)?")


class InputFault(NamedTuple):
    """One thing wrong with one input; `pointer` is an RFC 6901 JSON pointer."""

    pointer: str
    code: str
    detail: Text


class InputsRejected(ValueError):
    """The inputs cannot be used; `faults` says where and why."""

    def __init__(self, faults: list[InputFault]) -> None:
        super().__init__("inputs rejected")
        self.faults = faults


DETAILS: dict[str, Text] = {
    "unknown-field": Text("模型没有这个输入。", "The model has no such input."),
    "required": Text("缺少必需的输入。", "A required input is missing."),
    "not-a-number": Text("应为数字。", "This must be a number."),
    "not-whole": Text("应为整数。", "This must be a whole number."),
    "not-a-flag": Text("应为0、1、true或false。", "This must be 0, 1, true or false."),
    "unknown-choice": Text("不在可选值之内。", "This is not one of the allowed values."),
    "out-of-range": Text("超出该输入的范围。", "This is outside the range of the input."),
    "not-a-blood-pressure": Text(
        "应为“收缩压/舒张压”，可加“ treated”。", "Systolic/diastolic, optionally with ` treated`."
    ),
    "not-days-and-minutes": Text(
        "应为[每周天数, 每天分钟数]，天数0-7。", "[days a week, minutes a day], days from 0 to 7."
    ),
    "not-a-treated-number": Text(
        "应为数字，或数字加“ treated”。", "A number, or a number with ` treated`, is expected."
    ),
}
"""Every fault and its sentence. None repeats a value or a bound; the model's page lists those."""


def check(specification: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Every input of the model in its final type (None where absent), or `InputsRejected`."""
    faults = [fault(name, "unknown-field") for name in given if name not in specification]
    checked: dict[str, Any] = {}
    for name, rule in specification.items():
        try:
            checked[name] = _one(rule, given, name, specification)
        except InputsRejected as refusal:
            faults += refusal.faults
    if faults:
        raise InputsRejected(faults)
    return checked


def _one(
    rule: Mapping[str, Any], given: Mapping[str, Any], name: str, all_rules: Mapping[str, Any]
) -> Any:
    if name not in given:
        if rule["required"]:
            raise rejected(name, "required")
        return rule.get("default", False if rule["type"] == "flag" else None)
    value = given[name]
    if value is None and rule.get("nullable"):
        return None
    if "ranges" in rule:
        unit = given.get(rule["unit_input"], all_rules[rule["unit_input"]]["default"])
        low, high = rule["ranges"].get(unit if isinstance(unit, str) else "", (0, float("inf")))
        rule = {**rule, "min": low, "max": high, "unit": unit}
    return READERS[rule["type"]](rule, name, value)


def _number(rule: Mapping[str, Any], name: str, value: Any) -> float | int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise rejected(name, "not-a-number")
    # A comparison, not a conversion: it is exact for any integer and false for NaN.
    if not rule["min"] <= value <= rule["max"]:
        raise rejected(name, "out-of-range")
    if rule.get("integer") and value != int(value):
        raise rejected(name, "not-whole")
    return int(value) if rule.get("integer") else value


def _flag(rule: Mapping[str, Any], name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) and value in (0, 1):
        return bool(value)
    raise rejected(name, "not-a-flag")


def _choice(rule: Mapping[str, Any], name: str, value: Any) -> str:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if isinstance(text, str) and text in rule["options"]:
        return text
    raise rejected(name, "unknown-choice")


def _treated_number(rule: Mapping[str, Any], name: str, value: Any) -> tuple[float, bool]:
    treated = False
    if isinstance(value, str):
        match = TREATED_NUMBER.fullmatch(value)
        if match is None:
            raise rejected(name, "not-a-treated-number")
        value, treated = float(match[1]), match[2] is not None
    return _number(rule, name, value), treated


def _blood_pressure(rule: Mapping[str, Any], name: str, value: Any) -> tuple[float, float, bool]:
    match = BLOOD_PRESSURE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise rejected(name, "not-a-blood-pressure")
    systolic, diastolic = float(match[1]), float(match[2])
    _number(rule, name, systolic)
    _number(rule, name, diastolic)
    return systolic, diastolic, match[3] is not None


def _days_minutes(rule: Mapping[str, Any], name: str, value: Any) -> tuple[int, float]:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise rejected(name, "not-days-and-minutes")
    days, minutes = value
    whole: Mapping[str, Any] = {"min": 0, "max": 7, "integer": True}
    return int(_number(whole, name, days)), _number(rule, name, minutes)


READERS = {
    "number": _number,
    "flag": _flag,
    "choice": _choice,
    "treated_number": _treated_number,
    "blood_pressure": _blood_pressure,
    "days_minutes": _days_minutes,
}


def fault(name: object, code: str) -> InputFault:
    # A name that is not a plain word could be a value in disguise and is not repeated.
    plain = isinstance(name, str) and NAME.fullmatch(name)
    return InputFault(f"/inputs/{name}" if plain else "/inputs", code, DETAILS[code])


def rejected(name: str, code: str) -> InputsRejected:
    return InputsRejected([fault(name, code)])
