"""Random requests, grants and facts, dense in cases where something nearly holds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from random import Random
from typing import TypeVar
from uuid import UUID

from consent.decide import decide
from consent.decision import Decision
from consent.grant import Grant, Grantee
from consent.request import AccessRequest, Actor, Facts
from consent.vocabulary import Action, ActorKind, DataClass, GranteeKind, Purpose
from consent.window import Window
from tests.unit.consent.people import (
    CITY,
    CLINIC,
    COLLEAGUE,
    DOCTOR,
    HE,
    LIN,
    NOW,
    NURSE,
    OPERATOR,
    OTHER_CLINIC,
    OTHER_DOCTOR,
    RESIDENT,
    SECOND,
    STATISTICS,
    STRANGER,
    ZHOU,
)

Item = TypeVar("Item")
CLASSES = list(DataClass)
HEAD = Actor(ActorKind.PRACTITIONER, ZHOU, 2, CLINIC, frozenset({"family-doctor", "nurse"}))
ELSEWHERE = Actor(ActorKind.PRACTITIONER, HE, 2, OTHER_CLINIC, frozenset({"nurse"}))
DOCTORS = [
    *[DOCTOR] * 7,
    *[HEAD] * 11,
    replace(HEAD, acr=1),
    *[NURSE] * 2,
    COLLEAGUE,
    ELSEWHERE,
    OTHER_DOCTOR,
]
ACTORS = [
    *[RESIDENT, STRANGER] * 2,
    STATISTICS,
    STATISTICS,
    CITY,
    OPERATOR,
    Actor(ActorKind.SERVICE, "another"),
]
GRANTEES = [
    *[Grantee(GranteeKind.PRACTITIONER, ZHOU)] * 18,
    *[Grantee(GranteeKind.CLINIC, CLINIC)] * 3,
    *[Grantee(GranteeKind.ROLE, f"{CLINIC}:nurse")] * 3,
    Grantee(GranteeKind.ROLE, f"{CLINIC}:family-doctor"),
    Grantee(GranteeKind.ROLE, f"{OTHER_CLINIC}:nurse"),
    Grantee(GranteeKind.CLINIC, OTHER_CLINIC),
    Grantee(GranteeKind.ROLE, CLINIC),
    Grantee(GranteeKind.PRACTITIONER, HE),
    *[Grantee(GranteeKind.SERVICE, "statistics")] * 3,
    Grantee(GranteeKind.SERVICE, "another"),
    Grantee(GranteeKind.CLINIC, ZHOU),
    Grantee(GranteeKind.LINK, ZHOU),
]
CARES = {Purpose.CARE, Purpose.SELF_CARE}
DAYS = [None, None, date(2025, 1, 1), date(2025, 6, 1), date(2026, 1, 1)]
INSTANTS = [NOW - timedelta(days=9), NOW - SECOND, NOW, NOW + SECOND, NOW + timedelta(days=9)]
MINUTES = [NOW + timedelta(minutes=2), NOW + timedelta(minutes=20)]
FOUR_HOURS = timedelta(hours=4)
EMERGENCIES = [
    None,
    NOW,
    NOW + SECOND,
    NOW - SECOND,
    NOW - timedelta(hours=2),
    NOW - FOUR_HOURS + timedelta(minutes=2),
    NOW - FOUR_HOURS + SECOND,
    NOW - FOUR_HOURS,
    NOW - FOUR_HOURS - SECOND,
]
GUARDIANS = [STRANGER.id, RESIDENT.id, ZHOU]


@dataclass(frozen=True)
class Situation:
    request: AccessRequest
    grants: tuple[Grant, ...]
    facts: Facts
    now: datetime = NOW

    def decided(self) -> Decision:
        return decide(self.request, self.grants, self.facts, self.now)

    def with_grants(self, grants: Sequence[Grant]) -> "Situation":
        return replace(self, grants=tuple(grants))


def situation(random: Random) -> Situation:
    """One case. Three in four are a doctor asking where most things are in order."""
    usual = random.random() < 0.75
    actor = random.choice(DOCTORS) if usual else random.choice(ACTORS)
    purpose, action = _for(random, actor)
    request = AccessRequest(
        actor,
        LIN,
        purpose,
        action,
        _some(random, CLASSES, random.random() > 0.2, 8),
        ("aura",) if random.random() < 0.03 else (),
        random.choice([None, None, None, Window(random.choice(DAYS), random.choice(DAYS))]),
    )
    grants = tuple(
        grant(random, UUID(int=number)) for number in range(random.choice((0, 2, 4, 6, 7, 8, 8)))
    )
    facts = Facts(
        subject_status=random.choice(("active",) * 40 + ("erased", "unknown")),
        revision=random.randint(0, 9),
        contract_in_force=random.random() < 0.9,
        stepped_up=random.random() < 0.5,
        deny_all=random.random() < 0.05,
        clinic_contract=random.random() < 0.9,
        guardians=frozenset(random.sample(GUARDIANS, random.randint(0, 2))),
        minor_until=random.choice([None, *INSTANTS, *MINUTES]),
        emergency_since=random.choice(EMERGENCIES),
        emergency_refused=random.random() < 0.1,
    )
    return Situation(request, grants, facts)


def _for(random: Random, actor: Actor) -> tuple[Purpose, Action]:
    if random.random() < 0.1:
        return random.choice(list(Purpose)), random.choice(list(Action))
    if actor.kind is ActorKind.SERVICE:
        return Purpose.STATISTICS, Action.AGGREGATE
    if actor.kind is ActorKind.RESIDENT:
        return Purpose.SELF_CARE, random.choice(list(Action))
    purposes = [*[Purpose.CARE] * 5, Purpose.SELF_CARE, *[Purpose.EMERGENCY] * 2]
    return random.choice(purposes), Action.READ


def grant(random: Random, id: UUID) -> Grant:
    grantee = random.choice(GRANTEES)
    classes = _some(random, CLASSES, 1, 8) if random.random() < 0.95 else frozenset()
    service = grantee.kind is GranteeKind.SERVICE
    deny = random.random() < 0.1
    return Grant(
        id=id,
        version=1,
        grantee=grantee,
        purposes=_often(random, frozenset({Purpose.STATISTICS} if service else CARES))
        or _some(random, list(Purpose), 0, 2),
        data_classes=classes,
        actions=_often(random, frozenset({Action.AGGREGATE if service else Action.READ}))
        or _some(random, list(Action), 0, 3),
        observations_from=random.choice(DAYS),
        observations_to=random.choice(DAYS),
        valid_from=random.choice(INSTANTS[:3] * 6 + INSTANTS),
        valid_until=random.choice([None, *INSTANTS[2:], *INSTANTS[3:] * 4]),
        separate_consent=classes if random.random() < 0.7 else _some(random, CLASSES, 0, 6),
        uses_left=random.choice((None,) * 8 + (0, 1, 2)),
        deny=deny,
        withdrawn_at=random.choice([*[None] * 10, *INSTANTS[1:4:2]]),
        basis=random.choice(("resident", "care-contract")),
        outdated_from=random.choice([*[None] * 24, *INSTANTS, *MINUTES]),
    )


def _some(random: Random, items: list[Item], least: int, most: int) -> frozenset[Item]:
    return frozenset(random.sample(items, random.randint(least, min(most, len(items)))))


def _often(random: Random, value: frozenset[Item]) -> frozenset[Item]:
    return value if random.random() < 0.9 else frozenset()
