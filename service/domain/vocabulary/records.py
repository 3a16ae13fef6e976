"""Is this a record? `check` answers with the record, or with everything that is wrong with it.

Decisions kept here:
- A single value of a series measure (the steps of a day typed by hand) is welcome in a record.
- A measure that is only ever computed (`entered_by` is `derived`: BMI, non-HDL cholesterol, grades)
  is refused when typed by hand, since the service computes it from its inputs, and accepted from a
  device, an import or a practitioner, who may have computed it from inputs we never see.
- One of the two blood pressures alone is accepted; with both, systolic must exceed diastolic.
- Age limits are completed years on the day of the record, not today's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from service.domain import life
from service.domain.questionnaires.instruments import INSTRUMENTS, Instrument
from service.domain.questionnaires.scoring import points
from service.domain.vocabulary.codes import CODES
from service.domain.vocabulary.faults import Faults, place, read_object, read_text
from service.domain.vocabulary.parts import canonical_json, join, split
from service.domain.vocabulary.record import (
    BY_HAND,
    KINDS,
    SOURCE_KINDS,
    STATED_KINDS,
    STATUSES,
    Record,
    Source,
    Value,
    shape,
)
from service.domain.vocabulary.times import read_times
from service.domain.vocabulary.values import Wearer, read_values
from service.kit.errors import Fault

__all__ = ["Record", "Source", "Value", "canonical_json", "check", "join", "shape", "split"]

MEMBERS = frozenset(
    {"id", "kind", "start", "end", "values", "units", "source", "note", "rev"}
    | {"code", "status", "questionnaire", "answers"}
)
"""Members of a record in the contract. `rev` is the server's and is not read."""
NOTE_LIMIT = 2000
NAME_LIMIT = 200
NEEDS_VALUES = frozenset({"observation", "fitness_test"})


def check(
    raw: Any,
    *,
    birth_date: date,
    sex: str,
    now: datetime,
    zone: ZoneInfo = life.CITY_ZONE,
    new_id: Callable[[], UUID] = uuid4,
) -> Record | list[Fault]:
    """The record that `raw` describes, or its faults with pointers relative to it.

    `now` is aware; `zone` is where the person lives and decides which day an instant is.
    """
    faults = Faults()
    if not isinstance(raw, Mapping):
        faults.add("", "wrong-type")
        return list(faults)
    faults.add_unknown(raw, MEMBERS)
    record_id = _read_id(faults, raw.get("id"), new_id)
    kind = _read_kind(faults, raw.get("kind"))
    times = read_times(faults, raw, birth_date=birth_date, now=now, zone=zone)
    source = read_source(faults, raw.get("source"))
    note = read_text(faults, "/note", raw.get("note"), NOTE_LIMIT)
    day = (times.start if times else now).astimezone(zone).date()
    wearer = Wearer(sex, life.age(birth_date, day), by_hand=source.kind == "manual")
    values = read_values(faults, raw, wearer)
    says = _read_statement(faults, raw, kind, values)
    if faults or times is None:
        return list(faults)
    return Record(
        id=record_id,
        kind=kind,
        start=times.start.astimezone(UTC),
        end=times.end.astimezone(UTC) if times.end else None,
        values=values,
        source=source,
        note=note,
        code=says.code,
        status=says.status,
        questionnaire=says.questionnaire,
        answers=says.answers,
    )


def _read_id(faults: Faults, raw: Any, new_id: Callable[[], UUID]) -> UUID:
    if raw is None:
        return new_id()
    try:
        found = UUID(raw) if isinstance(raw, str) else None
    except ValueError:
        found = None
    if found is None or str(found) != raw.lower():
        faults.add("/id", "bad-id")
        return new_id()
    return found


def _read_kind(faults: Faults, raw: Any) -> str:
    if isinstance(raw, str) and raw in KINDS:
        return raw
    faults.add("/kind", "required" if raw is None else "unknown-kind")
    return ""


