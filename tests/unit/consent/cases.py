"""Random requests, grants and facts, dense in cases where something nearly holds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, timezone
from random import Random
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from consent.decide import decide
from consent.decision import Decision
from consent.grant import Grant, Grantee
from consent.request import AccessRequest, Actor, Facts
from consent.vocabulary import Action, ActorKind, DataClass, GranteeKind, Purpose
from consent.window import ALL_DAYS, Window
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
    *[replace(HEAD, acr=1)] * 2,
    *[NURSE] * 2,
    COLLEAGUE,
    ELSEWHERE,
    OTHER_DOCTOR,
]
ACTORS = [
    *[RESIDENT] * 3,
    *[STRANGER] * 4,
    *[STATISTICS] * 5,
    CITY,
    OPERATOR,
    Actor(ActorKind.SERVICE, "another"),
]
GRANTEES = [
    *[Grantee(GranteeKind.PRACTITIONER, ZHOU)] * 18,
    *[Grantee(GranteeKind.CLINIC, CLINIC)] * 6,
    *[Grantee(GranteeKind.ROLE, f"{CLINIC}:nurse")] * 6,
    Grantee(GranteeKind.ROLE, f"{CLINIC}:family-doctor"),
    Grantee(GranteeKind.ROLE, f"{OTHER_CLINIC}:nurse"),
    Grantee(GranteeKind.CLINIC, OTHER_CLINIC),
    Grantee(GranteeKind.ROLE, CLINIC),
    Grantee(GranteeKind.PRACTITIONER, HE),
    *[Grantee(GranteeKind.SERVICE, "statistics")] * 7,
    Grantee(GranteeKind.SERVICE, "another"),
    Grantee(GranteeKind.CLINIC, ZHOU),
    Grantee(GranteeKind.LINK, ZHOU),
]
CARES = {Purpose.CARE, Purpose.SELF_CARE}
DATES = [date(2025, 1, 1), date(2025, 6, 1), date(2026, 1, 1)]
DAYS = [*[None] * 16, *DATES * 8, date.min, date.max]
MOMENT = timedelta(microseconds=1)
FIVE_MINUTES = timedelta(minutes=5)
FOUR_HOURS = timedelta(hours=4)
DAY = timedelta(days=1)
AROUND = [-9 * DAY, -SECOND, -MOMENT, timedelta(), MOMENT, SECOND, 9 * DAY]
"""How far from now something begins or ends: where it matters most, and well away from there."""
SOON = [timedelta(minutes=2), FIVE_MINUTES - MOMENT, FIVE_MINUTES, timedelta(minutes=20)]
PASSED, AHEAD = AROUND[:4], AROUND[4:]
BEGINS = [*PASSED * 8, *AHEAD]
ENDS = [None, None, *PASSED, *AHEAD * 6, *SOON]
WITHDRAWN = [*[None] * 16, -SECOND, SECOND]
OUTDATED = [*[None] * 40, *AROUND, *SOON]
GROWN_UP = [None, None, *AROUND, *PASSED, *AHEAD, *SOON]
INSTANTS = [NOW + distance for distance in AROUND]
MINUTES = [NOW + distance for distance in SOON]
OPENED = [
    None,
    *(timedelta(), MOMENT, -MOMENT, SECOND, -SECOND, timedelta(hours=-2)),
    *(
        -FOUR_HOURS + distance
        for distance in (*SOON, SECOND, MOMENT, timedelta(), -MOMENT, -SECOND)
    ),
]
"""How far from now break-glass was opened; one that was opened later is no emergency yet."""
ENDED = [
    *[None] * 2,
    *(timedelta(), -MOMENT, -FOUR_HOURS),
    *[-DAY + distance for distance in (MOMENT, timedelta(), -MOMENT)] * 4,
]
"""How far from now the subject ended an emergency."""
GUARDIANS = [STRANGER.id, RESIDENT.id, ZHOU]
BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [BERLIN, ZoneInfo("Asia/Shanghai"), timezone(timedelta(hours=5, minutes=45))]
CLOCK_CHANGES = [
    datetime(2026, 10, 25, 2, 58, tzinfo=BERLIN),
    datetime(2026, 10, 25, 2, 1, tzinfo=BERLIN, fold=1),
    datetime(2026, 3, 29, 1, 58, tzinfo=BERLIN),
]
"""Here two times of one zone lie further apart, or nearer together, than their clocks say."""


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
    """One case. Seven in ten are a doctor asking where most things are in order."""
    usual = random.random() < 0.72
    actor = random.choice(DOCTORS) if usual else random.choice(ACTORS)
    purpose, action = _for(random, actor)
    request = AccessRequest(
        actor,
        LIN,
        purpose,
        action,
        _some(random, CLASSES, random.random() > 0.2, 8),
        ("aura",) if random.random() < 0.03 else (),
        _window(random),
    )
    now = random.choice(CLOCK_CHANGES) if random.random() < 0.05 else NOW
    number = random.choice((0, 2, 4, 6, 7, 8, 8))
    spare, *ids = [UUID(int=one) for one in random.sample(range(1 << 60), number + 1)]
    grants = [grant(random, id, now) for id in ids]
    if grants and random.random() < 0.6:
        grants.append(_twin(random, random.choice(grants), spare))
    contract = random.random() < 0.8
    facts = Facts(
        subject_status=random.choice(("active",) * 40 + ("erased", "erased", "unknown")),
        revision=random.randint(0, 9),
        contract_in_force=contract,
        stepped_up=random.random() < 0.5,
        deny_all=random.random() < 0.05,
        clinic_contract=contract if random.random() < 0.7 else not contract,
        guardians=frozenset(random.sample(GUARDIANS, random.randint(0, 3))),
        minor_until=_at(random, now, GROWN_UP),
        emergency_since=_at(random, now, OPENED),
        emergency_refused=random.random() < 0.1,
        emergency_opening=random.random() < 0.5,
        emergency_ended=_at(random, now, ENDED),
    )
    if random.random() < 0.02:
        request = _strange(random, request)
    return Situation(request, tuple(grants), facts, now)


def _for(random: Random, actor: Actor) -> tuple[Purpose, Action]:
    if random.random() < 0.1:
        return random.choice(list(Purpose)), random.choice(list(Action))
    if actor.kind is ActorKind.SERVICE:
        return Purpose.STATISTICS, Action.AGGREGATE
    if actor.kind is ActorKind.RESIDENT:
        return Purpose.SELF_CARE, random.choice(list(Action))
    purposes = [*[Purpose.CARE] * 5, *[Purpose.SELF_CARE] * 3, *[Purpose.EMERGENCY] * 2]
    action = Action.READ if random.random() < 0.95 else Action.WRITE
    return random.choice(purposes), action


def _window(random: Random) -> Window | None:
    if random.random() < 0.3:
        return Window(random.choice(DAYS), random.choice(DAYS))
    return ALL_DAYS if random.random() < 0.05 else None


def _strange(random: Random, request: AccessRequest) -> AccessRequest:
    """Where a word of the vocabulary should be one that it has not, or only the text of one."""
    kind: Any = random.choice(("robot", request.actor.kind.value))
    strange: list[dict[str, Any]] = [
        {"actor": replace(request.actor, kind=kind)},
        {"purpose": random.choice(("marketing", request.purpose.value))},
        {"action": random.choice(("sell", request.action.value))},
        {"classes": request.classes | {"aura"}},
        {"classes": frozenset(one.value for one in request.classes)},
    ]
    return replace(request, **random.choice(strange))


def grant(random: Random, id: UUID, now: datetime = NOW) -> Grant:
    grantee = random.choice(GRANTEES)
    classes = _some(random, CLASSES, 1, 8) if random.random() < 0.95 else frozenset()
    service = grantee.kind is GranteeKind.SERVICE
    deny = random.random() < 0.1
    made = Grant(
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
        valid_from=_at(random, now, BEGINS) or now,
        valid_until=_at(random, now, ENDS),
        separate_consent=classes if random.random() < 0.7 else _some(random, CLASSES, 0, 6),
        uses_left=random.choice((None,) * 12 + (-1, 0, 1, 1, 2)),
        deny=deny,
        withdrawn_at=_at(random, now, WITHDRAWN),
        basis=random.choice(("resident", "resident", "care-contract")),
        outdated_from=_at(random, now, OUTDATED),
    )
    return _emptied(random, made) if deny and random.random() < 0.4 else made


def _emptied(random: Random, deny: Grant) -> Grant:
    nothing: dict[str, Any] = {random.choice(("purposes", "data_classes", "actions")): frozenset()}
    return replace(deny, **nothing)


def _twin(random: Random, one: Grant, id: UUID) -> Grant:
    """The same grant again, or one that differs where two offers would otherwise be equal."""
    first, last = one.observations_from, one.observations_to
    days: dict[str, Any] = {}
    if first is not None and last is not None and date.min < first <= last < date.max:
        days = {"observations_from": first + DAY, "observations_to": last + DAY}
    alike: list[dict[str, Any]] = [
        {},
        {"id": id},
        {"id": id, **days},
        {"id": id, **days},
        {"id": id, "uses_left": random.choice((None, 1, 2))},
        {"id": id, "grantee": random.choice(GRANTEES)},
        {"id": id, "data_classes": one.data_classes | _some(random, CLASSES, 0, 2)},
    ]
    return replace(one, **random.choice(alike))


def _at(random: Random, now: datetime, distances: Sequence[timedelta | None]) -> datetime | None:
    """One of these distances from now, told by the clock of one zone or another."""
    distance = random.choice(distances)
    if distance is None:
        return None
    # To add is to move the hands of a clock, so add where no clock is ever changed.
    moment = now.astimezone(UTC) + distance
    if now.tzinfo is not UTC and random.random() < 0.8:
        return moment.astimezone(now.tzinfo)
    return moment if random.random() < 0.95 else moment.astimezone(random.choice(ZONES))


def _some(random: Random, items: list[Item], least: int, most: int) -> frozenset[Item]:
    return frozenset(random.sample(items, random.randint(least, min(most, len(items)))))


def _often(random: Random, value: frozenset[Item]) -> frozenset[Item]:
    return value if random.random() < 0.9 else frozenset()
