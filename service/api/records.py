"""Records as they travel: their documented shape, their JSON, and the days and instants of queries.

Requests are not read through these models: the vocabulary checks raw records itself, faster and
with a fault for every place. The models tell openapi.yaml what it accepts.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Query, Response
from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

from consent.vocabulary import Language, Text
from service.api.body import Number
from service.api.faults import SENTENCES, rendered
from service.api.schema import Bilingual, FaultOut
from service.domain.questionnaires.scoring import crisis_of_entry
from service.domain.vocabulary.measures import MEASURES
from service.domain.vocabulary.records import Record, shape
from service.domain.vocabulary.times import parse_day, parse_instant
from service.kit.errors import BadRequest, PreconditionMissing, ServiceError, Stale
from service.records.plan import Result

Kind = Literal[
    "observation",
    "questionnaire",
    "workout",
    "sleep",
    "fitness_test",
    "condition",
    "medication",
    "family_history",
    "procedure",
    "vaccination",
    "goal",
]
When = Annotated[str | None, Query(max_length=40)]
"""A day (`2026-11-20`, in the resident's zone) or an instant with an offset."""


class Source(BaseModel):
    """Where a record comes from."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["manual", "device", "import", "practitioner"]
    name: str | None = None


class RecordIn(BaseModel):
    """Something observed or done at a moment."""

    model_config = ConfigDict(extra="forbid")

    id: UUID | None = Field(None, description="The client's own id; made here when missing.")
    kind: Kind
    start: datetime
    end: datetime | None = None
    values: dict[str, Number | str] = Field(
        default_factory=dict, description="Measure code to number, or to an option code."
    )
    units: dict[str, str] = Field(
        default_factory=dict, description="UCUM unit where a value is not in its measure's own."
    )
    source: Source | None = None
    note: str | None = None
    code: str | None = Field(None, description="What a condition, medication ... is.")
    status: str | None = None
    questionnaire: str | None = None
    answers: dict[str, Any] | None = None
    rev: int | None = Field(None, description="Ignored; as read from the service.")


class RecordOut(RecordIn):
    """A record as stored, values in the units of their measures."""

    id: UUID
    rev: int


class ReplacedOut(RecordOut):
    safety: Bilingual | None = Field(
        None, description="Said at once: an answer to a questionnaire asks for it."
    )


class RecordPage(BaseModel):
    items: list[RecordOut]
    next: str | None


class SeenRecordOut(RecordIn):
    """A record as somebody else sees it, with the values of the classes open to them."""

    id: UUID
    rev: None = Field(
        description="Always null: the owner's counter would tell how much else they keep."
    )


class ItemProblem(BaseModel):
    """Why one record of a batch was rejected."""

    code: str
    detail: str
    errors: list[FaultOut]


class ResultOut(BaseModel):
    id: UUID | None
    status: Literal["created", "updated", "unchanged", "rejected"]
    rev: int | None = None
    problem: ItemProblem | None = None
    safety: Bilingual | None = Field(
        None, description="Said at once: an answer to a questionnaire asks for it."
    )


class BriefOut(BaseModel):
    """The level after the write; null while there is not enough data."""

    level: int | None
    colour: Literal["green", "blue", "yellow", "orange", "red"] | None
    changed: bool


class LogOut(BaseModel):
    results: list[ResultOut]
    prompt: BriefOut


class Documented:
    """Shows a model in openapi.yaml for a value that is passed on as it came."""

    def __init__(self, model: type[BaseModel]) -> None:
        self._model = model

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        return core_schema.any_schema()

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(self._model.__pydantic_core_schema__)


RawRecord = Annotated[Any, Documented(RecordIn)]
"""A record as parsed from JSON; the vocabulary checks it."""

UNKNOWN_MEASURE = Text("没有这个指标。", "There is no such measure.")
_REJECTED = {
    "invalid": Text("记录有误，未保存。", "The record has faults and was not kept."),
    "deleted": Text("同编号的记录已被删除。", "A record of this id was deleted."),
    "not-permitted": Text("没有写入这些数据的权限。", "You may not write these data."),
}


def document(record: Record, rev: int | None) -> dict[str, Any]:
    """The JSON shape of a record in the contract; `rev` is None for anybody but the owner."""
    return {**shape(record), "rev": rev}


def with_crises(lines: list[dict[str, Any]], entries: Sequence[Any]) -> list[dict[str, Any]]:
    """The lines, each with what its entry calls for at once, were it kept or refused."""
    for line, entry in zip(lines, entries, strict=True):
        text = crisis_of_entry(entry)
        if text is not None:
            line["safety"] = text.both()
    return lines


@contextmanager
def heard(entry: Any) -> Iterator[Text | None]:
    """What an entry calls for at once; it is told with a refusal too."""
    text = crisis_of_entry(entry)
    try:
        yield text
    except ServiceError as refused:
        refused.safety = text
        raise


def result(found: Result, language: Language) -> dict[str, Any]:
    """One line of the answer to a batch."""
    line: dict[str, Any] = {
        "id": None if found.id is None else str(found.id),
        "status": found.status,
    }
    if found.rev is not None:
        line["rev"] = found.rev
    if found.code is not None:
        line["problem"] = {
            "code": found.code,
            "detail": _REJECTED[found.code].in_(language),
            "errors": rendered(found.faults, language),
        }
    return line


def answer(body: Any, *, rev: int | None = None) -> Response:
    """A JSON answer that nobody stores on the way."""
    text = body if isinstance(body, bytes) else spelled(body)
    headers = {"Cache-Control": "no-store"}
    if rev is not None:
        headers["ETag"] = f'"{rev}"'
    return Response(text, media_type="application/json", headers=headers)


_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def spelled(body: Any) -> bytes:
    return _COMPACT.encode(body).encode()


def revision(if_match: str | None) -> int:
    """The revision an If-Match names: 428 without one, 412 when it can be nobody's."""
    if if_match is None:
        raise PreconditionMissing
    digits = if_match.strip().strip('"')
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 18):
        raise Stale
    return int(digits)


