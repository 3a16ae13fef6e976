"""Giving, changing and withdrawing consent. Every change bumps the consent revision, so that
permits made before it open nothing from the next statement on."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Connection

from consent.decision import Permit
from consent.grant import BY_RESIDENT, Grant, Notice
from consent.vocabulary import DataClass, GranteeKind, Language, Text
from service.clinics import store as clinics
from service.clinics.actions import ROLES
from service.grants import body, past, store
from service.grants.body import Event, Kept
from service.grants.notices import notice_for
from service.grants.terms import STRANGE_GRANTEE, Offer, Terms, check
from service.identity import store as identity
from service.keys.vault import Vault
from service.kit import caps
from service.kit.errors import Conflict, Fault, Invalid, NotFound, StepUpRequired
from service.kit.ids import new_id
from service.residents import store as residents

STEP_UP_GRADE = 5
"""Classes of this grade are granted only shortly after a sign-in (sealing.md section 5)."""
ALREADY_WITHDRAWN = Text("授权已撤回。", "This grant has been withdrawn.")


def give(
    conn: Connection,
    vault: Vault,
    permit: Permit,
    *,
    offer: Offer,
    now: datetime,
    stepped_up: bool = False,
    language: Language = "zh",
) -> Kept:
    """Keep a new grant of the permit's subject; `Conflict` where there are too many.

    One that closes is kept however many are in force.
    """
    terms = check(offer, now=now)
    require_grantee(conn, terms)
    _require_fresh(terms, stepped_up)
    residents.bump_consent(conn, permit.subject)
    if not terms.deny:
        caps.require("grants", store.active_of(conn, permit.subject))
    return keep(conn, vault, permit, terms=terms, now=now, language=language)


def keep(
    conn: Connection,
    vault: Vault,
    permit: Permit,
    *,
    terms: Terms,
    now: datetime,
    language: Language,
    basis: str = BY_RESIDENT,
    contract: UUID | None = None,
) -> Kept:
    """Store checked terms as version 1 of a grant. The caller has bumped the consent revision.

    `Conflict` where as many are kept, withdrawn ones included, as can be.
    """
    caps.require("grants-kept", store.kept_of(conn, permit.subject))
    kept = Kept(
        terms.as_grant(new_id(), version=1, notice=_notice(terms, language), basis=basis),
        contract,
        (Event("given", now, permit.actor.id),),
    )
    store.add(conn, body.sealed(vault, permit.subject, kept))
    past.note_grant(conn, vault, permit.subject, kept, at=now)
    return kept


def change(
    conn: Connection,
    vault: Vault,
    permit: Permit,
    grant_id: UUID,
    *,
    offer: Offer,
    now: datetime,
    stepped_up: bool = False,
    language: Language = "zh",
) -> Kept:
    """Replace the terms of a grant that has not been withdrawn; its grantee stays."""
    residents.bump_consent(conn, permit.subject)
    before = _standing(conn, vault, permit, grant_id)
    terms = check(offer, now=now)
    if terms.grantee != before.grant.grantee:
        raise Invalid([Fault("/grantee", "fixed", STRANGE_GRANTEE)])
    _require_fresh(terms, stepped_up)
    grant = terms.as_grant(
        grant_id,
        version=before.grant.version + 1,
        notice=_notice(terms, language),
        basis=before.grant.basis,
    )
    return _replace(conn, vault, permit, before, grant, "changed", now=now)


def renew(
    conn: Connection,
    vault: Vault,
    permit: Permit,
    grant_id: UUID,
    *,
    now: datetime,
    stepped_up: bool = False,
    language: Language = "zh",
) -> Kept:
    """Agree again, to the same terms under the notice of today; nothing where none is needed."""
    seen = get(conn, vault, permit, grant_id)
    if not seen.withdrawn and seen.grant.outdated_from is None:
        return seen
    residents.bump_consent(conn, permit.subject)
    before = _standing(conn, vault, permit, grant_id)
    if before.grant.outdated_from is None:
        return before
    require_step_up(before.grant.data_classes, stepped_up)
    grant = replace(
        before.grant,
        version=before.grant.version + 1,
        notice=notice_for(before.grant.purposes, language),
        outdated_from=None,
    )
    return _replace(conn, vault, permit, before, grant, "renewed", now=now)


def withdraw(
    conn: Connection, vault: Vault, permit: Permit, grant_id: UUID, *, now: datetime
) -> Kept:
    """End a grant from the next request on. Withdrawing twice is withdrawing once."""
    seen = get(conn, vault, permit, grant_id)
    if seen.withdrawn:
        return seen
    residents.bump_consent(conn, permit.subject)
    return end(conn, vault, permit, grant_id, now=now)


def end(conn: Connection, vault: Vault, permit: Permit, grant_id: UUID, *, now: datetime) -> Kept:
    """Mark a grant as withdrawn, unless it is, and drop the keys that were opened for it.

    The caller has bumped the consent revision.
    """
    kept = _held(conn, vault, permit, grant_id)
    if kept.withdrawn:
        return kept
    grant = replace(kept.grant, version=kept.grant.version + 1, withdrawn_at=now)
    ended = _replace(conn, vault, permit, kept, grant, "withdrawn", now=now)
    vault.forget(permit.subject)
    return ended


def every(conn: Connection, vault: Vault, permit: Permit) -> list[Kept]:
    """All grants of the permit's subject, newest first."""
    kept = [body.opened(vault, row) for row in store.of_resident(conn, permit.subject)]
    return sorted(kept, key=lambda one: (one.events[0].at, one.grant.id), reverse=True)


