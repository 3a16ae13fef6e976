"""How a resident stands here, how an asker stands to them, and so how a denial is told.

A decision names a rule. Whoever had to do with the resident is told it; to others there is nobody.
"""

from uuid import UUID

from sqlalchemy import Connection

from consent.decision import Decision
from consent.grant import grantees_of
from consent.request import Actor
from consent.vocabulary import ActorKind
from service.contracts import store as contracts
from service.emergencies import store as sessions
from service.grants import store
from service.grants.facts import asker_of, placed, practitioner_of
from service.guardians import actions as guardians
from service.keys.vault import Vault
from service.kit import guard
from service.kit.errors import NotFound, Refused, ServiceError, StepUpRequired

_STEP_UP = "own-record-needs-step-up"


def refusal(
    conn: Connection, vault: Vault, decision: Decision, *, actor: Actor, subject: UUID
) -> ServiceError:
    """How a denial is told: with its rule to those who know the resident, as `NotFound` to others.

    Someone who never had a contract or a grant learns nothing, not even that the resident exists.
    """
    if not is_active(conn, subject) or not related(conn, vault, actor, subject):
        return NotFound()
    if decision.rule == _STEP_UP:
        return StepUpRequired(decision.sentence)
    return Refused(decision.rule, decision.sentence)


def is_active(conn: Connection, subject: UUID) -> bool:
    """Whether there is a living record of this resident."""
    guard.ask(conn, subject)
    standing = store.standing(conn, subject)
    return standing is not None and standing.status == "active"


def related(conn: Connection, vault: Vault, actor: Actor, subject: UUID) -> bool:
    """Whether the actor is the subject or ever had to do with them.

    A guardian had, and whoever signed with them, was granted anything or opened an emergency.
    """
    guard.ask(conn, subject)
    if actor.kind is ActorKind.RESIDENT:
        mine = actor.id == str(subject)
        return mine or guardians.ever(conn, vault, subject, UUID(actor.id))
    grantees = grantees_of(placed(actor, asker_of(conn, actor, subject)))
    if grantees and store.between(conn, subject, *grantees):
        return True
    practitioner = practitioner_of(actor)
    return practitioner is not None and (
        contracts.ever(conn, subject, practitioner) or sessions.ever(conn, subject, practitioner)
    )
