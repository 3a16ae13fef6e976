"""What to do about a cause: messages and urgent sentences as data, each with its citation."""

from collections.abc import Callable, Iterable
from typing import Any

from consent.vocabulary import Text

from . import body_size, control, glucose, ncdrs
from .catalogue import read
from .facts import Facts
from .judgement import Judgement
from .reasons import NAMES, ORDER, SCREENS

_TABLE = read("advice")
MESSAGES: tuple[dict[str, str], ...] = tuple(_TABLE["messages"])
URGENT: dict[str, dict[str, str]] = _TABLE["urgent"]
REASONS = {name: Text(**text) for name, text in _TABLE["reasons"].items()}
GOOD_INDEX = 80
Condition = Callable[[Facts, Judgement], bool]


def actions(facts: Facts, found: Judgement, causes: Iterable[str]) -> tuple[dict[str, Any], ...]:
    """Messages for the causes of the level first, then for the other factors below 80."""
    first = list(causes)
    low = {
        name
        for name, index in zip(NAMES, found.indices, strict=True)
        if index is not None and index < GOOD_INDEX
    }
    also = [name for name in ORDER if name not in first and (name in low or name in ALWAYS_ASKED)]
    return tuple(
        {
            "id": message["id"],
            "text": _text(message, facts),
            "citation": message["citation"],
        }
        for factor in (*first, *also)
        for message in MESSAGES
        if message["factor"] == factor and _applies(message["when"], factor, facts, found)
    )


def _text(message: dict[str, str], facts: Facts) -> dict[str, str]:
    """What is said; of a check that was done also when, and when it is due again."""
    zh, en = message["zh"], message["en"]
    done = facts.done.get(message["factor"])
    if message["when"] in DONE and done is not None:
        zh, en = f"{zh}上次：{done.last}。", f"{en} Last: {done.last}."
        if done.again is not None:
            zh, en = f"{zh}下次：{done.again}起。", f"{en} Next: from {done.again}."
    return {"zh": zh, "en": en}


ALWAYS_ASKED = frozenset({"body", "glucose", "blood_pressure", *SCREENS})
"""Their messages may apply without an index: underweight, a screening score, one reading."""


def _applies(when: str, factor: str, facts: Facts, found: Judgement) -> bool:
    if when == "low_index":
        index = found.indices[NAMES.index(factor)]
        return index is not None and index < GOOD_INDEX
    return CONDITIONS[when](facts, found)


def _pressure_from(systolic: float, diastolic: float) -> Condition:
    def holds(facts: Facts, _: Judgement) -> bool:
        return (facts.sbp is not None and facts.sbp >= systolic) or (
            facts.dbp is not None and facts.dbp >= diastolic
        )

    return holds


_HIGH = _pressure_from(140, 90)


def _single_high(facts: Facts, _: Judgement) -> bool:
    systolic, diastolic = facts.newest_sbp, facts.newest_dbp
    return facts.single_pressure and _HIGH(facts.changed(sbp=systolic, dbp=diastolic), _)


def _screen(name: str, *groups: str) -> Condition:
    def holds(_: Facts, found: Judgement) -> bool:
        screen = found.screens.get(name)
        return screen is not None and screen.group in groups

    return holds


def _to_do(check: str, condition: Condition) -> Condition:
    """As `condition`, until the check that is advised was done within its interval."""
    return lambda facts, found: check not in facts.done and condition(facts, found)


def _done(check: str, condition: Condition) -> Condition:
    return lambda facts, found: check in facts.done and condition(facts, found)


def _known(fact: str, condition: Condition, *, known: bool = True) -> Condition:
    """As `condition`, for somebody whose record says that they have it, or that does not."""
    return lambda facts, found: getattr(facts, fact) is known and condition(facts, found)


_COPD, _OSTA = _screen("copd_ps", "ge5"), _screen("osta", "中", "高")

CONDITIONS: dict[str, Condition] = {
    "always": lambda facts, found: True,
    "pressure_160": _pressure_from(160, 100),
    "pressure_140_undiagnosed": lambda facts, found: not facts.htn_dx and _HIGH(facts, found),
    "single_pressure_140": _single_high,
    "pressure_130": _pressure_from(130, 85),
    "pressure_120": _pressure_from(120, 80),
    "smoker": lambda facts, found: facts.smoker is True,
    "ldl_above_target": lambda facts, found: (
        facts.ldl is not None
        and found.lipid is not None
        and found.lipid.target is not None
        and facts.ldl >= found.lipid.target
    ),
    "ncdrs_high": lambda facts, found: found.ncdrs is not None and found.ncdrs >= ncdrs.CUT,
    "glucose_range": lambda facts, found: (
        not facts.diabetes and found.glucose_class == "diabetes_range"
    ),
    "prediabetes": lambda facts, found: (
        not facts.diabetes and found.glucose_class in ("ifg", "igt", "ifg_igt")
    ),
    "diabetes_uncontrolled": lambda facts, found: (
        facts.diabetes and glucose.controlled(facts.glucose) is False
    ),
    "overweight": lambda facts, found: (
        not facts.pregnant
        and facts.bmi is not None
        and body_size.CODES[body_size.bmi_label(facts.bmi)] in ("overweight", "obese")
    ),
    "fib4_high": _screen("fib4", "gt2.67"),
    "fib4_raised": _screen("fib4", "1.30to2.67"),
    "fli_high": _screen("fli", "ge60"),
    "amap_low": _screen("amap", "low"),
    "amap_raised": _screen("amap", "medium", "high"),
    "apcs_high": _to_do("bowel_screening", _screen("apcs", "4-7")),
    "apcs_moderate": _to_do("bowel_screening", _screen("apcs", "2-3")),
    "bowel_done": _done("bowel_screening", _screen("apcs", "2-3", "4-7")),
    "lung_eligible": _to_do("lung_screening", _screen("lung_screening", "eligible")),
    "lung_done": _done("lung_screening", _screen("lung_screening", "eligible")),
    "copd_ps_high": _to_do("lung_function", _known("copd", _COPD, known=False)),
    "copd_ps_known": _to_do("lung_function", _known("copd", _COPD)),
    "lung_function_done": _done("lung_function", _COPD),
    "osta_high": _to_do("bone_density", _known("osteoporosis", _screen("osta", "高"), known=False)),
    "osta_medium": _to_do(
        "bone_density", _known("osteoporosis", _screen("osta", "中"), known=False)
    ),
    "osta_known": _to_do("bone_density", _known("osteoporosis", _OSTA)),
    "bone_done": _done("bone_density", _OSTA),
    "underweight": lambda facts, found: (
        facts.bmi is not None and body_size.CODES[body_size.bmi_label(facts.bmi)] == "underweight"
    ),
}


DONE = frozenset({"bowel_done", "lung_done", "lung_function_done", "bone_done"})
"""Of these conditions the messages say when it was."""


def urgent(facts: Facts) -> dict[str, Any] | None:
    """What to do now about an alarming reading; the most dangerous first, the others listed."""
    kinds = []
    if facts.glucose_alarm == "low":
        kinds.append("glucose_low")
    elif facts.glucose_alarm is not None:
        kinds.append("glucose_high")
    if control.pressure_urgent(facts.newest_sbp, facts.newest_dbp):
        kinds.append("blood_pressure")
    if not kinds:
        return None
    entry = URGENT[kinds[0]]
    return {
        "reading": kinds[0],
        "text": {"zh": entry["zh"], "en": entry["en"]},
        "source": entry["citation"],
        "others": kinds[1:],
    }
