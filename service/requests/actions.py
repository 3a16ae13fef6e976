"""Asking a resident for consent: once, and after a no not again for ninety days.

Withdrawing is as easy as giving and is never followed by repeated asking: a refusal, and just as
much a withdrawal of anything the asker held (by name, by clinic or by role), begins a rest in which
the same practitioner cannot ask this resident. Asking in a loop never makes a second question.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import Connection

from consent.decision import Permit
from consent.request import Actor
from consent.vocabulary import Action, DataClass, Language, Purpose, Text
from service.grants import actions as grants
from service.grants import gate, standing, wishes
from service.grants.body import Kept
from service.grants.terms import Offer, check
from service.identity import store as identity
from service.keys.vault import Vault
from service.kit import caps
from service.kit.errors import Conflict, NotFound, Refused
from service.kit.ids import new_id
from service.notices import actions as notices
from service.notices import words
from service.requests import body, store
from service.requests.body import Request

REST = timedelta(days=90)
RULE = "cool-down"
RESTING = Text(
    "居民已拒绝或撤回，九十天内不能再次请求。",
    "The resident refused or withdrew; they are not asked again for ninety days.",
)
LEAVE_IT = Text(
    "请勿再问；居民随时可以自己授权。",
    "Leave it at that; the resident can give a grant by themselves at any time.",
)
ALREADY_ANSWERED = Text("这项请求已有答复。", "This request has been answered.")


def ask(
    conn: Connection,
    vault: Vault,
    *,
    actor: Actor,
    subject: UUID,
    data_classes: Sequence[str],
    actions: Sequence[str] | None,
    now: datetime,
) -> Request:
    """Ask for a care grant. While a question is open it is the answer, whatever is asked anew.

    `NotFound` for somebody who neither knows the asker nor ever held up a code to them, `Refused`
    during the rest after a no, and where the resident shut the asker out expressly. `Conflict`
    where too many others wait for an answer of theirs.
    """
    practitioner = UUID(actor.id)
    terms = check(_offer(practitioner, data_classes, actions), now=now)
    if not standing.is_active(conn, subject):
        raise NotFound
    met = store.introduced(conn, subject, practitioner)
    if not met and not standing.related(conn, vault, actor, subject):
        raise NotFound
    for request in _between(conn, vault, subject, practitioner):
        if request.answer is None:
            return request
    asked = Request(new_id(), subject, practitioner, terms.data_classes, terms.actions, now)
    if not store.add(conn, body.sealed(vault, asked)):
        # Another request of the same moment was first; its question is the one.
        return ask(
            conn,
            vault,
            actor=actor,
            subject=subject,
            data_classes=data_classes,
            actions=actions,
            now=now,
        )
    # Judged once the question stands, and undone with it: a no that was said until this moment is
    # known, and whoever says it later finds the question there.
    before = _between(conn, vault, subject, practitioner)
    _require_welcome(conn, vault, actor, subject, before, terms.data_classes, now)
    caps.require("requests", store.waiting(conn, subject) - 1)
    _tell(conn, vault, asked, now)
    return asked


def every(conn: Connection, vault: Vault, permit: Permit) -> list[Request]:
    """Everything the permit's subject was ever asked, newest first."""
    found = [body.opened(vault, row) for row in store.of_resident(conn, permit.subject)]
    return sorted(found, key=lambda one: (one.asked_at, one.id), reverse=True)


def accept(
    conn: Connection,
    vault: Vault,
    permit: Permit,
    request: UUID,
    *,
    separate_consent: Literal[True] | Sequence[str],
    now: datetime,
    stepped_up: bool,
    language: Language,
) -> tuple[Request, Kept]:
    """Give what was asked for. Sensitive classes are agreed to one by one, as in any grant."""
    asked = _open(conn, vault, permit, request)
    offer = _offer(
        asked.practitioner, sorted(asked.data_classes), sorted(asked.actions), separate_consent
    )
    kept = grants.give(
        conn, vault, permit, offer=offer, now=now, stepped_up=stepped_up, language=language
    )
    answered = replace(
        asked, answer="accepted", answered_at=now, grant=kept.grant.id, version=asked.version + 1
    )
    store.replace(conn, body.sealed(vault, answered))
    return answered, kept


def refuse(
    conn: Connection, vault: Vault, permit: Permit, request: UUID, *, now: datetime
) -> Request:
    """Say no; refusing twice is refusing once."""
    asked = _one(conn, vault, permit, request)
    if asked.answer == "refused":
        return asked
    asked = _open(conn, vault, permit, request)
    refused = replace(asked, answer="refused", answered_at=now, version=asked.version + 1)
    store.replace(conn, body.sealed(vault, refused))
    return refused


def _between(conn: Connection, vault: Vault, subject: UUID, practitioner: UUID) -> list[Request]:
    """Everything this practitioner ever asked of this resident."""
    return [body.opened(vault, row) for row in store.between(conn, subject, practitioner)]


def _require_welcome(
    conn: Connection,
    vault: Vault,
    actor: Actor,
    subject: UUID,
    before: Sequence[Request],
    classes: frozenset[DataClass],
    now: datetime,
) -> None:
    noes = [one.answered_at for one in before if one.answer == "refused"]
    noes += wishes.withdrawals(conn, vault, actor, subject)
    if any(no is not None and now < no + REST for no in noes):
        raise Refused(RULE, RESTING, LEAVE_IT)
    decision = gate.admit(
        conn,
        vault,
        actor=actor,
        subject=subject,
        purpose=Purpose.CARE,
        action=Action.READ,
        classes=classes,
        now=now,
    )
    if not decision.allow and decision.rule in {"deny-all", "explicit-deny"}:
        raise Refused(decision.rule, decision.sentence)


def _tell(conn: Connection, vault: Vault, asked: Request, now: datetime) -> None:
    doctor = identity.practitioner(conn, asked.practitioner)
    notices.tell(
        conn,
        vault,
        asked.resident,
        kind=words.CONSENT_ASKED,
        about=asked.id,
        facts={
            "name": doctor.name if doctor else "",
            "clinic": doctor.clinic if doctor else "",
        },
        now=now,
    )


def _one(conn: Connection, vault: Vault, permit: Permit, request: UUID) -> Request:
    row = store.one(conn, permit.subject, request)
    if row is None:
        raise NotFound
    return body.opened(vault, row)


def _open(conn: Connection, vault: Vault, permit: Permit, request: UUID) -> Request:
    asked = _one(conn, vault, permit, request)
    if asked.answer is not None:
        raise Conflict(ALREADY_ANSWERED, code="already-answered")
    return asked


def _offer(
    practitioner: UUID,
    data_classes: Sequence[str],
    actions: Sequence[str] | None,
    separate_consent: Literal[True] | Sequence[str] = True,
) -> Offer:
    return Offer(
        "practitioner",
        str(practitioner),
        [Purpose.CARE.value],
        data_classes,
        actions,
        separate_consent=separate_consent,
    )
