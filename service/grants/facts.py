"""What a decision needs to know beside the request and the grants, and who it is that asks."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from consent.request import AccessRequest, Actor, Facts
from consent.vocabulary import ActorKind
from service.emergencies import actions as emergencies
from service.grants import askers, store
from service.guardians import actions as guardians
from service.keys.vault import Vault
from service.kit.ids import parse_id

NO_BOND = askers.Bond()
UNKNOWN = Facts(
    subject_status="unknown", revision=0, contract_in_force=False, stepped_up=False, deny_all=False
)
"""Of somebody nobody has heard of."""


def asker_of(conn: Connection, actor: Actor, subject: UUID) -> askers.Asker | None:
    """What the store knows of the asker; None unless it is a practitioner in office."""
    practitioner = practitioner_of(actor)
    return None if practitioner is None else askers.asker(conn, subject, practitioner)


def placed(actor: Actor, asker: askers.Asker | None) -> Actor:
    """The actor with the clinic and the role that the store knows, whatever a caller said."""
    if asker is None or asker.clinic_id is None:
        return Actor(actor.kind, actor.id, actor.acr)
    return Actor(
        actor.kind, actor.id, actor.acr, clinic=str(asker.clinic_id), roles=frozenset({asker.role})
    )


def facts_of(standing: store.Standing, bond: askers.Bond, stepped_up: bool) -> Facts:
    """The facts about a living or an erased resident, as their standing tells them."""
    return Facts(
        subject_status="active" if standing.status == "active" else "erased",
        revision=standing.consent_revision,
        contract_in_force=bond.signed,
        stepped_up=stepped_up,
        deny_all=standing.deny_all,
        clinic_contract=bond.clinic_signed,
        emergency_refused=standing.emergency_refused,
    )


def facts_of_another(
    conn: Connection, vault: Vault, standing: store.Standing, stepped_up: bool
) -> Facts:
    """The facts for a resident who asks about somebody else: who may act for a child."""
    facts = facts_of(standing, NO_BOND, stepped_up)
    minority = guardians.minority(conn, vault, standing.resident_id)
    return replace(facts, guardians=minority.guardians, minor_until=minority.until)


def facts_in_emergency(
    conn: Connection,
    vault: Vault,
    facts: Facts,
    request: AccessRequest,
    *,
    imagined_at: datetime | None,
) -> Facts:
    """The facts with the session of break-glass that is open, or with one imagined to open now.

    Asked for after the standing, whose revision the permit will name: a session that is ended from
    then on raises it, and one that was ended before is not found.
    """
    practitioner, subject = practitioner_of(request.actor), request.subject
    if imagined_at is not None:
        ended = emergencies.ended_by_resident(
            conn, vault, subject, practitioner=practitioner, clinic=request.actor.clinic
        )
        return replace(
            facts, emergency_since=imagined_at, emergency_opening=True, emergency_ended=ended
        )
    if practitioner is None:
        return facts
    session = emergencies.of_pair(conn, vault, subject, practitioner)
    return facts if session is None else replace(facts, emergency_since=session.opened_at)


def practitioner_of(actor: Actor) -> UUID | None:
    """The id of a practitioner; None for anybody else."""
    return parse_id(actor.id) if actor.kind is ActorKind.PRACTITIONER else None
