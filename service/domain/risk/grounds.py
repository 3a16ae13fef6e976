"""What a level rested on when it was found, and the sentence that tells it.

Taken down at the moment of the assessment: rules, items and readings may be others tomorrow, and
whoever asks why the level changed then is told what made it at the time.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

from consent.vocabulary import Text
from service.domain.life import age_at

from . import advice, stability
from .catalogue import MODELS
from .current import LIVER, Newest, Readings, facts_of, pressures
from .factors import MEASURES
from .judgement import judge
from .person import Person
from .reasons import NAMES, causes
from .rules import in_force

HISTORIES = ("condition", "medication", "family_history")
CODED = frozenset({"smoking_status", "post_menopausal"})
"""Measures whose readings are answers and no numbers."""
KIDNEY = ("egfr", "creatinine", "uacr")
ASKED = {"lung_function": ("copd_ps_total",), "bone_density": ("post_menopausal",)}
"""What the screens behind these causes ask for and no factor does."""
Cause = Literal["assessed", "no_data", "switched_off"]
"""Why the level is what it is: an assessment, too little data, or the owner's switch."""


class Ground(NamedTuple):
    """One reading: a measure or `kind:code` of a history, its value in the measure's own unit."""

    name: str
    value: float | str
    at: datetime


@dataclass(frozen=True, slots=True)
class Grounds:
    """`items` are the judged items with their levels, `actions` ids of messages, in their order."""

    rule_pack: str = field(default_factory=lambda: in_force().pack)
    causes: tuple[str, ...] = ()
    items: Mapping[str, int] | None = None
    readings: tuple[Ground, ...] = ()
    actions: tuple[str, ...] = ()


def grounds(person: Person, readings: Readings, now: datetime) -> Grounds:
    """What an assessment of an adult at `now` rests on, readings of its causes first."""
    facts = facts_of(person, readings, now, age_at(person.birth_date, now))
    found = judge(facts)
    why = causes(facts, found)
    return Grounds(
        causes=why,
        items=dict(found.items),
        readings=tuple(_readings(why, Newest(readings, now))),
        actions=tuple(message["id"] for message in advice.actions(facts, found, why)),
    )


def _readings(why: Iterable[str], newest: Newest) -> Iterator[Ground]:
    why = tuple(why)
    first = [name for name in why if name in MEASURES]
    if "liver" in why:
        yield from _newest(LIVER, newest)
    if "bowel_screening" in why and "smoking" not in first:
        first.append("smoking")
    if "bone_density" in why and "body" not in first:
        first.append("body")
    for cause, codes in ASKED.items():
        if cause in why:
            yield from _newest(codes, newest)
    for factor in (*first, *(name for name in NAMES if name not in first)):
        if factor == "blood_pressure":
            yield from _pressures(newest)
        else:
            yield from _newest(MEASURES[factor], newest)
    yield from _newest(KIDNEY, newest)
    for name, told in newest.everything():
        if told and name.partition(":")[0] in HISTORIES:
            yield Ground(name, told[0].value, told[0].at)


def _pressures(newest: Newest) -> Iterator[Ground]:
    for pair in pressures(newest):
        yield Ground("systolic_bp", pair.systolic, pair.at)
        if pair.diastolic is not None:
            yield Ground("diastolic_bp", pair.diastolic, pair.at)


def _newest(codes: Iterable[str], newest: Newest) -> Iterator[Ground]:
    for code in codes:
        reading = newest.text(code) if code in CODED else newest.reading(code)
        if reading is not None:
            yield Ground(code, reading.value, reading.at)


LEVELS: dict[int, Text] = {
    entry["level"]: Text(colour, entry["colour"])
    for entry, colour in zip(
        MODELS["five_level_mapping"].parameters["levels"], "绿蓝黄橙红", strict=True
    )
}
CAUSES: dict[str, Text] = {
    "diet": Text("膳食", "diet"),
    "activity": Text("运动", "activity"),
    "smoking": Text("吸烟", "smoking"),
    "sleep": Text("睡眠", "sleep"),
    "body": Text("体重和腰围", "weight and waist"),
    "lipids": Text("血脂", "lipids"),
    "glucose": Text("血糖", "glucose"),
    "blood_pressure": Text("血压", "blood pressure"),
    "cardiovascular_disease": Text("心脑血管疾病", "cardiovascular disease"),
    "heart_rhythm": Text("心律", "heart rhythm"),
    "kidney": Text("肾脏", "kidneys"),
    "liver": Text("建议检查肝脏", "an advised check of the liver"),
    # What may have been done by now is named by the score, which asks for nothing.
    "bowel_screening": Text("结直肠癌筛查评分", "the bowel screening score"),
    "lung_screening": Text("符合肺癌筛查条件", "the criteria of lung screening"),
    "lung_function": Text("慢阻肺筛查问卷得分", "the score of the COPD questionnaire"),
    "bone_density": Text("骨质疏松自测指数", "the osteoporosis index"),
    "age": Text("年龄", "age"),
}


def sentence(before: int | None, level: int | None, why: Iterable[str], cause: Cause) -> Text:
    """One sentence on a change of level, from what was taken down of it."""
    if level is None:
        return _NO_LEVEL[cause]
    named = [CAUSES[name] for name in why]
    zh, en = _moved(before, level)
    if named:
        zh += "，原因：" + "、".join(one.zh for one in named)
        en += ", because of " + ", ".join(one.en for one in named)
    if before is not None and level < before:
        days = stability.APART.days
        zh += f"；相隔至少{days}天的评估都这样认为，或危急值已复测正常"
        en += f"; assessments at least {days} days apart agree, or an alarming reading is over"
    return Text(zh + "。", en + ".")


def _moved(before: int | None, level: int) -> tuple[str, str]:
    new = LEVELS[level]
    zh, en = f"{level}级（{new.zh}）", f"level {level} ({new.en})"
    if before is None:
        return f"级别为{zh}", f"The level is {en.removeprefix('level ')}"
    old = LEVELS[before]
    way = ("升为", "rose") if level > before else ("降为", "fell")
    return (
        f"级别由{before}级（{old.zh}）{way[0]}{zh}",
        f"The level {way[1]} from {before} ({old.en}) to {en.removeprefix('level ')}",
    )


_NO_LEVEL: dict[Cause, Text] = {
    "assessed": advice.REASONS["no_data"],
    "no_data": advice.REASONS["no_data"],
    "switched_off": advice.REASONS["switched_off"],
}