def known_measure(code: str | None) -> None:
    if code is not None and code not in MEASURES:
        raise BadRequest(UNKNOWN_MEASURE, code="unknown-measure", pointer="/query/measure")


def is_day(text: str | None) -> bool:
    return text is not None and len(text) == 10


@dataclass(frozen=True, slots=True)
class Span:
    """`since` is inside, `until` is not; None leaves a side open."""

    since: datetime | None
    until: datetime | None


def span(since: str | None, until: str | None, zone: ZoneInfo) -> Span:
    """What `from` and `to` mean: both are inside, and a day is meant as a whole."""
    first = None if since is None else _moment(since, "from", zone, after=False)
    last = None if until is None else _moment(until, "to", zone, after=True)
    return Span(first, last)


def _moment(text: str, name: str, zone: ZoneInfo, *, after: bool) -> datetime:
    if (day := parse_day(text)) is not None and 2 <= day.year <= 9998:
        midnight = datetime.combine(day + timedelta(days=after), time(), zone)
        return midnight.astimezone(UTC)
    # An unescaped plus sign of an offset arrives as a blank.
    if (instant := parse_instant(text.replace(" ", "+"))) is not None:
        return instant.astimezone(UTC) + timedelta(microseconds=after)
    raise BadRequest(SENTENCES["not-an-instant"], code=f"bad-{name}", pointer=f"/query/{name}")


def page(items: Iterable[tuple[Record, int]], next_: str | None) -> dict[str, Any]:
    return {"items": [document(record, rev) for record, rev in items], "next": next_}


def seen_page(items: Iterable[tuple[Record, int]], next_: str | None) -> dict[str, Any]:
    """A page for somebody else than the owner."""
    return {"items": [document(record, None) for record, _ in items], "next": next_}


def results(found: Sequence[Result], language: Language) -> list[dict[str, Any]]:
    return [result(one, language) for one in found]
