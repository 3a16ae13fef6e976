"""The sealed body of a grant: a `Grant` and its history, as canonical JSON and back."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar
from uuid import UUID

from consent.grant import Grant, Grantee, Notice
from consent.receipt import EventType
from consent.vocabulary import Action, DataClass, GranteeKind, Purpose
from service.grants import store
from service.grants.notices import outdated_from
from service.grants.tables import ACTIVE, WITHDRAWN
from service.keys.vault import Vault
from service.kit.errors import IntegrityBroken

Word = TypeVar("Word")
# A panel reads thousands of grants, and a look-up here is a tenth of a call of the enumeration.
_PURPOSES: Mapping[str, Purpose] = {word.value: word for word in Purpose}
_CLASSES: Mapping[str, DataClass] = {word.value: word for word in DataClass}
_ACTIONS: Mapping[str, Action] = {word.value: word for word in Action}


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a grant; receipts list them."""

    what: EventType
    at: datetime
    by: str | None = None
    """Id of the resident who did it, the guardian for a child; None in rows older than this."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A grant as it is stored: the terms, the contract it came from, and what happened to it."""

    grant: Grant
    contract: UUID | None
    events: tuple[Event, ...]

    @property
    def withdrawn(self) -> bool:
        return self.grant.withdrawn_at is not None


def opened(vault: Vault, row: store.GrantRow) -> Kept:
    """Open one row; clear columns that disagree with the sealed body are `IntegrityBroken`."""
    kept = decode(row.grant_id, row.version, json.loads(vault.open_policy(row.sealed)))
    grantee = kept.grant.grantee
    clear = (row.grantee_kind, row.grantee_id, row.status)
    if (grantee.kind.value, grantee.id, _status(kept)) != clear:
        raise IntegrityBroken
    return kept


def sealed(vault: Vault, resident: UUID, kept: Kept) -> store.GrantRow:
    """The row of a grant, at the version the grant carries."""
    grant = kept.grant
    place = store.place(resident, grant.id, grant.version)
    return store.GrantRow(
        resident,
        grant.id,
        grant.grantee.kind.value,
        grant.grantee.id,
        _status(kept),
        grant.version,
        vault.seal_policy(resident, place, _text_of(encode(kept))).data,
    )


def _status(kept: Kept) -> str:
    return WITHDRAWN if kept.withdrawn else ACTIVE


def encode(kept: Kept) -> dict[str, Any]:
    """Everything about a grant but its id and version, as plain JSON members."""
    grant = kept.grant
    return {
        "grantee": [grant.grantee.kind.value, grant.grantee.id],
        "purposes": sorted(grant.purposes),
        "classes": sorted(grant.data_classes),
        "actions": sorted(grant.actions),
        "observations": [_text(grant.observations_from), _text(grant.observations_to)],
        "valid": [_text(grant.valid_from), _text(grant.valid_until)],
        "separate": sorted(grant.separate_consent),
        "uses_left": grant.uses_left,
        "deny": grant.deny,
        "notice": _notice_fields(grant.notice),
        "withdrawn_at": _text(grant.withdrawn_at),
        "basis": grant.basis,
        "contract": None if kept.contract is None else str(kept.contract),
        "events": [[event.what, event.at.isoformat(), event.by] for event in kept.events],
    }


def _text_of(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":"), sort_keys=True).encode()


def decode(grant_id: UUID, version: int, body: Mapping[str, Any]) -> Kept:
    """The grant that `encode` made the members of."""
    kind, grantee_id = body["grantee"]
    first, last = body["observations"]
    valid_from, valid_until = body["valid"]
    notice = None if body["notice"] is None else Notice(*body["notice"])
    grant = Grant(
        id=grant_id,
        version=version,
        grantee=Grantee(GranteeKind(kind), grantee_id),
        purposes=_words(_PURPOSES, body["purposes"]),
        data_classes=_words(_CLASSES, body["classes"]),
        actions=_words(_ACTIONS, body["actions"]),
        observations_from=_day(first),
        observations_to=_day(last),
        valid_from=datetime.fromisoformat(valid_from),
        valid_until=_moment(valid_until),
        separate_consent=_words(_CLASSES, body["separate"]),
        uses_left=body["uses_left"],
        deny=body["deny"],
        notice=notice,
        withdrawn_at=_moment(body["withdrawn_at"]),
        basis=body["basis"],
        # Not stored: a notice that is published later must end grants that were given before.
        outdated_from=outdated_from(notice),
    )
    contract = None if body["contract"] is None else UUID(body["contract"])
    events = tuple(Event(what, datetime.fromisoformat(at), *by) for what, at, *by in body["events"])
    return Kept(grant, contract, events)


def _words(known: Mapping[str, Word], texts: Iterable[str]) -> frozenset[Word]:
    return frozenset([known[text] for text in texts])


def _notice_fields(notice: Notice | None) -> list[str] | None:
    if notice is None:
        return None
    return [notice.id, notice.version, notice.language, notice.sha256]


def _text(value: date | datetime | None) -> str | None:
    return None if value is None else value.isoformat()


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
