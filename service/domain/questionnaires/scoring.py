"""Scoring answers: every instrument by its `method`, with what is missing said and never guessed.

A missing item leaves no total. What must be said at once is said all the same: `crisis` looks at
the one answer alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from consent.vocabulary import Text
from service.domain.risk.scales import SCALES

from . import activity, constitution
from .instruments import INSTRUMENTS, Instrument

Answers = Mapping[str, int]
Sex = Literal["female", "male"]
State = Literal["complete", "incomplete", "excluded"]

NEEDS_SEX = Text("判断结果需要性别。", "The result depends on sex, which was not given.")
FIRST_ITEM_ONLY = Text(
    "全部得分来自第1题：很可能未超过建议限量，请核对近期饮酒量。",
    "All points come from the first item: drinking is likely below the limits; ask about "
    "recent intake.",
)
ASK_LONG = Text("阳性：请完成完整量表。", "Positive: please answer the full questionnaire.")
TO_MMSE = Text("认知粗筛阳性：建议做简易智力状态检查。", "Cognition positive: an MMSE is advised.")
TO_MOOD = Text("情感粗筛阳性：建议做抑郁量表。", "Mood positive: a depression scale is advised.")


@dataclass(frozen=True, slots=True)
class Result:
    """What answers say. `total` is in points, minutes or MET-minutes as the instrument has it.

    `category` is a stable word, `label` its name; `parts` are sub-scores of an instrument that has
    several, each with a verdict. `missing` names the items without which there is no total.
    """

    instrument: Instrument
    state: State
    total: float | None = None
    category: str | None = None
    label: Text | None = None
    parts: Mapping[str, Any] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    notes: tuple[Text, ...] = ()
    crisis: Text | None = None


def crisis(instrument: Instrument, answers: Mapping[str, Any]) -> Text | None:
    """What must be said in the very answer to these answers, complete or not."""
    safety = instrument.safety
    if safety is None:
        return None
    given = answers.get(safety.item)
    return safety.text if type(given) is int and given >= safety.at else None


def crisis_of_entry(entry: Any) -> Text | None:
    """`crisis` of a record as it was sent, even of one that is refused for other faults."""
    if type(entry) is not dict or entry.get("kind") != "questionnaire":
        return None
    name, answers = entry.get("questionnaire"), entry.get("answers")
    if not isinstance(name, str) or name not in INSTRUMENTS or type(answers) is not dict:
        return None
    return crisis(INSTRUMENTS[name], answers)


def score(
    instrument: Instrument, answers: Answers, *, sex: Sex | None = None, total: int | None = None
) -> Result:
    """The result of accepted answers; `total` is for instruments whose items are not shown."""
    return SCORERS[instrument.method["kind"]](instrument, answers, sex, total)


def points(instrument: Instrument, answers: Answers) -> int | None:
    """The sum of a plain sum scale; None for other scales and where items are missing."""
    if instrument.method["kind"] not in ("sum", "scale") or _missing(instrument, answers):
        return None
    found = [answers[name] for name, item in instrument.items.items() if item.scored]
    return SCALES[instrument.id].total(found) if instrument.id in SCALES else sum(found)


def _sum(instrument: Instrument, answers: Answers, sex: Sex | None, _: int | None) -> Result:
    found = points(instrument, answers)
    if found is None:
        return _incomplete(instrument, answers)
    label, category = _band(instrument, found, sex)
    return Result(
        instrument,
        "complete",
        found,
        category,
        label,
        notes=tuple(_remarks(instrument, answers, found, sex)),
        crisis=crisis(instrument, answers),
    )


def _remarks(instrument: Instrument, answers: Answers, total: int, sex: Sex | None) -> list[Text]:
    remarks = []
    if sex is None and any(band.sex for band in instrument.bands):
        remarks.append(NEEDS_SEX)
    if instrument.id == "auditc" and total and answers["auditc_1"] == total:
        remarks.append(FIRST_ITEM_ONLY)
    if instrument.short_of and instrument.bands and total >= instrument.bands[-1].low:
        remarks.append(ASK_LONG)
    return remarks


def _any(instrument: Instrument, answers: Answers, _: Sex | None, __: int | None) -> Result:
    """One yes decides; only a no needs every answer."""
    missing = _missing(instrument, answers)
    found = int(any(answers.values()))
    if missing and not found:
        return _incomplete(instrument, answers)
    label, category = _band(instrument, found, None)
    notes = [
        text
        for item, text in (("cognition", TO_MMSE), ("mood", TO_MOOD))
        if answers.get(item) == 1 and item in instrument.items
    ]
    return Result(
        instrument, "complete", found, category, label, missing=missing, notes=tuple(notes)
    )


def _product(instrument: Instrument, answers: Answers, _: Sex | None, __: int | None) -> Result:
    days_item, minutes_item = instrument.items
    # Nobody is asked for the time of what they never did.
    if _missing(instrument, answers) and answers.get(days_item) != 0:
        return _incomplete(instrument, answers)
    found = answers[days_item] * answers.get(minutes_item, 0)
    label, category = _band(instrument, found, None)
    return Result(instrument, "complete", found, category, label)


def _ipaq(instrument: Instrument, answers: Answers, _: Sex | None, __: int | None) -> Result:
    found = activity.judge(instrument.method, answers)
    if found.excluded is not None:
        return Result(
            instrument, "excluded", missing=found.missing, notes=(activity.WHY[found.excluded],)
        )
    names = instrument.method["names"]
    return Result(
        instrument,
        "complete",
        found.met_tenths / 10,
        found.level,
        Text(**names[found.level]),
        parts={name: tenths / 10 for name, tenths in found.parts.items()},
    )


def _scales(instrument: Instrument, answers: Answers, _: Sex | None, __: int | None) -> Result:
    if _missing(instrument, answers):
        return _incomplete(instrument, answers)
    found = constitution.judge(instrument.method, answers)
    parts = {name: {"points": one.points, "verdict": one.verdict} for name, one in found.items()}
    leading = [name for name, one in found.items() if one.verdict == "yes"]
    category = leading[0] if len(leading) == 1 else None
    label = Text(**instrument.method["names"][category]) if category else None
    return Result(instrument, "complete", None, category, label, parts)


def _rules(instrument: Instrument, answers: Answers, _: Sex | None, __: int | None) -> Result:
    if _missing(instrument, answers):
        return _incomplete(instrument, answers)
    for rule in instrument.method["rules"]:
        if all(rule[item] in (None, answers[item]) for item in instrument.items):
            label = Text(**instrument.method["results"][rule["result"]])
            return Result(instrument, "complete", None, rule["result"], label)
    raise AssertionError("The rules cover every answer.")


def _entered(
    instrument: Instrument, answers: Answers, sex: Sex | None, total: int | None
) -> Result:
    if total is None:
        return Result(instrument, "incomplete", missing=("total",))
    label, category = _band(instrument, total, sex)
    return Result(instrument, "complete", total, category, label)


def _incomplete(instrument: Instrument, answers: Answers) -> Result:
    return Result(
        instrument,
        "incomplete",
        missing=_missing(instrument, answers),
        crisis=crisis(instrument, answers),
    )


def _missing(instrument: Instrument, answers: Answers) -> tuple[str, ...]:
    return tuple(
        name for name, item in instrument.items.items() if item.scored and name not in answers
    )


def _band(instrument: Instrument, total: int, sex: Sex | None) -> tuple[Text | None, str | None]:
    """The name of the band that holds `total`, and the same as a stable word."""
    for band in instrument.bands:
        if band.low <= total <= band.high and band.sex in (None, sex):
            return band.label, band.label.en
    return None, None


SCORERS: Mapping[str, Callable[[Instrument, Answers, Sex | None, int | None], Result]] = {
    "sum": _sum,
    "scale": _sum,
    "any": _any,
    "product": _product,
    "ipaq": _ipaq,
    "scales": _scales,
    "rules": _rules,
    "entered": _entered,
}
