"""Who could see what: the real decision asked for everybody who holds a grant, without a look."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from consent.decision import Decision, Permit
from consent.grant import Grant, Grantee
from consent.request import AccessRequest, Actor, Facts
from consent.vocabulary import ALL_CLASSES, Action, ActorKind, GranteeKind, Purpose
from service.contracts import store as contracts
from service.grants import gate, store
from service.grants.actions import every
from service.grants.terms import Terms
from service.keys.vault import Vault
from service.kit.ids import new_id

_ASKED: dict[GranteeKind, tuple[ActorKind, Purpose, tuple[Action, ...]]] = {
    GranteeKind.PRACTITIONER: (
        ActorKind.PRACTITIONER,
        Purpose.CARE,
        (Action.READ, Action.WRITE, Action.DERIVE, Action.EXPORT),
    ),
    GranteeKind.SERVICE: (ActorKind.SERVICE, Purpose.STATISTICS, (Action.AGGREGATE,)),
}


@dataclass(frozen=True, slots=True)
class Sight:
    """What one grantee could do, for one purpose and action."""

    grantee: Grantee
    purpose: Purpose
    action: Action
    decision: Decision


def who_sees_what(
    conn: Connection, vault: Vault, permit: Permit, *, proposed: Terms | None, now: datetime
) -> list[Sight]:
    """One row for each grantee and action that some grant names, as decided at `now`.

    `proposed` are the terms of a grant that is only being thought about.
    """
    grants = [kept.grant for kept in every(conn, vault, permit)]
    if proposed is not None:
        grants.insert(0, proposed.as_grant(new_id()))
    grantees = dict.fromkeys(grant.grantee for grant in grants)
    return [
        sight
        for grantee in grantees
        if grantee.kind in _ASKED
        for sight in _of_grantee(
            conn, permit, grantee, [grant for grant in grants if grant.grantee == grantee], now
        )
    ]


def _of_grantee(
    conn: Connection, permit: Permit, grantee: Grantee, grants: Sequence[Grant], now: datetime
) -> Iterable[Sight]:
    kind, purpose, actions = _ASKED[grantee.kind]
    named = frozenset(action for grant in grants for action in grant.actions)
    facts = _facts(conn, permit, grantee)
    for action in actions:
        if action in named:
            request = AccessRequest(
                Actor(kind, grantee.id), permit.subject, purpose, action, ALL_CLASSES
            )
            yield Sight(grantee, purpose, action, gate.foresee(request, grants, facts, now))


def _facts(conn: Connection, permit: Permit, grantee: Grantee) -> Facts:
    standing = store.standing(conn, permit.subject)
    signed = grantee.kind is GranteeKind.PRACTITIONER and contracts.in_force(
        conn, permit.subject, UUID(grantee.id)
    )
    return Facts(
        subject_status="active" if standing is not None else "unknown",
        revision=permit.revision,
        contract_in_force=signed,
        stepped_up=False,
        deny_all=standing is not None and standing.deny_all,
    )
