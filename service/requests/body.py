"""The sealed body of a request for consent, as canonical JSON and back."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from consent.vocabulary import Action, DataClass
from service.keys.vault import Vault
from service.kit.errors import IntegrityBroken
from service.requests import store

FRAME = 1024
"""One size for every request, so that its length does not tell how much is asked for."""

Answer = Literal["accepted", "refused"]


@dataclass(frozen=True, slots=True)
class Request:
    """A practitioner asks a resident to let them use some classes; `grant` is what came of it."""

    id: UUID
    resident: UUID
    practitioner: UUID
    data_classes: frozenset[DataClass]
    actions: frozenset[Action]
    asked_at: datetime
    answer: Answer | None = None
    answered_at: datetime | None = None
    grant: UUID | None = None
    version: int = 1

    @property
    def status(self) -> Literal["pending", "accepted", "refused"]:
        return self.answer or "pending"


def sealed(vault: Vault, request: Request) -> store.RequestRow:
    body = {
        "practitioner": str(request.practitioner),
        "classes": sorted(request.data_classes),
        "actions": sorted(request.actions),
        "asked_at": request.asked_at.isoformat(),
        "answer": request.answer,
        "answered_at": None if request.answered_at is None else request.answered_at.isoformat(),
        "grant": None if request.grant is None else str(request.grant),
    }
    text = json.dumps(body, separators=(",", ":"), sort_keys=True).encode()
    place = store.place(request.resident, request.id, request.version)
    return store.RequestRow(
        request.resident,
        request.id,
        request.practitioner,
        request.answer is None,
        request.version,
        vault.seal_policy(request.resident, place, text, frame=FRAME).data,
    )


def opened(vault: Vault, row: store.RequestRow) -> Request:
    """Open one row; clear columns that disagree with the sealed body are `IntegrityBroken`."""
    body = json.loads(vault.open_policy(row.sealed))
    practitioner, answer = UUID(body["practitioner"]), body["answer"]
    if (practitioner, answer is None) != (row.practitioner_id, row.pending):
        raise IntegrityBroken
    answered_at, grant = body["answered_at"], body["grant"]
    return Request(
        row.request_id,
        row.resident_id,
        practitioner,
        frozenset(map(DataClass, body["classes"])),
        frozenset(map(Action, body["actions"])),
        datetime.fromisoformat(body["asked_at"]),
        answer,
        None if answered_at is None else datetime.fromisoformat(answered_at),
        None if grant is None else UUID(grant),
        row.version,
    )
