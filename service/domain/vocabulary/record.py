"""A record: something observed, done or stated about a resident at a moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from consent.vocabulary import DataClass
from service.domain.questionnaires.instruments import INSTRUMENTS
from service.domain.vocabulary.codes import CODES

Value = float | str
"""A number in the unit of its measure (an int where it is whole), or an answer code."""

KINDS: dict[str, DataClass | None] = {
    "observation": None,
    "questionnaire": None,
    "workout": DataClass.FITNESS,
    "sleep": DataClass.LIFESTYLE,
    "fitness_test": DataClass.FITNESS,
    "condition": None,
    "medication": None,
    "family_history": None,
    "procedure": None,
    "vaccination": None,
    "goal": None,
}
"""Kinds of record (append-only), and the class of what the kind itself says. None: the values,
the instrument or the code decide."""
STATED_KINDS = frozenset(
    {"condition", "medication", "family_history", "procedure", "vaccination", "goal"}
)
"""Kinds that must carry a code of `codes.toml`; a workout may."""
SOURCE_KINDS = frozenset({"manual", "device", "import", "practitioner"})
STAFF_SOURCES = frozenset({"practitioner"})
"""Sources that only a practitioner's own door sets: their readings count alone and end alarms, so
nobody claims one for their own record."""
STATUSES = frozenset({"active", "resolved"})


class Source(NamedTuple):
    """Who or what entered it."""

    kind: str = "manual"
    name: str | None = None


BY_HAND = Source()


@dataclass(frozen=True, slots=True)
class Record:
    """A checked record. Instants are UTC; values are in the units of their measures."""

    id: UUID
    kind: str
    start: datetime
    end: datetime | None = None
    values: Mapping[str, Value] = field(default_factory=dict)
    source: Source = BY_HAND
    note: str | None = None
    code: str | None = None
    status: str | None = None
    questionnaire: str | None = None
    answers: Mapping[str, int] = field(default_factory=dict)

    @property
    def observed(self) -> Mapping[str, Value]:
        """The values that tell how the person is; a goal's values tell what they wish for."""
        return {} if self.kind == "goal" else self.values

    @property
    def home(self) -> DataClass | None:
        """The class of what the record says beside its values; None when it says nothing else."""
        if self.code is not None:
            return CODES[self.kind][self.code].data_class
        if self.questionnaire is not None:
            return INSTRUMENTS[self.questionnaire].data_class
        return KINDS[self.kind]


def shape(record: Record) -> dict[str, Any]:
    """The record as the HTTP contract shows it, without its `rev`."""
    shown: dict[str, Any] = {
        "id": str(record.id),
        "kind": record.kind,
        "start": instant_text(record.start),
        "end": None if record.end is None else instant_text(record.end),
        "values": dict(record.values),
        "units": {},
        "source": {"kind": record.source.kind, "name": record.source.name},
        "note": record.note,
    }
    if record.code is not None:
        shown["code"] = record.code
        shown["status"] = record.status
    if record.questionnaire is not None:
        shown["questionnaire"] = record.questionnaire
        shown["answers"] = dict(record.answers)
    return shown


def instant_text(instant: datetime) -> str:
    """RFC 3339 in UTC."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
