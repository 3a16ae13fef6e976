"""decide: the one place where a request becomes a permit. Pure: no clock, no input, no output.

The order is that of the rule table: refusals, the subject's own record, then the grants (see
`consent.offers`), and what nothing permitted is refused.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from consent import signet
from consent.decision import LOG_BEFORE_REVEAL, SPEND_USE, Decision, Permit, permit_bytes
from consent.grant import Grant
from consent.offers import Offer, weigh
from consent.request import AccessRequest, Facts
from consent.rules import (
    GRANTED,
    MISSES,
    NO_RULE,
    OWN,
    REFUSALS,
    SENTENCES,
    Case,
    OfRequest,
    Rule,
)
from consent.vocabulary import ActorKind, DataClass
from consent.window import ALL_DAYS, Window

PERMIT_LIFE = timedelta(minutes=5)
"""How long a permit lasts at most; a grant that ends sooner shortens it. Long answers ask again."""

NO_OBLIGATIONS: frozenset[str] = frozenset()
LOGGED = frozenset({LOG_BEFORE_REVEAL})
LOGGED_AND_SPENT = frozenset({LOG_BEFORE_REVEAL, SPEND_USE})
NOTHING_WITHHELD: Mapping[DataClass, str] = MappingProxyType({})


def decide(
    request: AccessRequest, grants: Iterable[Grant], facts: Facts, now: datetime
) -> Decision:
    """Permit or refuse, and say by which rule. `grants` are all of the subject's, in any order."""
    if now.utcoffset() is None:
        raise ValueError("a decision needs an instant with a zone")
    actor = request.actor
    owner = actor.kind is ActorKind.RESIDENT and actor.id == str(request.subject)
    case = Case(request, facts, now, owner, request.window or ALL_DAYS)
    for rule in REFUSALS:
        if rule.applies(case):
            return _refuse_all(case, rule)
    for rule in OWN:
        if rule.applies(case):
            return _allow_own(case, rule)
    for rule in GRANTED:
        if rule.applies(case):
            return _judge_grants(case, rule, grants)
    return _refuse_all(case, NO_RULE)


def _judge_grants(case: Case, rule: Rule[OfRequest], grants: Iterable[Grant]) -> Decision:
    best, withheld = weigh(case, grants)
    if best is None:
        return _refuse(case, max(withheld.values(), key=MISSES.index), withheld)
    return _allow_granted(case, rule, best, withheld)


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
    permit = _permit(case, rule, offer=None)
    return _allow(permit, rule, NOTHING_WITHHELD, NO_OBLIGATIONS)


def _allow_granted(
    case: Case, rule: Rule[OfRequest], offer: Offer, withheld: dict[DataClass, str]
) -> Decision:
    permit = _permit(case, rule, offer)
    obligations = LOGGED_AND_SPENT if offer.limited else LOGGED
    return _allow(permit, rule, MappingProxyType(withheld), obligations)


def _allow(
    permit: Permit,
    rule: Rule[OfRequest],
    withheld: Mapping[DataClass, str],
    obligations: frozenset[str],
) -> Decision:
    return Decision(
        allow=True,
        rule=rule.id,
        sentence=rule.sentence,
        grant=permit.grant,
        revision=permit.revision,
        classes=permit.classes,
        withheld=withheld,
        window=permit.window,
        obligations=obligations,
        permit=permit,
    )


def _permit(case: Case, rule: Rule[OfRequest], offer: Offer | None) -> Permit:
    """The permit for all that was asked (no offer: the owner's) or for what the offer opens."""
    request = case.request
    window: Window | None = case.window if offer is None else offer.window
    expires_at = case.now + PERMIT_LIFE
    if offer is not None and offer.until is not None:
        expires_at = min(expires_at, offer.until)
    told = (
        request.subject,
        request.actor,
        request.classes if offer is None else offer.classes,
        request.purpose,
        request.action,
        None if offer is None else offer.grant,
        rule.id,
        offer is None,
        None if window == ALL_DAYS else window,
        case.facts.revision,
        expires_at,
    )
    return Permit(*told, seal=signet.press(permit_bytes(*told)))
