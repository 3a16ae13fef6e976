"""What a batch of records would change, worked out before anything is locked or written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from consent.decision import Permit
from consent.vocabulary import DataClass, Text
from service.domain.vocabulary.faults import source_of_staff
from service.domain.vocabulary.record import STAFF_SOURCES
from service.domain.vocabulary.records import Record
from service.keys.vault import Vault
from service.kit.errors import Fault
from service.records import parts
from service.records.store import Part

Status = Literal["created", "updated", "unchanged", "rejected"]

DELETED = Text(
    "这条记录已被删除，其编号不再使用。", "This record was deleted and its id is not used again."
)
BEYOND = Text(
    "这条记录含有您无权写入的数据分类。", "The record has a class of data you may not write."
)
OTHERS = Text(
    "该编号的记录已存在，只有居民本人可以修改。",
    "A record with this id is there, and only the resident changes it.",
)


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to one record, for whoever keeps something derived from records."""

    key: bytes
    classes: frozenset[DataClass]
    """Classes it had before or has now."""
    record: Record | None
    """The record as it is now; None when it is gone."""
    fresh: bool
    """True when there was no such record before."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one entry, in the order of the entries."""

    id: UUID | None
    status: Status
    rev: int | None = None
    code: str | None = None
    faults: tuple[Fault, ...] = ()
    change: Change | None = None


@dataclass(slots=True)
class Known:
    """One record as it stands while a batch is worked through."""

    texts: Mapping[DataClass, bytes] = field(default_factory=dict)
    rev: int | None = None
    """None while it is written by this very batch."""
    stored: bool = False
    deleted: bool = False
    foreign: bool = False
    """It has a part in a class that the permit does not cover."""


@dataclass(frozen=True, slots=True)
class Write:
    """A record to store. `replaces`: there are older parts to take away."""

    record: Record
    texts: Mapping[DataClass, bytes]
    replaces: bool


@dataclass(slots=True)
class Plan:
    """Takes records one after the other; later entries of a batch see the earlier ones."""

    vault: Vault
    permit: Permit
    rows: Mapping[bytes, Sequence[Part]]
    writes: dict[bytes, Write] = field(default_factory=dict)
    _known: dict[bytes, Known] = field(default_factory=dict)

    def take(self, record: Record, key: bytes) -> Result:
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = known_from(self.vault, self.permit, self.rows.get(key, ()))
        if known.deleted:
            return Result(record.id, "rejected", code="deleted", faults=(_fault(DELETED),))
        texts = parts.texts_of(record)
        if known.foreign or not self.permit.classes.issuperset(texts):
            return Result(record.id, "rejected", code="not-permitted", faults=(_fault(BEYOND),))
        if known.texts == texts:
            return Result(record.id, "unchanged", known.rev)
        if self.permit.owner and record.source.kind in STAFF_SOURCES:
            # Sent back as it stands it was `unchanged`; an owner's own words are never a doctor's.
            return Result(record.id, "rejected", code="invalid", faults=(source_of_staff(),))
        there = bool(known.texts)
        if there and not self.permit.owner:
            # Whoever may add to somebody's file may not rewrite what is in it.
            return Result(record.id, "rejected", code="not-permitted", faults=(_fault(OTHERS),))
        change = Change(key, frozenset({*known.texts, *texts}), record, not known.stored)
        known.texts, known.rev = texts, None
        self.writes[key] = Write(record, texts, known.stored)
        return Result(record.id, "updated" if there else "created", change=change)


def known_from(vault: Vault, permit: Permit, rows: Sequence[Part]) -> Known:
    """What is stored of one record, opened as far as the permit reaches."""
    if not rows:
        return Known()
    if any(row.deleted for row in rows):
        return Known(rev=rows[0].rev, stored=True, deleted=True)
    tags = parts.tags_of(vault, permit)
    texts = {
        tags[row.class_tag]: parts.open_text(vault, permit, row)
        for row in rows
        if row.class_tag in tags
    }
    return Known(texts, rows[0].rev, stored=True, foreign=len(texts) < len(rows))


def _fault(detail: Text) -> Fault:
    code = "deleted" if detail is DELETED else "not-permitted"
    return Fault("/id", code, detail)
