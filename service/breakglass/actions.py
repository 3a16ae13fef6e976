"""Break-glass: looking in an emergency without a grant, told to the resident at once, reviewed.

What opens during a session is decided by `consent` at every look; here a session is opened and
closed. Opening asks the very decision that a look would ask, so nothing can be opened that would
open nothing. The notice and the review are written in the transaction of the opening: there is no
session of which the resident was not told.
"""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from consent.conditions import BREAK_GLASS_ACR
from consent.decision import Decision, Permit
from consent.vocabulary import Text
from service.breakglass import store
from service.breakglass.store import Review
from service.emergencies import actions as emergencies
from service.emergencies.actions import Session
from service.grants import gate, past, standing
from service.identity import store as identity
from service.identity.caller import Caller
from service.keys.vault import Vault
from service.kit.errors import (
    Conflict,
    Fault,
    Invalid,
    NotFound,
    Refused,
    ServiceError,
    StepUpRequired,
)
from service.kit.ids import new_id
from service.notices import actions as notices
from service.notices import words
from service.residents import store as residents

OUTCOMES = {"justified": words.EMERGENCY_JUSTIFIED, "unjustified": words.EMERGENCY_UNJUSTIFIED}
NEEDS_ACR = "break-glass-needs-acr"
NEEDS_STEP_UP = "break-glass-needs-step-up"
ALREADY_OPEN = Text(
    "您对这位居民的紧急访问已经开启。", "You have already opened this record for an emergency."
)
NO_REVIEW = Text("没有这项待审查的紧急访问。", "There is no such review to be closed.")
NO_OUTCOME = Text(
    "结论只能是 justified 或 unjustified。", "The outcome is justified or unjustified."
)
NO_REVIEWER = Text("审查人姓名应为 1 至 100 个字符。", "A reviewer's name has 1 to 100 characters.")


def foreseen(
    conn: Connection, vault: Vault, *, caller: Caller, subject: UUID, now: datetime
) -> Decision:
    """What would be decided if the session were opened now, on all classes; opens nothing."""
    decision = gate.admit_emergency(
        conn,
        vault,
        actor=caller.actor,
        subject=subject,
        now=now,
        imagined=True,
        stepped_up=caller.stepped_up(now),
    )
    return replace(decision, classes=frozenset())


def refusal(decision: Decision, *, caller: Caller, now: datetime) -> ServiceError | None:
    """Why the session may not be opened; None when it may.

    A weak or old sign-in is told before anything about the subject, and nobody and somebody erased
    look alike. A practitioner who proved themselves twice and gave a reason is told the rule of
    anybody else who exists (ADR 0012).
    """
    if caller.actor.acr < BREAK_GLASS_ACR:
        return Refused(NEEDS_ACR, gate.sentence(NEEDS_ACR))
    if not caller.stepped_up(now):
        return StepUpRequired(gate.sentence(NEEDS_STEP_UP))
    if decision.allow:
        return None
    if decision.rule in {"erased", "unknown-subject"}:
        return NotFound()
    return Refused(decision.rule, decision.sentence)


def open_(
    conn: Connection, vault: Vault, *, caller: Caller, subject: UUID, reason: str, now: datetime
) -> Session:
    """Open a session that `refusal` does not refuse, tell the resident, and ask for a review."""
    # The row of the resident is held from here on: two openings at once find each other.
    residents.bump_consent(conn, subject)
    # And what the resident ended or refused at the same moment is known here at the latest.
    settled = foreseen(conn, vault, caller=caller, subject=subject, now=now)
    late = refusal(settled, caller=caller, now=now)
    if late is not None:
        raise late
    practitioner = caller.id
    before = emergencies.of_pair(conn, vault, subject, practitioner)
    if before is not None:
        if before.runs(now):
            raise Conflict(ALREADY_OPEN, code="emergency-open")
        emergencies.close(conn, vault, before, by="over", now=now)
    session = emergencies.begin(
        conn,
        vault,
        resident=subject,
        practitioner=practitioner,
        clinic=_clinic(conn, practitioner),
        reason=reason,
        now=now,
    )
    notices.tell(
        conn,
        vault,
        subject,
        kind=words.EMERGENCY_OPENED,
        about=session.id,
        facts={**_who(conn, practitioner), "reason": reason},
        now=now,
    )
    store.add(conn, Review(new_id(), session.id, subject, practitioner, now))
    return session