def read_source(faults: Faults, raw: Any) -> Source:
    """Who or what entered it; a missing source means typed by hand."""
    given = read_object(faults, "/source", raw)
    if not given:
        return BY_HAND
    faults.add_unknown(given, ("kind", "name"), "/source")
    kind = given.get("kind")
    if not isinstance(kind, str) or kind not in SOURCE_KINDS:
        faults.add("/source/kind", "required" if kind is None else "unknown-source")
        kind = "manual"
    return Source(kind, read_text(faults, "/source/name", given.get("name"), NAME_LIMIT))


@dataclass(frozen=True, slots=True)
class Statement:
    """What a record says beside its values."""

    code: str | None
    status: str | None
    questionnaire: str | None
    answers: Mapping[str, int]


def _read_statement(
    faults: Faults, raw: Mapping[str, Any], kind: str, values: Mapping[str, Value]
) -> Statement:
    code = _read_code(faults, raw.get("code"), kind)
    status = _read_status(faults, raw.get("status"), kind, code)
    instrument = _read_instrument(faults, raw, kind)
    answers = _read_answers(faults, raw.get("answers"), instrument, values)
    if kind in NEEDS_VALUES and not raw.get("values"):
        faults.add("/values", "no-values")
    return Statement(code, status, instrument.id if instrument else None, answers)


def _read_code(faults: Faults, raw: Any, kind: str) -> str | None:
    if raw is None:
        if kind in STATED_KINDS:
            faults.add("/code", "required")
        return None
    if kind not in CODES:
        if kind:
            faults.add("/code", "not-allowed")
        return None
    if not isinstance(raw, str) or raw not in CODES[kind]:
        faults.add("/code", "unknown-code")
        return None
    return raw


def _read_status(faults: Faults, raw: Any, kind: str, code: str | None) -> str | None:
    if raw is None:
        return "active" if code is not None else None
    if kind not in CODES:
        if kind:
            faults.add("/status", "not-allowed")
    elif not isinstance(raw, str) or raw not in STATUSES:
        faults.add("/status", "unknown-status")
    elif code is not None:
        return raw
    elif kind not in STATED_KINDS:
        # A workout without a code has nothing that could be active or resolved.
        faults.add("/status", "not-allowed")
    return None


def _read_instrument(faults: Faults, raw: Mapping[str, Any], kind: str) -> Instrument | None:
    name = raw.get("questionnaire")
    if kind != "questionnaire":
        for member in ("questionnaire", "answers"):
            if raw.get(member) and kind:
                faults.add(f"/{member}", "not-allowed")
        return None
    if isinstance(name, str) and name in INSTRUMENTS:
        return INSTRUMENTS[name]
    faults.add("/questionnaire", "required" if name is None else "unknown-questionnaire")
    return None


def _read_answers(
    faults: Faults, raw: Any, instrument: Instrument | None, values: Mapping[str, Value]
) -> dict[str, int]:
    if instrument is None:
        return {}
    given = read_object(faults, "/answers", raw)
    answers = {}
    for item, answer in given.items():
        if item not in instrument.items:
            faults.add(place("/answers", item), "unknown-item")
        elif not instrument.items[item].accepts(answer):
            faults.add(f"/answers/{item}", "bad-answer")
        else:
            answers[item] = answer
    # Where the items may not be shown, or were answered on paper, the total alone is a record.
    if not given:
        if instrument.total is None or instrument.total not in values:
            faults.add("/answers", "required")
    elif instrument.complete and len(given) < len(instrument.items):
        faults.add("/answers", "incomplete")
    elif len(answers) == len(given):
        _check_total(faults, instrument, answers, values)
    return answers


def _check_total(
    faults: Faults,
    instrument: Instrument,
    answers: Mapping[str, int],
    values: Mapping[str, Value],
) -> None:
    """A total beside the answers is their sum, or one of the two is a slip."""
    found = points(instrument, answers)
    total = instrument.total
    if found is None or total is None:
        return
    if values.get(total, found) != found:
        faults.add(f"/values/{total}", "not-the-sum")
