"""Between a record and its sealed parts: split by data class, sealed at its place, and back."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from consent.decision import Permit, Window
from consent.vocabulary import DataClass
from service.domain.vocabulary.records import Record, canonical_json, join, split
from service.keys.vault import Vault
from service.kit.clock import CITY_ZONE, city_day
from service.kit.sealed import Place, Sealed
from service.records.store import Part


def record_day(start: datetime) -> date:
    """The day a record is filed under.

    Always the city's day, wherever its owner lives: days then rise with the instant, and paging by
    day and instant never jumps when somebody moves to another zone.
    """
    return city_day(start, CITY_ZONE)


def texts_of(record: Record) -> dict[DataClass, bytes]:
    """What is sealed of a record, class by class, in the one spelling that compares equal."""
    return {data_class: canonical_json(part) for data_class, part in split(record).items()}


def seal(
    vault: Vault,
    permit: Permit,
    record_key: bytes,
    day: int,
    texts: Mapping[DataClass, bytes],
    rev: int,
    spare: Mapping[DataClass, int],
) -> list[Part]:
    """All parts of one record at revision `rev`, each padded as if it were `spare` bytes longer."""
    parts = []
    for data_class, text in texts.items():
        tag = vault.class_tag(permit.subject, data_class)
        bare = Part(record_key, tag, day, rev, False, b"")
        place = place_of(permit.subject, bare)
        sealed = vault.seal(permit, data_class, place, text, spare=spare.get(data_class, 0))
        parts.append(bare._replace(sealed=sealed.data))
    return parts


def open_text(vault: Vault, permit: Permit, part: Part) -> bytes:
    return vault.open(Sealed(part.sealed, place_of(permit.subject, part)), permit)


def place_of(resident: UUID, part: Part) -> Place:
    """Where a part is sealed: its owner, record, day, class and revision."""
    key, tag = part.record_key, part.class_tag
    return Place("record_parts", "sealed", resident, key, part.day, tag, revision=part.rev)


def open_record(vault: Vault, permit: Permit, parts: Iterable[Part]) -> Record:
    """One record from those of its parts that the permit may open."""
    return open_records(vault, permit, [list(parts)])[0]


def open_records(vault: Vault, permit: Permit, records: Iterable[Sequence[Part]]) -> list[Record]:
    """As `open_record` for the parts of each, in order; all of them are opened at once."""
    subject, rows = permit.subject, list(records)
    sealed = [Sealed(part.sealed, place_of(subject, part)) for parts in rows for part in parts]
    texts = iter(vault.open_many(sealed, permit))
    return [record_of([next(texts) for _ in parts]) for parts in rows]


def record_of(texts: Iterable[bytes]) -> Record:
    """One record from its opened parts."""
    return join([_document(text) for text in texts])


def _document(text: bytes) -> dict[str, Any]:
    # The parser would look for the encoding of octets, which is known.
    found: dict[str, Any] = json.loads(text.decode())
    return found


def tags_of(vault: Vault, permit: Permit) -> dict[bytes, DataClass]:
    """The class tags of this resident that the permit covers."""
    return {
        vault.class_tag(permit.subject, data_class): data_class for data_class in permit.classes
    }


def within(window: Window | None, start: datetime) -> bool:
    """Whether a permit's window of observation days reaches an instant."""
    if window is None:
        return True
    day = record_day(start)
    return not (
        (window.first is not None and day < window.first)
        or (window.last is not None and day > window.last)
    )