def close_own(
    conn: Connection, vault: Vault, *, practitioner: UUID, subject: UUID, now: datetime
) -> Session:
    """The practitioner ends their own session; `NotFound` when none is open."""
    known = standing.is_active(conn, subject)
    if not known or emergencies.of_pair(conn, vault, subject, practitioner) is None:
        raise NotFound
    # Behind the row of the resident it is read anew: what they ended meanwhile is theirs.
    residents.bump_consent(conn, subject)
    session = emergencies.of_pair(conn, vault, subject, practitioner)
    if session is None:
        raise NotFound
    closed = emergencies.close(conn, vault, session, by="doctor", now=now)
    vault.forget(subject)
    return closed


def close(
    conn: Connection, vault: Vault, permit: Permit, session: UUID, *, now: datetime
) -> Session:
    """The resident ends a session on themselves, from the next request on.

    From then on neither its practitioner nor their clinic opens another for a day, whether or not
    the practitioner had closed it first.
    """
    residents.bump_consent(conn, permit.subject)
    found = emergencies.one(conn, vault, permit.subject, session)
    if found is None:
        raise NotFound
    closed = emergencies.close(conn, vault, found, by="resident", now=now)
    vault.forget(permit.subject)
    if closed.ended_at is not None:
        return closed
    return emergencies.note_ended(conn, vault, closed, now)


def allow(conn: Connection, vault: Vault, permit: Permit, *, allowed: bool, now: datetime) -> bool:
    """Whether anybody may look in an emergency; saying no ends every open session at once.

    Saying yes also ends the rest of those whose sessions the resident ended.
    """
    revision = residents.set_emergency_refused(conn, permit.subject, not allowed)
    past.note_mode(
        conn,
        vault,
        permit.subject,
        past.EMERGENCY_REFUSED,
        not allowed,
        at=now,
        order=revision,
    )
    if allowed:
        for session in emergencies.ended(conn, vault, permit.subject):
            emergencies.note_ended(conn, vault, session, None)
    else:
        for session in emergencies.open_of(conn, vault, permit.subject):
            emergencies.close(conn, vault, session, by="refused", now=now)
    vault.forget(permit.subject)
    return allowed


def close_review(
    conn: Connection,
    vault: Vault,
    review: UUID,
    *,
    outcome: str,
    reviewer: str,
    now: datetime,
) -> Review:
    """Close a review with its outcome and tell the resident, unless they have left."""
    reviewer = reviewer.strip()
    faults = []
    if outcome not in OUTCOMES:
        faults.append(Fault("/outcome", "unknown-choice", NO_OUTCOME))
    if not 1 <= len(reviewer) <= 100:
        faults.append(Fault("/by", "wrong-length", NO_REVIEWER))
    if faults:
        raise Invalid(faults)
    closed = store.close(conn, review, outcome=outcome, reviewer=reviewer, now=now)
    if closed is None:
        raise NotFound(NO_REVIEW)
    if standing.is_active(conn, closed.resident_id):
        _tell_outcome(conn, vault, closed, now)
    return closed


def _tell_outcome(conn: Connection, vault: Vault, review: Review, now: datetime) -> None:
    notices.tell(
        conn,
        vault,
        review.resident_id,
        kind=OUTCOMES[review.outcome or ""],
        about=review.session_id,
        facts=_who(conn, review.practitioner_id),
        now=now,
    )


def _clinic(conn: Connection, practitioner: UUID) -> str | None:
    known = identity.practitioner(conn, practitioner)
    return str(known.clinic_id) if known and known.clinic_id else None


def _who(conn: Connection, practitioner: UUID) -> dict[str, str]:
    known = identity.practitioner(conn, practitioner)
    return {"name": known.name if known else "", "clinic": known.clinic if known else ""}
