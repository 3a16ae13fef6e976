"""decide: the one place where a request becomes a permit. Pure: no clock, no input, no output.

The order is that of the rule table: refusals, the subject's own record and their guardian, then the
grants (see `consent.offers`) or, in an emergency, break-glass; what nothing permitted is refused.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from consent import signet
from consent.conditions import BREAK_GLASS_LIFE, Case, case_of, holds_grants
from consent.decision import (
    LOG_BEFORE_REVEAL,
    NOTIFY_SUBJECT,
    REVIEW,
    SPEND_USE,
    Decision,
    Permit,
    permit_bytes,
)
from consent.grant import Grant
from consent.offers import Offer, denied_of, naming_asker, weigh
from consent.request import AccessRequest, Facts
from consent.rules import (
    BREAK_GLASS,
    EMERGENCY_REFUSALS,
    EXPLICIT_DENY,
    GRANTED,
    MISSES,
    NO_RULE,
    NOT_IN_EMERGENCY,
    OWN,
    REFUSALS,
    SENTENCES,
    OfRequest,
    Rule,
)
from consent.vocabulary import DataClass
from consent.window import ALL_DAYS, Window

PERMIT_LIFE = timedelta(minutes=5)
"""How long a permit lasts at most; what it rests on may end sooner. Long answers ask again."""

NO_OBLIGATIONS: frozenset[str] = frozenset()
LOGGED = frozenset({LOG_BEFORE_REVEAL})
LOGGED_AND_SPENT = frozenset({LOG_BEFORE_REVEAL, SPEND_USE})
LOGGED_TOLD_REVIEWED = frozenset({LOG_BEFORE_REVEAL, NOTIFY_SUBJECT, REVIEW})
NOTHING_WITHHELD: Mapping[DataClass, str] = MappingProxyType({})


def decide(
    request: AccessRequest, grants: Iterable[Grant], facts: Facts, now: datetime
) -> Decision:
    """Permit or refuse, and say by which rule. `grants` are all of the subject's, in any order.

    docs/policy.md says in words what is answered.
    """
    if now.utcoffset() is None:
        raise ValueError("a decision needs an instant with a zone")
    case = case_of(request, facts, now)
    for rule in REFUSALS:
        if rule.applies(case):
            return _refuse_all(case, rule)
    for rule in OWN:
        if rule.applies(case):
            return _allow_own(case, rule)
    if holds_grants(case):
        return _judge_grants(case, grants)
    if BREAK_GLASS.applies(case):
        return _judge_emergency(case, grants)
    return _refuse_all(case, NO_RULE)


def _judge_grants(case: Case, grants: Iterable[Grant]) -> Decision:
    best, withheld = weigh(case, grants)
    if best is None:
        return _refuse(case, max(withheld.values(), key=MISSES.index), withheld)
    return _allow_granted(case, best, withheld)


def _judge_emergency(case: Case, grants: Iterable[Grant]) -> Decision:
    """Grants open nothing here, but a deny closes."""
    for rule in EMERGENCY_REFUSALS:
        if rule.applies(case):
            return _refuse_all(case, rule)
    asked = case.request.classes
    never = asked & NOT_IN_EMERGENCY.applies(case)
    denied = asked & denied_of(case, naming_asker(case, grants))
    withheld = dict.fromkeys(never, NOT_IN_EMERGENCY.id) | dict.fromkeys(denied, EXPLICIT_DENY.id)
    if opened := asked - never - denied:
        return _allow_emergency(case, opened, withheld)
    return _refuse(case, (NOT_IN_EMERGENCY if never - denied else EXPLICIT_DENY).id, withheld)


def _refuse_all(case: Case, rule: Rule[OfRequest]) -> Decision:
    return _refuse(case, rule.id, dict.fromkeys(case.request.classes, rule.id))


def _refuse(case: Case, rule: str, withheld: dict[DataClass, str]) -> Decision:
    return Decision(
        allow=False,
        rule=rule,
        sentence=SENTENCES[rule],
        grant=None,
        revision=case.facts.revision,
        classes=frozenset(),
        withheld=MappingProxyType(withheld),
        window=None,
        obligations=NO_OBLIGATIONS,
        permit=None,
    )


def _allow_own(case: Case, rule: Rule[OfRequest]) -> Decision:
    until = case.now + PERMIT_LIFE
    if case.guardian_asks and case.facts.minor_until is not None:
        until = min(until, case.facts.minor_until)
    permit = _permit(case, rule.id, case.request.classes, until, case.window, owner=True)
    return _allow(permit, NOTHING_WITHHELD, NO_OBLIGATIONS)


def _allow_granted(case: Case, offer: Offer, withheld: dict[DataClass, str]) -> Decision:
    rule = next(rule for rule in GRANTED if rule.applies(case, offer.grant))
    until = case.now + PERMIT_LIFE
    if offer.until is not None:
        until = min(until, offer.until)
    permit = _permit(case, rule.id, offer.classes, until, offer.window, grant=offer.grant)
    obligations = LOGGED_AND_SPENT if offer.limited else LOGGED
    return _allow(permit, MappingProxyType(withheld), obligations)


def _allow_emergency(
    case: Case, opened: frozenset[DataClass], withheld: dict[DataClass, str]
) -> Decision:
    until = case.now + PERMIT_LIFE
    if case.facts.emergency_since is not None:
        until = min(until, case.facts.emergency_since + BREAK_GLASS_LIFE)
    permit = _permit(case, BREAK_GLASS.id, opened, until, case.window)
    return _allow(permit, MappingProxyType(withheld), LOGGED_TOLD_REVIEWED)


def _allow(
    permit: Permit, withheld: Mapping[DataClass, str], obligations: frozenset[str]
) -> Decision:
    return Decision(
        allow=True,
        rule=permit.rule,
        sentence=SENTENCES[permit.rule],
        grant=permit.grant,
        revision=permit.revision,
        classes=permit.classes,
        withheld=withheld,
        window=permit.window,
        obligations=obligations,
        permit=permit,
    )


def _permit(
    case: Case,
    rule: str,
    classes: frozenset[DataClass],
    until: datetime,
    window: Window,
    *,
    grant: Grant | None = None,
    owner: bool = False,
) -> Permit:
    request = case.request
    told = (
        request.subject,
        request.actor,
        classes,
        request.purpose,
        request.action,
        None if grant is None else grant.id,
        rule,
        owner,
        None if window == ALL_DAYS else window,
        case.facts.revision,
        until,
    )
    return Permit(*told, seal=signet.press(permit_bytes(*told)))
