"""Consent receipts: what the resident agreed to, in the fields of ISO/IEC TS 27560:2023.

Only the claims are made here; the service signs them. Every mandatory field is present or no
receipt is made. The field lists follow the W3C DPV guide to the specification (its mandatory
metadata, processing, personal data, party and event fields). `clients/verifiers/receipt.py` checks
them again without this module.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal
from uuid import UUID

from consent.grant import Grant, Notice
from consent.vocabulary import CLASSES, PURPOSES, DataClass, Language, Text

SCHEMA_VERSION = "ISO/IEC TS 27560:2023"

MANDATORY: Mapping[str, tuple[str, ...]] = {
    "header": ("schema_version", "record_id", "receipt_id", "pii_principal_id"),
    "processing": (
        "privacy_notice",
        "language",
        "purposes",
        "pii_information",
        "pii_controllers",
        "storage_locations",
        "retention_period",
        "jurisdiction",
        "recipient_third_parties",
        "withdrawal_method",
    ),
    "parties": ("party_id", "party_address", "party_name", "party_contact", "party_type"),
    "events": ("event_time", "validity_duration", "entity_id", "event_type", "event_state"),
}
"""The four sections and their mandatory fields. Each party and each event has all of its own."""

NESTED: Mapping[str, tuple[str, ...]] = {
    "privacy_notice": ("id", "version", "language", "sha256"),
    "purposes": ("purpose", "name"),
    "pii_information": ("pii_type", "name"),
}
"""Mandatory inside the processing section: what was read, what for, and each kind of data."""

EventType = Literal["given", "changed", "renewed", "withdrawn"]
PartyType = Literal["controller", "recipient"]


class ReceiptIncomplete(ValueError):
    """A mandatory field has nothing in it. `fields` names them as `section.field`."""

    def __init__(self, fields: list[str]) -> None:
        super().__init__("no value for " + ", ".join(fields))
        self.fields = fields


@dataclass(frozen=True, slots=True)
class Party:
    """A controller or a recipient, as people can find and reach it."""

    id: str
    name: str
    address: str
    contact: str
    type: PartyType


@dataclass(frozen=True, slots=True)
class Terms:
    """What the deployment promises with every grant.

    `retention_period` says in words how long the data are kept: until an event, so no duration
    would be true (DPV's `UntilEventDuration`). `jurisdiction` is an ISO 3166 code.
    """

    controller: Party
    storage_locations: tuple[str, ...]
    retention_period: Text
    jurisdiction: str
    withdrawal_method: Text
    collection_method: Text
    rights: Text


@dataclass(frozen=True, slots=True)
class ConsentEvent:
    """Something that happened to the grant, and who did it (the resident, or a guardian)."""

    type: EventType
    at: datetime
    by: str


def receipt_claims(
    *,
    receipt_id: UUID,
    subject: UUID,
    grant: Grant,
    recipient: Party,
    terms: Terms,
    events: tuple[ConsentEvent, ...],
    language: Language,
) -> dict[str, Any]:
    """The claims of a receipt, ready for JSON, the same for the same arguments.

    `events` are all events of the grant, oldest first; the last is the one receipted. Raises
    ReceiptIncomplete when the grant has no notice or a party cannot be reached.
    """
    claims: dict[str, Any] = {
        "header": {
            "schema_version": SCHEMA_VERSION,
            # The record is the grant through all its versions; each receipt of it is another.
            "record_id": str(grant.id),
            "receipt_id": str(receipt_id),
            "pii_principal_id": str(subject),
        },
        "processing": _processing(grant, recipient, terms, language),
        "parties": [_party(terms.controller), _party(recipient)],
        "events": [_event(event, grant) for event in events],
    }
    if missing := missing_fields(claims):
        raise ReceiptIncomplete(missing)
    return claims


def missing_fields(claims: Mapping[str, Any]) -> list[str]:
    """Mandatory fields that are absent or empty, as `section.field`."""
    processing = claims.get("processing") or {}
    missing = []
    for section, fields in MANDATORY.items():
        missing += _missing(section, claims.get(section), fields)
    for section, fields in NESTED.items():
        # One that is absent altogether is named once, as a field of its section.
        if processing.get(section) not in _NOTHING:
            missing += _missing(f"processing.{section}", processing[section], fields)
    return list(dict.fromkeys(missing))


def _missing(section: str, found: Any, fields: tuple[str, ...]) -> list[str]:
    parts = found if isinstance(found, list) and found else [found]
    return [
        f"{section}.{name}"
        for part in parts
        for name in fields
        if not isinstance(part, Mapping) or part.get(name) in _NOTHING
    ]


_NOTHING: tuple[object, ...] = (None, "", [], {})


def _processing(grant: Grant, recipient: Party, terms: Terms, language: Language) -> dict[str, Any]:
    return {
        "grant_id": str(grant.id),
        "grant_version": grant.version,
        "privacy_notice": _notice(grant.notice),
        "language": language,
        "purposes": [
            {"purpose": str(purpose), "name": PURPOSES[purpose].in_(language)}
            for purpose in sorted(grant.purposes)
        ],
        "actions": [str(action) for action in sorted(grant.actions)],
        "pii_information": [
            _class(data_class, grant, language) for data_class in sorted(grant.data_classes)
        ],
        "observations": {
            "from": _day(grant.observations_from),
            "to": _day(grant.observations_to),
        },
        "pii_controllers": [terms.controller.id],
        "collection_method": terms.collection_method.in_(language),
        "processing_locations": list(terms.storage_locations),
        "privacy_rights": terms.rights.in_(language),
        "storage_locations": list(terms.storage_locations),
        "retention_period": terms.retention_period.in_(language),
        "jurisdiction": terms.jurisdiction,
        "recipient_third_parties": [recipient.id],
        "withdrawal_method": terms.withdrawal_method.in_(language),
        "lawful_basis": "consent",
    }


def _notice(notice: Notice | None) -> dict[str, str] | None:
    if notice is None:
        return None
    return {
        "id": notice.id,
        "version": notice.version,
        "language": notice.language,
        "sha256": notice.sha256,
    }


def _class(data_class: DataClass, grant: Grant, language: Language) -> dict[str, Any]:
    traits = CLASSES[data_class]
    return {
        "pii_type": str(data_class),
        "name": traits.name.in_(language),
        "grade": traits.grade,
        "sensitive": traits.separate_consent,
        "sensitive_pii_category": traits.name.in_(language) if traits.separate_consent else None,
        "separate_consent": data_class in grant.separate_consent,
    }


def _party(party: Party) -> dict[str, str]:
    return {
        "party_id": party.id,
        "party_address": party.address,
        "party_name": party.name,
        "party_contact": party.contact,
        "party_type": party.type,
    }


_STATE_AFTER: Mapping[EventType, str] = {
    "given": "active",
    "changed": "active",
    "renewed": "active",
    "withdrawn": "withdrawn",
}


def _event(event: ConsentEvent, grant: Grant) -> dict[str, str]:
    until = ".." if grant.valid_until is None else _instant(grant.valid_until)
    return {
        "event_time": _instant(event.at),
        # An ISO 8601 interval; two dots stand for an open end (ISO 8601-2).
        "validity_duration": f"{_instant(grant.valid_from)}/{until}",
        "entity_id": event.by,
        "event_type": event.type,
        "event_state": _STATE_AFTER[event.type],
    }


def _instant(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
