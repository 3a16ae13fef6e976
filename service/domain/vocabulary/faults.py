"""Collecting what is wrong with an input: the place and the rule, never what was sent."""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from consent.vocabulary import Text
from service.kit.errors import Fault

DETAILS: dict[str, Text] = {
    "wrong-type": Text("类型不正确。", "This is not of the right type."),
    "required": Text("此项必填。", "This is needed."),
    "unknown-field": Text("没有这个字段。", "There is no such member."),
    "not-allowed": Text("这类记录没有此项。", "This kind of record does not have this."),
    "not-asked": Text("这里不需要此项。", "This is not asked for here."),
    "bad-id": Text("编号应为 UUID。", "An id is a UUID."),
    "unknown-kind": Text("没有这种记录类型。", "There is no such kind of record."),
    "bad-time": Text(
        "时间应为带时区偏移的 RFC 3339 格式。", "An instant is RFC 3339 text with an offset."
    ),
    "bad-day": Text("日期应为 YYYY-MM-DD。", "A day is written YYYY-MM-DD."),
    "future": Text("时间不能在将来。", "This lies in the future."),
    "before-birth": Text("时间早于出生日期。", "This lies before the date of birth."),
    "end-before-start": Text("结束时间早于开始时间。", "The end lies before the start."),
    "unknown-measure": Text("没有这个指标。", "There is no such measure."),
    "unknown-unit": Text("该指标不接受这个单位。", "This measure is not accepted in that unit."),
    "unit-without-value": Text("此单位没有对应的数值。", "This unit belongs to no value."),
    "not-a-number": Text("应为有限的数字。", "This must be a finite number."),
    "not-whole": Text("应为整数。", "This must be a whole number."),
    "out-of-range": Text("超出可能的范围。", "This is outside the plausible range."),
    "unknown-option": Text("不在选项之中。", "This is not one of the options."),
    "wrong-sex": Text("该指标不适用于此性别。", "This measure does not apply to this sex."),
    "wrong-age": Text("该指标不适用于此年龄。", "This measure does not apply at this age."),
    "derived-measure": Text(
        "该指标由系统计算，请填写用于计算的原始指标。",
        "This measure is computed: enter what it is computed from.",
    ),
    "pressure-order": Text("收缩压必须高于舒张压。", "Systolic pressure must exceed diastolic."),
    "no-values": Text("至少需要一项数值。", "At least one value is needed."),
    "unknown-source": Text("没有这种来源。", "There is no such kind of source."),
    "source-of-staff": Text(
        "只有医务人员录入的数据才能使用这种来源。",
        "Only what a practitioner enters has this source.",
    ),
    "too-long": Text("文字过长。", "The text is too long."),
    "bad-text": Text("文字中有不允许的字符。", "The text has characters that are not allowed."),
    "unknown-code": Text("没有这个代码。", "There is no such code."),
    "unknown-status": Text("没有这种状态。", "There is no such status."),
    "unknown-questionnaire": Text("没有这份问卷。", "There is no such questionnaire."),
    "unknown-item": Text("问卷中没有这一题。", "The questionnaire has no such item."),
    "bad-answer": Text("不是该题的有效答案。", "This is not an answer to the item."),
    "incomplete": Text("有题目未作答。", "Some items are not answered."),
    "not-the-sum": Text("与各题得分之和不符。", "This is not the sum of the answers."),
    "not-a-series": Text("该指标不按序列记录。", "This measure is not kept as a series."),
    "length-mismatch": Text("t 与 v 长度不同。", "t and v differ in length."),
    "too-many": Text("数量过多。", "There are too many."),
    "not-a-second": Text(
        "应为 0 至 86399 的整数秒。", "A second of the day is a whole number from 0 to 86399."
    ),
}
"""Every fault of this package: its code and its sentence."""

# A name begins with a letter: digits could be a value or a telephone number.
_SPEAKABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
# Control characters of C0 and C1 apart from tab and line breaks, and lone surrogates.
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def source_of_staff(base: str = "") -> Fault:
    """Somebody claims for their own record a source that only a practitioner's door sets."""
    return Fault(f"{base}/source/kind", "source-of-staff", DETAILS["source-of-staff"])


class Faults(list[Fault]):
    """What is wrong so far."""

    def add(self, pointer: str, code: str) -> None:
        self.append(Fault(pointer, code, DETAILS[code]))

    def add_unknown(self, members: Iterable[object], known: Iterable[str], base: str = "") -> None:
        for member in sorted(map(str, set(members) - set(known))):
            self.add(place(base, member), "unknown-field")


def place(base: str, member: object) -> str:
    """A pointer to a member; a name that is no plain word is left out, as it could be a value."""
    plain = isinstance(member, str) and _SPEAKABLE.fullmatch(member)
    return f"{base}/{member}" if plain else base


def is_number(value: object) -> bool:
    """A finite JSON number: bool is not one, and neither is text."""
    kind = type(value)
    if kind is int:
        return -(2**53) <= value <= 2**53  # type: ignore[operator]
    return kind is float and math.isfinite(value)  # type: ignore[arg-type]


def read_text(faults: Faults, pointer: str, value: Any, limit: int) -> str | None:
    """An optional text of at most `limit` characters that every reader can show."""
    if value is None:
        return None
    if not isinstance(value, str):
        faults.add(pointer, "wrong-type")
    elif len(value) > limit:
        faults.add(pointer, "too-long")
    elif _UNFIT.search(value):
        faults.add(pointer, "bad-text")
    else:
        return value
    return None


def read_object(faults: Faults, pointer: str, value: Any) -> Mapping[str, Any]:
    """An optional object; empty when it is missing or something else."""
    if value is None:
        return {}
    if isinstance(value, Mapping):
        return value
    faults.add(pointer, "wrong-type")
    return {}
