"""The eight factors of the prompt: index, level, inputs, since when, and one sentence why."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from consent.vocabulary import Text

from . import blood_pressure, body_size, composite, essential_eight, glucose
from .catalogue import MODELS
from .current import Newest
from .facts import Facts
from .judgement import Judgement
from .reasons import NAMES

GUIDE = {
    "diet": MODELS["composite_index"].citation,
    "activity": essential_eight.MODEL.citation,
    "smoking": essential_eight.MODEL.citation,
    "sleep": essential_eight.MODEL.citation,
    "body": f"{essential_eight.MODEL.citation}; {body_size.MODEL.citation}",
    "lipids": f"{essential_eight.MODEL.citation}; {MODELS['cn_lipid_2023'].citation}",
    "glucose": f"{essential_eight.MODEL.citation}; {glucose.MODEL.citation}",
    "blood_pressure": f"{essential_eight.MODEL.citation}; {blood_pressure.MODEL.citation}",
}
MEASURES: dict[str, tuple[str, ...]] = {
    "diet": ("vegetable_intake", "fruit_intake", "salt_intake"),
    "activity": ("moderate_activity_week", "vigorous_activity_week", "exercise_days_week"),
    "smoking": ("smoking_status", "cigarettes_per_day"),
    "sleep": ("sleep_duration",),
    "body": ("body_weight", "body_height", "bmi", "waist_circumference"),
    "lipids": ("total_cholesterol", "hdl_c", "ldl_c", "non_hdl_c"),
    "glucose": ("glucose_fasting", "glucose_2h", "glucose_random", "hba1c"),
    "blood_pressure": ("systolic_bp", "diastolic_bp"),
}
ITEMS = {"blood_pressure": "bp_stratum", "lipids": "lipid_2023", "glucose": "glucose"}
"""The factors whose level also follows a clinical item."""


@dataclass(frozen=True, slots=True)
class Factor:
    factor: str
    index: int | None
    level: int | None
    inputs: Mapping[str, Any]
    as_of: datetime
    why: Text
    source: str

    def as_prompt(self) -> dict[str, Any]:
        return {
            "factor": self.factor,
            "index": self.index,
            "level": self.level,
            "inputs": dict(self.inputs),
            "as_of": self.as_of.isoformat(),
            "why": self.why.both(),
            "source": self.source,
        }


def factors(facts: Facts, found: Judgement, newest: Newest) -> tuple[Factor, ...]:
    """Every factor about which anything is known; an index of None says it is not scored."""
    listed = []
    for name, index in zip(NAMES, found.indices, strict=True):
        inputs, as_of = _inputs(name, facts, newest)
        if as_of is None or (index is None and not _speaks(name, facts, found)):
            continue
        level = _level(name, index, found)
        why = WHY[name](facts, found)
        listed.append(Factor(name, index, level, inputs, as_of, why, GUIDE[name]))
    return tuple(listed)


def _speaks(name: str, facts: Facts, found: Judgement) -> bool:
    """An underweight body, a glucose class and a single pressure are said without an index."""
    if name == "body":
        return facts.bmi is not None and not facts.pregnant
    if name == "blood_pressure":
        return facts.single_pressure
    return name == "glucose" and found.glucose_class is not None


def _level(name: str, index: int | None, found: Judgement) -> int | None:
    levels = [] if index is None else [composite.band(index)[1]]
    item = found.items.get(ITEMS.get(name, ""))
    if item is not None:
        levels.append(item)
    return max(levels, default=None)


def _inputs(name: str, facts: Facts, newest: Newest) -> tuple[dict[str, Any], datetime | None]:
    inputs: dict[str, Any] = {}
    instants = []
    for code in MEASURES[name]:
        reading = newest.text(code) if code == "smoking_status" else newest.reading(code)
        if reading is not None:
            inputs[code] = reading.value
            instants.append(reading.at)
    if name == "blood_pressure" and facts.sbp is not None:
        inputs["systolic_bp"] = shown(facts.sbp)
        if facts.dbp is not None:
            inputs["diastolic_bp"] = shown(facts.dbp)
    if name == "body" and facts.bmi is not None:
        inputs["bmi"] = shown(facts.bmi)
    return inputs, max(instants, default=None)


def shown(value: float) -> float | int:
    """One decimal, without a tail of zero."""
    rounded = round(value, 1)
    return int(rounded) if rounded == int(rounded) else rounded


def _pressure(facts: Facts, found: Judgement) -> Text:
    if facts.sbp is None:
        return _single_pressure(facts)
    grade = found.bp_grade or 0
    low = "-" if facts.dbp is None else shown(facts.dbp)
    pair = f"{shown(facts.sbp)}/{low}"
    names = ("normal", "high normal", "grade 1", "grade 2", "grade 3")
    zh = f"血压{pair} mmHg，{blood_pressure.LABELS[grade]}"
    en = f"Blood pressure {pair} mmHg: {names[grade]}"
    if found.bp_stratum:
        zh += f"，心血管分层{found.bp_stratum}"
        en += f", stratum {blood_pressure.STRATA[found.bp_stratum].replace('_', ' ')}"
    if facts.bp_treated:
        zh, en = zh + "；正在服降压药", en + "; on blood-pressure medicine"
    return Text(zh + "。", en + ".")


def _single_pressure(facts: Facts) -> Text:
    low = "-" if facts.newest_dbp is None else shown(facts.newest_dbp)
    assert facts.newest_sbp is not None
    pair = f"{shown(facts.newest_sbp)}/{low}"
    return Text(
        f"血压{pair} mmHg，仅一次读数；取两次及以上的平均值评估，请再测一次。",
        f"Blood pressure {pair} mmHg, a single reading; the mean of two or more is judged: "
        "please measure once more.",
    )


def _lipid(facts: Facts, found: Judgement) -> Text:
    zh, en = [], []
    if facts.ldl is not None:
        zh.append(f"LDL-C {facts.ldl:.2f} mmol/L")
        en.append(f"LDL-C {facts.ldl:.2f} mmol/L")
    elif facts.non_hdl is not None:
        zh.append(f"非HDL-C {facts.non_hdl:.2f} mmol/L")
        en.append(f"Non-HDL-C {facts.non_hdl:.2f} mmol/L")
    if found.lipid and found.lipid.target is not None:
        zh.append(f"您的LDL-C目标低于{found.lipid.target} mmol/L")
        en.append(f"your LDL-C target is below {found.lipid.target} mmol/L")
    return Text("，".join(zh) + "。", ", ".join(en) + ".")


GLUCOSE_WORDS = {
    "normal": Text("血糖正常", "Glucose is normal"),
    "ifg": Text("空腹血糖受损范围", "Impaired fasting glucose range"),
    "igt": Text("糖耐量减低范围", "Impaired glucose tolerance range"),
    "ifg_igt": Text("糖尿病前期范围", "Prediabetes range"),
    "diabetes_range": Text("糖尿病范围，需复查确认", "Diabetes range, to be confirmed by a repeat"),
}


def _glucose(facts: Facts, found: Judgement) -> Text:
    if facts.diabetes:
        met = glucose.controlled(facts.glucose)
        if met is None:
            return Text("已诊断糖尿病，缺少近期血糖。", "Known diabetes without a recent value.")
        if met:
            return Text("已诊断糖尿病，血糖达标。", "Known diabetes, glucose at target.")
        return Text("已诊断糖尿病，血糖未达标。", "Known diabetes, glucose not at target.")
    words = GLUCOSE_WORDS[found.glucose_class or "normal"]
    if found.glucose_class == "normal" and glucose.attention(facts.glucose):
        return Text(f"{words.zh}，接近上限，值得关注。", f"{words.en}, near the upper end.")
    return Text(words.zh + "。", words.en + ".")


BODY_WORDS = {
    "underweight": "underweight",
    "normal": "normal weight",
    "overweight": "overweight",
    "obese": "obesity",
    "pre_central_obesity": "waist above normal",
    "central_obesity": "central obesity",
}


def _body(facts: Facts, _: Judgement) -> Text:
    zh, en = [], []
    if facts.bmi is not None:
        label = body_size.bmi_label(facts.bmi)
        zh.append(f"体质指数{facts.bmi:.1f}，{label}")
        en.append(f"BMI {facts.bmi:.1f}: {BODY_WORDS[body_size.CODES[label]]}")
    if facts.waist is not None:
        label = body_size.waist_label(facts.waist, facts.sex)
        code = body_size.CODES[label]
        words = "normal waist" if code == "normal" else BODY_WORDS[code]
        zh.append(f"腰围{shown(facts.waist)} cm，{label}")
        en.append(f"waist {shown(facts.waist)} cm: {words}")
    return Text("；".join(zh) + "。", "; ".join(en) + ".")


NICOTINE_WORDS = {
    "current": Text("目前吸烟。", "Currently smoking."),
    "never": Text("从不吸烟。", "Never smoked."),
    "former <1 y": Text("戒烟不到1年，请坚持。", "Stopped less than a year ago: keep going."),
    "former 1-<5 y": Text("已戒烟。", "Stopped smoking."),
    "former >=5 y": Text("戒烟5年以上。", "Stopped five years ago or more."),
}


def _smoking(facts: Facts, _: Judgement) -> Text:
    return NICOTINE_WORDS[facts.nicotine or "never"]


def _activity(facts: Facts, _: Judgement) -> Text:
    minutes = shown(facts.activity_minutes or 0.0)
    return Text(
        f"每周活动折合中等强度{minutes}分钟（建议至少150分钟）。",
        f"{minutes} minutes of activity a week, moderate equivalent (at least 150 are advised).",
    )


def _sleep(facts: Facts, _: Judgement) -> Text:
    hours = shown(facts.sleep_hours or 0.0)
    return Text(
        f"每晚睡眠{hours}小时（建议7-9小时）。", f"{hours} hours of sleep (7-9 are advised)."
    )


def _diet(facts: Facts, _: Judgement) -> Text:
    grams = shown(facts.vegetables_and_fruit or 0.0)
    zh = f"每天蔬菜水果{grams}克（目标500克）"
    en = f"{grams} g of vegetables and fruit a day (goal 500 g)"
    if facts.salt is not None:
        zh += f"，食盐{shown(facts.salt)}克（不超过5克）"
        en += f", {shown(facts.salt)} g of salt (at most 5 g)"
    return Text(zh + "。", en + ".")


WHY: dict[str, Callable[[Facts, Judgement], Text]] = {
    "diet": _diet,
    "activity": _activity,
    "smoking": _smoking,
    "sleep": _sleep,
    "body": _body,
    "lipids": _lipid,
    "glucose": _glucose,
    "blood_pressure": _pressure,
}
