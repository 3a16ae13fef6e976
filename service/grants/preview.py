"""Who could see what: the real decision asked for everybody policy names, without a look.

The same rows are made of the policy of now (`simulate`, with or without one more grant) and of the
policy of a moment in the past (`replay`).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from consent.conditions import BREAK_GLASS_ACR
from consent.decision import Decision, Permit
from consent.grant import Grant, Grantee
from consent.request import AccessRequest, Actor, Facts
from consent.vocabulary import ALL_CLASSES, Action, ActorKind, GranteeKind, Purpose
from service.clinics import store as clinics
from service.clinics.store import Post
from service.contracts import store as contracts
from service.emergencies import actions as emergencies
from service.grants import gate, store
from service.grants.actions import every
from service.grants.past import Policy, policy_of
from service.grants.terms import Terms
from service.guardians import actions as guardians
from service.history import actions as history
from service.identity import store as identity
from service.keys.vault import Vault
from service.kit.ids import new_id, parse_id

ANYBODY = Grantee(GranteeKind.PRACTITIONER, "any")
"""Stands for a doctor whom no grant names, in the row about emergencies."""

Posts = Callable[[UUID], Post | None]
"""Where a practitioner works, or worked, at the moment that is asked about."""

_CARE = (Action.READ, Action.WRITE, Action.DERIVE, Action.EXPORT)
_COUNT = (Action.AGGREGATE,)


class Guardian(NamedTuple):
    """A guardian of a child, who needs no grant."""

    id: str
    kind: str = "guardian"


@dataclass(frozen=True, slots=True)
class Sight:
    """What one grantee could do, for one purpose and action."""

    grantee: Grantee | Guardian
    purpose: Purpose
    action: Action
    decision: Decision


def who_sees_what(
    conn: Connection, vault: Vault, permit: Permit, *, proposed: Terms | None, now: datetime
) -> list[Sight]:
    """One row for each grantee and action that some grant names, as decided at `now`.

    `proposed` are the terms of a grant that is only being thought about.
    """
    policy = policy_now(conn, vault, permit)
    if proposed is not None:
        policy = replace(policy, grants=(proposed.as_grant(new_id()), *policy.grants))
    return list(sights(policy, lambda one: post_now(conn, one), subject=permit.subject, now=now))


def who_could_see_what(
    conn: Connection, vault: Vault, permit: Permit, *, at: datetime
) -> list[Sight]:
    """The same rows, as they were decided at a moment in the past."""
    policy = policy_at(conn, vault, permit, at)
    posts = posts_at(conn, at)
    return list(sights(policy, posts, subject=permit.subject, now=at))


def policy_at(conn: Connection, vault: Vault, permit: Permit, at: datetime) -> Policy:
    """The policy of the permit's subject as it stood at a moment."""
    noted = history.all_of(conn, vault, permit.subject)
    return policy_of(history.at(noted, at))


def posts_at(conn: Connection, at: datetime) -> Posts:
    """Where practitioners worked at a moment."""
    return lambda practitioner: clinics.post_at(conn, practitioner, at)


def policy_now(conn: Connection, vault: Vault, permit: Permit) -> Policy:
    """The policy of the permit's subject as it stands."""
    contract = contracts.active(conn, permit.subject)
    standing = store.standing(conn, permit.subject)
    minority = guardians.minority(conn, vault, permit.subject)
    return Policy(
        grants=tuple(kept.grant for kept in every(conn, vault, permit)),
        deny_all=standing is not None and standing.deny_all,
        signed_with=None if contract is None else contract.practitioner_id,
        emergency_refused=standing is not None and standing.emergency_refused,
        emergencies={
            str(session.practitioner): session.opened_at
            for session in emergencies.open_of(conn, vault, permit.subject)
        },
        guardians=minority.guardians,
        minor_until=minority.until,
    )


def post_now(conn: Connection, practitioner: UUID) -> Post | None:
    """Where a practitioner in office works now."""
    known = identity.practitioner(conn, practitioner)
    if known is None or known.disabled:
        return None
    return Post(practitioner, known.clinic_id, known.role)


