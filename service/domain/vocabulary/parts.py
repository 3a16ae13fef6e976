"""A record taken apart by data class, so that each part is sealed under its own key, and back.

Every part can be read alone: it carries id, kind, times and source. What the record says beside
its values (a diagnosis, the answers to a questionnaire) is in the part of that class only, and the
note, which may say anything, is in the most sensitive part there is.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from consent.vocabulary import DataClass
from service.domain.vocabulary.measures import MEASURES
from service.domain.vocabulary.record import Record, Source, instant_text

# Made once: `json.dumps` makes an encoder at every call that is not all default.
_CANONICAL = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)
_ORDER = {data_class: number for number, data_class in enumerate(DataClass)}


def split(record: Record) -> dict[DataClass, dict[str, Any]]:
    """The parts of a record by class, at least one, ready for `canonical_json`."""
    parts: dict[DataClass, dict[str, Any]] = {}
    home = record.home
    if home is not None:
        parts[home] = _common(record)
        _say(parts[home], record)
    for code, value in record.values.items():
        data_class = MEASURES[code].data_class
        part = parts.get(data_class)
        if part is None:
            part = parts[data_class] = _common(record)
        part.setdefault("values", {})[code] = value
    if record.note is not None:
        parts[most_sensitive(parts)]["note"] = record.note
    return parts


def join(parts: Iterable[Mapping[str, Any]] | Mapping[DataClass, Mapping[str, Any]]) -> Record:
    """One record from its parts, or from as many of them as could be opened."""
    opened = list(parts.values() if isinstance(parts, Mapping) else parts)
    merged: dict[str, Any] = {}
    values: dict[str, Any] = {}
    for part in opened:
        merged.update(part)
        values.update(part.get("values", {}))
    kind, name = merged["source"]
    end = merged.get("end")
    return Record(
        id=UUID(merged["id"]),
        kind=merged["kind"],
        start=datetime.fromisoformat(merged["start"]),
        end=None if end is None else datetime.fromisoformat(end),
        values=dict(sorted(values.items())),
        source=Source(kind, name),
        note=merged.get("note"),
        code=merged.get("code"),
        status=merged.get("status"),
        questionnaire=merged.get("questionnaire"),
        answers=merged.get("answers", {}),
    )


def most_sensitive(classes: Iterable[DataClass]) -> DataClass:
    """The class of the highest grade; among equals the later one of the closed list."""
    return max(classes, key=lambda data_class: (data_class.grade, _ORDER[data_class]))


def canonical_json(document: Any) -> bytes:
    """The one spelling of a document: sorted members, no spaces, UTF-8, finite numbers only."""
    return _CANONICAL.encode(document).encode()


def _common(record: Record) -> dict[str, Any]:
    part: dict[str, Any] = {
        "id": str(record.id),
        "kind": record.kind,
        "start": instant_text(record.start),
        "source": [record.source.kind, record.source.name],
    }
    if record.end is not None:
        part["end"] = instant_text(record.end)
    return part


def _say(part: dict[str, Any], record: Record) -> None:
    if record.code is not None:
        part["code"] = record.code
        part["status"] = record.status
    if record.questionnaire is not None:
        part["questionnaire"] = record.questionnaire
        part["answers"] = dict(record.answers)
