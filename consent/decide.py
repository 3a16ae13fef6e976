"""decide: the one place where a request becomes a permit. Pure: no clock, no input, no output.

The order is that of the rule table: refusals, the subject's own record and their guardian, then the
grants (see `consent.offers`) or, in an emergency, break-glass; what nothing permitted is refused.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Any
from uuid import UUID

from consent import signet
from consent.conditions import BREAK_GLASS_LIFE, Case, holds_grants, place_of
from consent.decision import (
    LOG_BEFORE_REVEAL,
    NOTIFY_SUBJECT,
    REVIEW,
    Decision,
    Permit,
    moment_bytes,
    scope_bytes,
)
from consent.grant import Grant
from consent.grants import Grants
from consent.instant import in_utc
from consent.offers import denied_of, next_denial
from consent.request import AccessRequest, Facts
from consent.rules import (
    BREAK_GLASS,
    EMERGENCY_REFUSALS,
    EXPLICIT_DENY,
    GUARDIAN,
    NO_RULE,
    NOT_IN_EMERGENCY,
    OWN,
    REFUSALS,
    SENTENCES,
    Effect,
    OfRequest,
    Rule,
)
from consent.vocabulary import DataClass
from consent.window import ALL_DAYS, Window

PERMIT_LIFE = timedelta(minutes=5)
"""How long a permit lasts at most; what it rests on may end sooner. Long answers ask again."""

NO_OBLIGATIONS: frozenset[str] = frozenset()
LOGGED_TOLD_REVIEWED = frozenset({LOG_BEFORE_REVEAL, NOTIFY_SUBJECT, REVIEW})
NO_CLASSES: frozenset[DataClass] = frozenset()
NOTHING_WITHHELD: Mapping[DataClass, str] = MappingProxyType({})


def decide(
    request: AccessRequest, grants: Grants | Iterable[Grant], facts: Facts, now: datetime
) -> Decision:
    """Permit or refuse, and say by which rule. `grants` are all of the subject's, in any order.

    docs/policy.md says in words what is answered. Whoever asks again about the same grants keeps
    them as `Grants`.
    """
    if now.tzinfo is not UTC:
        now = in_utc(now, "a decision")
    rule = _first_rule(
        request.actor.kind,
        place_of(request.actor, request.subject, facts, now),
        request.purpose,
        request.action,
        request.classes,
        bool(request.unknown),
        facts.subject_status,
        facts.deny_all,
        facts.stepped_up,
    )
    if rule is None or rule is BREAK_GLASS:
        indexed = grants if type(grants) is Grants else Grants(grants)
        by = _by_grants if rule is None else _by_emergency
        return by(request, indexed, facts, now)
    if rule.effect is Effect.PERMIT:
        return _as_owner(request, rule, facts, now)
    return _refuse_all(request, rule.id, facts)


# Types are told apart, because the text "care" equals the purpose and is not one.
@lru_cache(maxsize=4096, typed=True)
def _first_rule(*case: Any) -> Rule[OfRequest] | None:
    """The first rule of the request as a whole that applies; None where grants are asked."""
    asked = Case(*case)
    for rule in (*REFUSALS, *OWN):
        if rule.applies(asked):
            return rule
    if holds_grants(asked):
        return None
    return BREAK_GLASS if BREAK_GLASS.applies(asked) else NO_RULE


def _as_owner(
    request: AccessRequest, rule: Rule[OfRequest], facts: Facts, now: datetime
) -> Decision:
    until = _until(now, facts.minor_until if rule is GUARDIAN else None)
    scope = _scope(request, rule.id, request.classes, True)
    permit = _permit(
        request, facts, rule.id, request.classes, None, True, request.window, until, scope
    )
    return _allow(permit, NOTHING_WITHHELD, NO_OBLIGATIONS)


def _by_grants(request: AccessRequest, grants: Grants, facts: Facts, now: datetime) -> Decision:
    found = grants.opening(request, facts, now)
    if found.grant is None:
        return _refuse(found.rule, found.withheld, facts)
    permit = _permit(
        request,
        facts,
        found.rule,
        found.classes,
        found.grant,
        False,
        found.window,
        _until(now, found.expires_at),
        found.scope,
    )
    return _allow(permit, found.withheld, found.obligations)


def _by_emergency(request: AccessRequest, grants: Grants, facts: Facts, now: datetime) -> Decision:
    """Grants open nothing here, but a deny closes."""
    for rule in EMERGENCY_REFUSALS:
        if rule.applies(request, facts, now):
            return _refuse_all(request, rule.id, facts)
    never = request.classes & NOT_IN_EMERGENCY.applies()
    mine = grants.about(request)
    denied = request.classes & denied_of(mine, now)
    withheld = dict.fromkeys(never, NOT_IN_EMERGENCY.id) | dict.fromkeys(denied, EXPLICIT_DENY.id)
    opened = request.classes - never - denied
    if not opened:
        nearest = NOT_IN_EMERGENCY if never - denied else EXPLICIT_DENY
        return _refuse(nearest.id, MappingProxyType(withheld), facts)
    since = facts.emergency_since
    over = None if since is None else since + BREAK_GLASS_LIFE
    ends = min(filter(None, (over, next_denial(mine, now))), default=None)
    scope = _scope(request, BREAK_GLASS.id, opened, False)
    permit = _permit(
        request,
        facts,
        BREAK_GLASS.id,
        opened,
        None,
        False,
        request.window,
        _until(now, ends),
        scope,
    )
    return _allow(permit, MappingProxyType(withheld), LOGGED_TOLD_REVIEWED)


def _refuse_all(request: AccessRequest, rule: str, facts: Facts) -> Decision:
    return _refuse(rule, MappingProxyType(dict.fromkeys(request.classes, rule)), facts)


def _refuse(rule: str, withheld: Mapping[DataClass, str], facts: Facts) -> Decision:
    return _decision(None, rule, None, facts.revision, NO_CLASSES, withheld, None, NO_OBLIGATIONS)


def _allow(
    permit: Permit, withheld: Mapping[DataClass, str], obligations: frozenset[str]
) -> Decision:
    return _decision(
        permit,
        permit.rule,
        permit.grant,
        permit.revision,
        permit.classes,
        withheld,
        permit.window,
        obligations,
    )


def _decision(
    permit: Permit | None,
    rule: str,
    grant: UUID | None,
    revision: int,
    classes: frozenset[DataClass],
    withheld: Mapping[DataClass, str],
    window: Window | None,
    obligations: frozenset[str],
) -> Decision:
    draft: Any = _DecisionDraft()
    draft.allow = permit is not None
    draft.rule = rule
    draft.sentence = SENTENCES[rule]
    draft.grant = grant
    draft.revision = revision
    draft.classes = classes
    draft.withheld = withheld
    draft.window = window
    draft.obligations = obligations
    draft.permit = permit
    draft.__class__ = Decision
    decision: Decision = draft
    return decision


def _until(now: datetime, ends: datetime | None) -> datetime:
    until = now + PERMIT_LIFE
    return until if ends is None or until <= ends else ends


class _PermitDraft:
    """A permit before it becomes one: filled like any object, then made a `Permit` for good.

    A frozen dataclass would ask for its seal to be checked at once and be filled field by field
    through `object.__setattr__`; here the seal has just been made from the very same values.
    """

    __slots__ = tuple(Permit.__dataclass_fields__)


class _DecisionDraft:
    """A decision before it becomes one."""

    __slots__ = tuple(Decision.__dataclass_fields__)


def _scope(request: AccessRequest, rule: str, classes: frozenset[DataClass], owner: bool) -> bytes:
    return scope_bytes(
        request.subject,
        request.actor,
        classes,
        request.purpose,
        request.action,
        None,
        rule,
        owner,
        _bounded(request.window),
    )


def _bounded(window: Window | None) -> Window | None:
    return None if window is None or window == ALL_DAYS else window


def _permit(
    request: AccessRequest,
    facts: Facts,
    rule: str,
    classes: frozenset[DataClass],
    grant: UUID | None,
    owner: bool,
    window: Window | None,
    until: datetime,
    scope: bytes,
) -> Permit:
    """Fill and seal a permit. A `scope` of anything but these fields would make it void."""
    draft: Any = _PermitDraft()
    draft.subject = request.subject
    draft.actor = request.actor
    draft.classes = classes
    draft.purpose = request.purpose
    draft.action = request.action
    draft.grant = grant
    draft.rule = rule
    draft.owner = owner
    draft.window = _bounded(window)
    draft.revision = facts.revision
    draft.expires_at = until
    draft.seal = signet.press(scope + moment_bytes(facts.revision, until))
    draft.__class__ = Permit
    permit: Permit = draft
    return permit