def sights(policy: Policy, posts: Posts, *, subject: UUID, now: datetime) -> Iterator[Sight]:
    """The rows of one policy: everybody named in it, then a doctor in an emergency."""
    for guardian in sorted(policy.guardians):
        actor = Actor(ActorKind.RESIDENT, guardian)
        asked = AccessRequest(actor, subject, Purpose.SELF_CARE, Action.READ, ALL_CLASSES)
        decision = foreseen(policy, posts, asked, now=now)
        yield Sight(Guardian(guardian), Purpose.SELF_CARE, Action.READ, decision)
    named = dict.fromkeys(grant.grantee for grant in policy.grants)
    if policy.signed_with is not None:
        named.setdefault(Grantee(GranteeKind.PRACTITIONER, str(policy.signed_with)))
    for practitioner in policy.emergencies:
        named.setdefault(Grantee(GranteeKind.PRACTITIONER, practitioner))
    for grantee in named:
        mine = [grant for grant in policy.grants if grant.grantee == grantee]
        someone = actor_of(grantee)
        if someone is None:
            continue
        counts = grantee.kind is GranteeKind.SERVICE
        purpose = Purpose.STATISTICS if counts else Purpose.CARE
        for action in _actions(mine, _COUNT if counts else _CARE):
            asked = AccessRequest(someone, subject, purpose, action, ALL_CLASSES)
            yield Sight(grantee, purpose, action, foreseen(policy, posts, asked, now=now))
        if grantee.id in policy.emergencies:
            yield _in_emergency(policy, posts, grantee, someone, subject, now, since=None)
        elif not counts and any(grant.deny for grant in mine):
            yield _in_emergency(policy, posts, grantee, someone, subject, now, since=now)
    anybody = Actor(ActorKind.PRACTITIONER, ANYBODY.id)
    yield _in_emergency(policy, posts, ANYBODY, anybody, subject, now, since=now)


def actor_of(grantee: Grantee) -> Actor | None:
    """Somebody who asks as this grantee; None for a kind that nobody can ask as."""
    match grantee.kind:
        case GranteeKind.PRACTITIONER:
            return Actor(ActorKind.PRACTITIONER, grantee.id)
        case GranteeKind.CLINIC | GranteeKind.ROLE:
            clinic, _, role = grantee.id.partition(":")
            roles = frozenset({role}) if role else frozenset[str]()
            return Actor(ActorKind.PRACTITIONER, ANYBODY.id, clinic=clinic, roles=roles)
        case GranteeKind.SERVICE:
            return Actor(ActorKind.SERVICE, grantee.id)
        case _:
            return None


def foreseen(
    policy: Policy,
    posts: Posts,
    asked: AccessRequest,
    *,
    now: datetime,
    since: datetime | None = None,
) -> Decision:
    """What the gate decides on this policy at that moment.

    A practitioner is put at the post they have; one who is not in office holds nothing. `since`
    imagines that break-glass was opened then.
    """
    actor = asked.actor
    practitioner = parse_id(actor.id) if actor.kind is ActorKind.PRACTITIONER else None
    if practitioner is not None:
        post = posts(practitioner)
        if post is None:
            policy = replace(policy, grants=(), signed_with=None, emergencies={})
        asked = replace(asked, actor=placed(actor, post))
    signer = None if policy.signed_with is None else posts(policy.signed_with)
    clinic = None if signer is None or signer.clinic_id is None else str(signer.clinic_id)
    facts = Facts(
        subject_status="active",
        revision=0,
        contract_in_force=policy.signed_with is not None and practitioner == policy.signed_with,
        stepped_up=False,
        deny_all=policy.deny_all,
        clinic_contract=clinic is not None and asked.actor.clinic == clinic,
        emergency_since=since or policy.emergencies.get(actor.id),
        emergency_refused=policy.emergency_refused,
        guardians=policy.guardians,
        minor_until=policy.minor_until,
    )
    return gate.foresee(asked, policy.grants, facts, now)


def placed(actor: Actor, post: Post | None) -> Actor:
    """The actor at a post."""
    if post is None or post.clinic_id is None:
        return replace(actor, clinic=None, roles=frozenset())
    return replace(actor, clinic=str(post.clinic_id), roles=frozenset({post.role}))


def _actions(grants: Sequence[Grant], known: tuple[Action, ...]) -> list[Action]:
    """The actions that some of these grants name; reading, where a refusal names none."""
    named = {action for grant in grants for action in grant.actions}
    if any(grant.deny and not grant.actions for grant in grants) or not grants:
        named.add(known[0])
    return [action for action in known if action in named]


def _in_emergency(
    policy: Policy,
    posts: Posts,
    grantee: Grantee,
    actor: Actor,
    subject: UUID,
    now: datetime,
    *,
    since: datetime | None,
) -> Sight:
    """What break-glass opens to somebody, in the session they have or as if opened at `since`."""
    strong = replace(actor, acr=BREAK_GLASS_ACR)
    asked = AccessRequest(strong, subject, Purpose.EMERGENCY, Action.READ, ALL_CLASSES)
    decision = foreseen(policy, posts, asked, now=now, since=since)
    return Sight(grantee, Purpose.EMERGENCY, Action.READ, decision)
