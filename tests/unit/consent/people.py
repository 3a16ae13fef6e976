"""A resident, two doctors and the words to ask and grant in a line, for the tests beside it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from consent.decide import decide
from consent.decision import Decision
from consent.grant import Grant, Grantee
from consent.request import AccessRequest, Actor, Facts
from consent.rules import SENTENCES
from consent.vocabulary import Action, ActorKind, DataClass, GranteeKind, Purpose
from consent.window import Window

NOW = datetime(2026, 5, 4, 8, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LIN = UUID("6a1f0b1e-6a50-4a6f-9f10-0d8f2f7c1a01")
WANG = UUID("6a1f0b1e-6a50-4a6f-9f10-0d8f2f7c1a02")
ZHOU = "0c6f6a52-3b53-4f0e-8a07-2f6b1f3d5b11"
HE = "0c6f6a52-3b53-4f0e-8a07-2f6b1f3d5b12"

CLINIC = "3b0d2f5e-7f0a-4e0b-9f53-5d1f6a0c2e21"
OTHER_CLINIC = "3b0d2f5e-7f0a-4e0b-9f53-5d1f6a0c2e22"

RESIDENT = Actor(ActorKind.RESIDENT, str(LIN))
STRANGER = Actor(ActorKind.RESIDENT, str(WANG))
DOCTOR = Actor(ActorKind.PRACTITIONER, ZHOU, 2)
OTHER_DOCTOR = Actor(ActorKind.PRACTITIONER, HE, 2)
COLLEAGUE = Actor(ActorKind.PRACTITIONER, HE, 2, CLINIC, frozenset({"family-doctor"}))
NURSE = Actor(
    ActorKind.PRACTITIONER,
    "0c6f6a52-3b53-4f0e-8a07-2f6b1f3d5b13",
    2,
    CLINIC,
    frozenset({"nurse", "public-health"}),
)
STATISTICS = Actor(ActorKind.SERVICE, "statistics")
CITY = Actor(ActorKind.CITY, "city")
OPERATOR = Actor(ActorKind.OPERATOR, "operator")

FACTS = Facts("active", 7, contract_in_force=True, stepped_up=False, deny_all=False)

LIFESTYLE, BODY, MENTAL = DataClass.LIFESTYLE, DataClass.BODY, DataClass.MENTAL
SOME = frozenset({LIFESTYLE, BODY})


def day(text: str) -> date:
    return date.fromisoformat(text)


def facts(**changes: Any) -> Facts:
    return replace(FACTS, **changes)


def grant(
    *classes: DataClass,
    to: str = ZHOU,
    kind: GranteeKind = GranteeKind.PRACTITIONER,
    number: int = 100,
    **changes: Any,
) -> Grant:
    """A care grant to Dr Zhou that holds, every sensitive class agreed to, unless changed."""
    named = frozenset(classes)
    plain = Grant(
        id=UUID(int=number),
        version=1,
        grantee=Grantee(kind, to),
        purposes=frozenset({Purpose.CARE}),
        data_classes=named,
        actions=frozenset({Action.READ, Action.WRITE}),
        observations_from=None,
        observations_to=None,
        valid_from=NOW - timedelta(days=30),
        valid_until=NOW + timedelta(days=30),
        separate_consent=frozenset(one for one in named if one.separate_consent),
    )
    return replace(plain, **changes)


def statistics_grant(*classes: DataClass, **changes: Any) -> Grant:
    terms = {"purposes": frozenset({Purpose.STATISTICS}), "actions": frozenset({Action.AGGREGATE})}
    return grant(*classes, to="statistics", kind=GranteeKind.SERVICE, **{**terms, **changes})


def ask(
    actor: Actor,
    *classes: DataClass,
    grants: tuple[Grant, ...] = (),
    known: Facts = FACTS,
    now: datetime = NOW,
    **changes: Any,
) -> Decision:
    """The decision on reading these classes of Lin, for the purpose that goes with the actor."""
    purposes = {
        ActorKind.RESIDENT: Purpose.SELF_CARE,
        ActorKind.SERVICE: Purpose.STATISTICS,
    }
    purpose = purposes.get(actor.kind, Purpose.CARE)
    action = Action.AGGREGATE if purpose is Purpose.STATISTICS else Action.READ
    plain = AccessRequest(actor, LIN, purpose, action, frozenset(classes), (), None)
    return decide(replace(plain, **changes), grants, known, now)


def window(first: str | None, last: str | None) -> Window:
    return Window(None if first is None else day(first), None if last is None else day(last))


def refused(decision: Decision, rule: str) -> bool:
    """Refused by `rule`, with nothing in the answer that could open anything."""
    return (
        not decision.allow
        and decision.rule == rule
        and decision.sentence == SENTENCES[rule]
        and decision.permit is None
        and decision.grant is None
        and decision.classes == frozenset()
        and decision.obligations == frozenset()
    )