def get(conn: Connection, vault: Vault, permit: Permit, grant_id: UUID) -> Kept:
    row = store.one(conn, permit.subject, grant_id)
    if row is None:
        raise NotFound
    return body.opened(vault, row)


def shut_out(conn: Connection, vault: Vault, permit: Permit, *, on: bool, now: datetime) -> bool:
    """Turn deny-all mode on or off: while it is on, nobody but the resident may use anything."""
    revision = residents.set_deny_all(conn, permit.subject, on)
    past.note_mode(conn, vault, permit.subject, past.DENY_ALL, on, at=now, order=revision)
    vault.forget(permit.subject)
    return on


def is_shut(conn: Connection, permit: Permit) -> bool:
    """Whether deny-all mode is on."""
    standing = store.standing(conn, permit.subject)
    return standing is not None and standing.deny_all


def require_grantee(conn: Connection, terms: Terms) -> None:
    """`Invalid` unless the grantee exists; the statistics service always does."""
    id, _, role = terms.grantee.id.partition(":")
    match terms.grantee.kind:
        case GranteeKind.PRACTITIONER:
            known = identity.in_office(conn, UUID(id))
        case GranteeKind.CLINIC:
            known = clinics.clinic(conn, UUID(id)) is not None
        case GranteeKind.ROLE:
            known = role in ROLES and clinics.clinic(conn, UUID(id)) is not None
        case _:
            known = True
    if not known:
        raise Invalid([Fault("/grantee/id", "unknown-grantee", STRANGE_GRANTEE)])


def _held(conn: Connection, vault: Vault, permit: Permit, grant_id: UUID) -> Kept:
    """A grant at its newest, which nobody else changes before the commit.

    The caller has bumped the consent revision, which holds the resident's row: whatever was read
    before that may have been withdrawn while the row was waited for. A look that takes a use holds
    the grant and not the resident, so the grant is held as well.
    """
    row = store.locked(conn, permit.subject, grant_id)
    if row is None:
        raise NotFound
    return body.opened(vault, row)


def _standing(conn: Connection, vault: Vault, permit: Permit, grant_id: UUID) -> Kept:
    """As `_held`, of a grant that may still be changed; `Conflict` when it was withdrawn."""
    kept = _held(conn, vault, permit, grant_id)
    if kept.withdrawn:
        raise Conflict(ALREADY_WITHDRAWN, code="already-withdrawn")
    return kept


def _replace(
    conn: Connection,
    vault: Vault,
    permit: Permit,
    before: Kept,
    grant: Grant,
    what: Literal["changed", "renewed", "withdrawn"],
    *,
    now: datetime,
) -> Kept:
    """Put the next version of a grant in the place of the one before, which `_held` gave."""
    after = Kept(grant, before.contract, (*before.events, Event(what, now, permit.actor.id)))
    row = body.sealed(vault, permit.subject, after)
    if not store.replaced(conn, row, version=before.grant.version):
        raise residents.Withdrawn
    past.note_grant(conn, vault, permit.subject, after, at=now)
    return after


def _notice(terms: Terms, language: Language) -> Notice | None:
    """What was read before agreeing; who refuses agrees to nothing."""
    return None if terms.deny else notice_for(terms.purposes, language)


def _require_fresh(terms: Terms, stepped_up: bool) -> None:
    """As `require_step_up`; who refuses needs no fresh sign-in."""
    if not terms.deny:
        require_step_up(terms.data_classes, stepped_up)


def require_step_up(classes: Iterable[DataClass], stepped_up: bool) -> None:
    """`StepUpRequired` when a class of grade 5 is granted without a fresh sign-in."""
    if not stepped_up and any(data_class.grade >= STEP_UP_GRADE for data_class in classes):
        raise StepUpRequired


def shown(kept: Kept, now: datetime) -> Mapping[str, Any]:
    """A grant in the shape of the HTTP contract."""
    grant = kept.grant
    return {
        "id": str(grant.id),
        "grantee": {"kind": grant.grantee.kind.value, "id": grant.grantee.id},
        "purposes": sorted(grant.purposes),
        "data_classes": in_order(grant.data_classes),
        "actions": sorted(grant.actions),
        "observations_from": grant.observations_from,
        "observations_to": grant.observations_to,
        "valid_from": grant.valid_from,
        "valid_until": grant.valid_until,
        "separate_consent": in_order(grant.separate_consent),
        "uses_left": grant.uses_left,
        "deny": grant.deny,
        "status": grant.status(now),
        "notice": None if grant.notice is None else grant.notice.id,
        "notice_version": None if grant.notice is None else grant.notice.version,
        "needs_renewal": grant.outdated_from is not None and grant.withdrawn_at is None,
        "renew_by": grant.outdated_from,
    }


def in_order(classes: Iterable[DataClass]) -> list[str]:
    """Classes in the order of the vocabulary."""
    asked = frozenset(classes)
    return [data_class.value for data_class in DataClass if data_class in asked]
