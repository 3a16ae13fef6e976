"""What pydantic found wrong, said again as pointer, code and a fixed sentence.

Pydantic's own messages repeat bounds and inputs, so none of its text is passed on. The name of a
member is shown only when it looks like a name: a value used as a key is not echoed.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from consent.vocabulary import Language, Text
from service.kit.errors import Fault

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
SHOWN = 100
"""Faults listed at most; a body with more has one cause."""

SENTENCES: dict[str, Text] = {
    "required": Text("缺少必填项。", "This is required."),
    "unknown-field": Text("没有这个字段。", "There is no such field."),
    "not-text": Text("应为文本。", "This must be text."),
    "not-a-number": Text("应为数字。", "This must be a number."),
    "not-finite": Text("应为有限的数字。", "This must be a finite number."),
    "not-whole": Text("应为整数。", "This must be a whole number."),
    "not-a-flag": Text("应为 true 或 false。", "This must be true or false."),
    "not-a-list": Text("应为数组。", "This must be a list."),
    "not-an-object": Text("应为对象。", "This must be an object."),
    "not-a-date": Text("应为 YYYY-MM-DD 格式的日期。", "This must be a date, YYYY-MM-DD."),
    "not-an-instant": Text(
        "应为带时区的 RFC 3339 时间。", "This must be an RFC 3339 instant with an offset."
    ),
    "not-an-id": Text("应为 UUID。", "This must be a UUID."),
    "out-of-range": Text("超出允许范围。", "This is outside the allowed range."),
    "wrong-length": Text("长度不符合要求。", "This is too short or too long."),
    "wrong-form": Text("格式不正确。", "This does not have the right form."),
    "unknown-choice": Text("不在可选值之内。", "This is not one of the allowed values."),
    "not-json": Text("不是合法的 JSON。", "This is not JSON."),
    "invalid": Text("内容无效。", "This is not valid."),
}

CODES: dict[str, str] = {
    "missing": "required",
    "extra_forbidden": "unknown-field",
    "string_type": "not-text",
    "string_unicode": "not-text",
    "string_sub_type": "not-text",
    "float_type": "not-a-number",
    "float_parsing": "not-a-number",
    "finite_number": "not-finite",
    "int_type": "not-whole",
    "int_parsing": "not-whole",
    "int_parsing_size": "out-of-range",
    "int_from_float": "not-whole",
    "bool_type": "not-a-flag",
    "bool_parsing": "not-a-flag",
    "list_type": "not-a-list",
    "tuple_type": "not-a-list",
    "set_type": "not-a-list",
    "frozen_set_type": "not-a-list",
    "dict_type": "not-an-object",
    "model_type": "not-an-object",
    "model_attributes_type": "not-an-object",
    "dataclass_type": "not-an-object",
    "uuid_type": "not-an-id",
    "uuid_parsing": "not-an-id",
    "uuid_version": "not-an-id",
    "date_type": "not-a-date",
    "date_parsing": "not-a-date",
    "date_from_datetime_parsing": "not-a-date",
    "date_from_datetime_inexact": "not-a-date",
    "datetime_type": "not-an-instant",
    "datetime_parsing": "not-an-instant",
    "datetime_from_date_parsing": "not-an-instant",
    "datetime_object_invalid": "not-an-instant",
    "timezone_aware": "not-an-instant",
    "timezone_offset": "not-an-instant",
    "greater_than": "out-of-range",
    "greater_than_equal": "out-of-range",
    "less_than": "out-of-range",
    "less_than_equal": "out-of-range",
    "multiple_of": "out-of-range",
    "date_past": "out-of-range",
    "date_future": "out-of-range",
    "datetime_past": "out-of-range",
    "datetime_future": "out-of-range",
    "string_too_short": "wrong-length",
    "string_too_long": "wrong-length",
    "too_short": "wrong-length",
    "too_long": "wrong-length",
    "string_pattern_mismatch": "wrong-form",
    "literal_error": "unknown-choice",
    "enum": "unknown-choice",
    "union_tag_invalid": "unknown-choice",
    "union_tag_not_found": "required",
    "json_invalid": "not-json",
}


def translated(found: Sequence[Any]) -> list[Fault]:
    """Pydantic's findings as faults, in their order, each place and code once."""
    faults: dict[tuple[str, str], Fault] = {}
    for finding in found:
        code = CODES.get(finding["type"], "invalid")
        pointer = _pointer(finding["loc"])
        faults.setdefault((pointer, code), Fault(pointer, code, SENTENCES[code]))
        if len(faults) == SHOWN:
            break
    return list(faults.values())


def rendered(faults: Iterable[Fault], language: Language) -> list[dict[str, str]]:
    """Faults as the `errors` member of a problem document."""
    return [
        {"pointer": fault.pointer, "code": fault.code, "detail": fault.detail.in_(language)}
        for fault in faults
    ]


def _pointer(place: Sequence[Any]) -> str:
    return pointer(place[1:] if place and place[0] == "body" else place)


def pointer(steps: Iterable[Any]) -> str:
    """An RFC 6901 pointer, cut short before the first step that may be a value."""
    shown: list[str] = []
    for step in steps:
        if not isinstance(step, int) and not NAME.fullmatch(str(step)):
            break
        shown.append(str(step))
    return "".join(f"/{step}" for step in shown)
