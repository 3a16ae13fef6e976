"""What a decision needs to know beside the request and the grants, and who it is that asks."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from consent.request import Actor, Facts
from consent.vocabulary import ActorKind
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


def standing_and_asker(
    conn: Connection, actor: Actor, subject: UUID
) -> tuple[store.Standing | None, askers.Asker | None]:
    """The standing of the subject, and of the asker what `asker_of` tells, in one statement."""
    practitioner = practitioner_of(actor)
    if practitioner is None:
        return store.standing(conn, subject), None
    return askers.facing(conn, subject, practitioner)


def placed(actor: Actor, asker: askers.Asker | None) -> Actor:
    """The actor with the clinic and the role that the store knows, whatever a caller said."""
    if asker is None or asker.clinic_id is None:
        return replace(actor, clinic=None, roles=frozenset())
    return replace(actor, clinic=str(asker.clinic_id), roles=frozenset({asker.role}))


def facts_of(
    standing: store.Standing,
    bond: askers.Bond,
    stepped_up: bool,
    emergency_since: datetime | None = None,
) -> Facts:
    """The facts about a living or an erased resident, as their standing tells them."""
    return Facts(
        subject_status="active" if standing.status == "active" else "erased",
        revision=standing.consent_revision,
        contract_in_force=bond.signed,
        stepped_up=stepped_up,
        deny_all=standing.deny_all,
        clinic_contract=bond.clinic_signed,
        emergency_since=emergency_since,
        emergency_refused=standing.emergency_refused,
    )


def facts_of_another(
    conn: Connection, vault: Vault, standing: store.Standing, stepped_up: bool
) -> Facts:
    """The facts for a resident who asks about somebody else: who may act for a child."""
    facts = facts_of(standing, NO_BOND, stepped_up)
    minority = guardians.minority(conn, vault, standing.resident_id)
    return replace(facts, guardians=minority.guardians, minor_until=minority.until)


def practitioner_of(actor: Actor) -> UUID | None:
    """The id of a practitioner; None for anybody else."""
    return parse_id(actor.id) if actor.kind is ActorKind.PRACTITIONER else None
