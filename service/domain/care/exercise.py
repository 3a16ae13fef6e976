"""The exercise part of a plan: from the record to the words of the exercise rules, and back.

What is not known is handed on as not known, so that the rules refer rather than guess.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from consent.vocabulary import Text
from service.domain.care import visits
from service.domain.care.situation import Situation
from service.domain.care.sources import read
from service.domain.days import months_after
from service.domain.exercise.prescription import Prescription, prescribe
from service.domain.exercise.rules import Interval, Reason, document
from service.domain.exercise.screening import Person
from service.domain.life import Stage
from service.domain.risk.current import ACTIVE_DAYS

_TABLE = read("exercise")
CONDITIONS: Mapping[str, str] = _TABLE["conditions"]
PROCEDURES: Mapping[str, str] = {
    f"procedure:{code}": word for code, word in _TABLE["procedures"].items()
}
MEDICATIONS: Mapping[str, str] = _TABLE["medications"]
FLAGS: Mapping[str, str] = _TABLE["red_flags"]
BODY: Mapping[str, str] = _TABLE["body"]
ANSWER = "parq_any_yes"
VALID_MONTHS = 12
"""As long as the answers of a PAR-Q+ hold."""
YES = "parq_yes"
"""No word of the rules: they stop at a sign they do not know, as they should at this one."""

NOT_ASKED = Text(
    "尚未回答运动前筛查问卷：有胸痛、头晕、气短等症状请先就医。",
    "The questions before exercise are not answered: with chest pain, dizziness or breathlessness "
    "see a doctor first.",
)


def exercise(who: Situation) -> dict[str, Any]:
    """What somebody may do in a week and a session, or why a doctor decides, with its sources."""
    return _shown(prescribe(person(who)), answered=_answered(who) is not None)


def person(who: Situation) -> Person:
    """What the record says that the exercise rules ask about."""
    return Person(
        age=who.age,
        conditions=frozenset(_conditions(who)),
        medications=_medications(who),
        red_flags=frozenset(_flags(who)),
        exercises=(_number(who, "exercise_days_week") or 0) >= ACTIVE_DAYS,
        sbp=_number(who, "systolic_bp"),
        dbp=_number(who, "diastolic_bp"),
        other=frozenset(_others(who)),
    )


def _conditions(who: Situation) -> Iterator[str]:
    yield from (CONDITIONS[code] for code in who.conditions if code in CONDITIONS)
    yield from (word for name, word in PROCEDURES.items() if who.last(name) is not None)
    for one in who.assessment.models:
        if one["model"] == "cn_body_size" and one["terms"].get("bmi") in BODY:
            yield BODY[one["terms"]["bmi"]]
    if who.stage is Stage.PREGNANT:
        yield "pregnant"
    elif visits.delivered(who) is not None:
        yield "postpartum"


def _medications(who: Situation) -> frozenset[str] | None:
    """None where no medicine is recorded: that is no answer to whether somebody takes one."""
    if not who.medications:
        return None
    return frozenset(MEDICATIONS[code] for code in who.medications if code in MEDICATIONS)


def _flags(who: Situation) -> Iterator[str]:
    if _answered(who) == "yes":
        yield YES
    if who.stage is Stage.PREGNANT:
        yield from (FLAGS[code] for code in who.conditions if code in FLAGS)


def _answered(who: Situation) -> str | None:
    """The newest answer that still holds."""
    since: date = months_after(who.today, -VALID_MONTHS)
    for deed in who.deeds:
        if ANSWER in deed.told and since < deed.day <= who.today:
            return str(deed.told[ANSWER])
    return None


def _others(who: Situation) -> Iterator[str]:
    if visits.began(who) is not None:
        yield "gestational_week"


def _number(who: Situation, name: str) -> float | None:
    value = who.newest(name)
    return value if isinstance(value, int | float) else None


def _shown(found: Prescription, *, answered: bool) -> dict[str, Any]:
    rules = document()["sources"]
    named = [*found.sources, *(reason.source for reason in found.reasons if reason.source in rules)]
    cited = [rules[name] for name in dict.fromkeys(named)] or list(rules.values())
    notes = (*found.notes, *(() if answered else (NOT_ASKED,)))
    return {
        "status": found.status,
        "ceiling": found.ceiling,
        "reasons": [_reason(one) for one in found.reasons],
        "goal": dict(found.goal),
        "session": {name: _bounds(one) for name, one in found.intervals.items()},
        "more": {name: dict(one) for name, one in found.more.items()},
        "target_heart_rate": None if found.target_hr is None else _bounds(found.target_hr),
        "instead": None if found.instead is None else found.instead.both(),
        "cautions": [one.both() for one in found.cautions],
        "rules": list(found.rules),
        "source": "; ".join(one["title"] for one in cited),
        # A plan is as good as the weakest of what it rests on.
        "grade": max(one["grade"] for one in cited),
        "caveat": {
            "zh": "".join(note.zh for note in notes),
            "en": " ".join(note.en for note in notes),
        },
    }


def _reason(reason: Reason) -> dict[str, Any]:
    return {"id": reason.id, "text": reason.text.both()}


def _bounds(one: Interval) -> dict[str, int]:
    return {"low": one.low, "high": one.high}
