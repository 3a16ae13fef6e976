"""What the rules look at: one small test for each row of the table in `consent.rules`.

A test says whether its row applies, and nothing else. There are three kinds of matter, and each
holds all that its tests may look at: the request as a whole is a `Case`, what is asked of grants a
`Claim`, and an emergency is judged on request and facts.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from consent.grant import BY_RESIDENT, STATISTICS_SERVICE, Grant
from consent.request import AccessRequest, Actor, Facts
from consent.vocabulary import ALL_CLASSES, Action, ActorKind, DataClass, GranteeKind, Purpose
from consent.window import Window

SENSITIVE: frozenset[DataClass] = frozenset(c for c in DataClass if c.separate_consent)
OWNER_ACTIONS = frozenset({Action.MANAGE, Action.ERASE})
STEP_UP_ACTIONS = frozenset({Action.EXPORT, Action.ERASE})

BREAK_GLASS_LIFE = timedelta(hours=4)
BREAK_GLASS_ACR = 2
BREAK_GLASS_REST = timedelta(hours=24)
NEVER_IN_EMERGENCY: frozenset[DataClass] = frozenset(c for c in DataClass if c.grade >= 5)
OF_CLINIC = frozenset({GranteeKind.CLINIC, GranteeKind.ROLE})


class Place(StrEnum):
    """In whose place somebody asks."""

    SUBJECT = "subject"
    GUARDIAN = "guardian"
    FORMER_GUARDIAN = "former guardian"
    STATISTICS = "statistics service"
    OTHER = "other"


OWNERS = frozenset({Place.SUBJECT, Place.GUARDIAN})


def place_of(actor: Actor, subject: UUID, facts: Facts, now: datetime) -> Place:
    """A guardian asks as one until the very instant the child turns fourteen."""
    if actor.kind is ActorKind.PRACTITIONER:
        return Place.OTHER
    if actor.kind is ActorKind.RESIDENT:
        if actor.id == _text(subject.int):
            return Place.SUBJECT
        if actor.id not in facts.guardians:
            return Place.OTHER
        minor = facts.minor_until is not None and now < facts.minor_until
        return Place.GUARDIAN if minor else Place.FORMER_GUARDIAN
    if actor.kind is ActorKind.SERVICE and actor.id == STATISTICS_SERVICE:
        return Place.STATISTICS
    return Place.OTHER


@lru_cache(maxsize=4096)
def _text(uuid: int) -> str:
    # Spelling out an id takes longer than all the rest of deciding about one's own record.
    return str(UUID(int=uuid))


class Case(NamedTuple):
    """All that the rules of the request as a whole look at. Equal cases have equal answers."""

    kind: ActorKind
    place: Place
    purpose: Purpose
    action: Action
    classes: frozenset[DataClass]
    unknown: bool
    subject_status: str
    deny_all: bool
    stepped_up: bool


def by_city(case: Case) -> bool:
    return case.kind is ActorKind.CITY


def by_operator(case: Case) -> bool:
    return case.kind is ActorKind.OPERATOR


def subject_erased(case: Case) -> bool:
    return case.subject_status == "erased"


def subject_unknown(case: Case) -> bool:
    return case.subject_status != "active"


def word_unknown(case: Case) -> bool:
    """A word the vocabulary lacks, whether the edge reported it or let it slip through."""
    return (
        case.unknown
        or type(case.kind) is not ActorKind
        or type(case.purpose) is not Purpose
        or type(case.action) is not Action
        or not case.classes <= ALL_CLASSES
    )


def nothing_asked(case: Case) -> bool:
    return not case.classes


def counted_otherwise(case: Case) -> bool:
    """Statistics and aggregation go together, and only the statistics service does them."""
    statistics = case.purpose is Purpose.STATISTICS
    if statistics is not (case.action is Action.AGGREGATE):
        return True
    return statistics and case.place is not Place.STATISTICS


def guardian_no_more(case: Case) -> bool:
    """A registered guardian of somebody who is no child, or not any more."""
    return case.place is Place.FORMER_GUARDIAN


def owner_act_by_other(case: Case) -> bool:
    return case.place not in OWNERS and case.action in OWNER_ACTIONS


def others_shut_out(case: Case) -> bool:
    return case.place not in OWNERS and case.deny_all


def step_up_missing(case: Case) -> bool:
    return case.place in OWNERS and case.action in STEP_UP_ACTIONS and not case.stepped_up


def by_subject(case: Case) -> bool:
    return case.place is Place.SUBJECT


def by_guardian(case: Case) -> bool:
    return case.place is Place.GUARDIAN


def holds_grants(case: Case) -> bool:
    """Whether the asker is of those whom a grant can open anything for this purpose."""
    if case.kind is ActorKind.PRACTITIONER:
        return case.purpose is not Purpose.EMERGENCY
    return case.place is Place.STATISTICS and case.purpose is Purpose.STATISTICS


def in_emergency(case: Case) -> bool:
    return case.kind is ActorKind.PRACTITIONER and case.purpose is Purpose.EMERGENCY


def always(*_: object) -> bool:
    return True


# Tests of an emergency.


def more_than_reading(request: AccessRequest, _: Facts, __: datetime) -> bool:
    return request.action is not Action.READ


def weak_sign_in(request: AccessRequest, _: Facts, __: datetime) -> bool:
    return request.actor.acr < BREAK_GLASS_ACR


def stale_sign_in(_: AccessRequest, facts: Facts, __: datetime) -> bool:
    """Asked of the opening alone: the four hours are not worth a proof every five minutes."""
    return facts.emergency_opening and not facts.stepped_up


def emergency_resting(_: AccessRequest, facts: Facts, now: datetime) -> bool:
    ended = facts.emergency_ended
    return facts.emergency_opening and ended is not None and now < ended + BREAK_GLASS_REST


def emergency_refused(_: AccessRequest, facts: Facts, __: datetime) -> bool:
    return facts.emergency_refused


def emergency_over(_: AccessRequest, facts: Facts, now: datetime) -> bool:
    """Not opened, closed, four hours old to the instant, or opened in the future."""
    since = facts.emergency_since
    return since is None or not since <= now < since + BREAK_GLASS_LIFE


class Claim(NamedTuple):
    """All that is looked at when grants are weighed, beside the grants and the time."""

    purpose: Purpose
    action: Action
    classes: frozenset[DataClass]
    window: Window
    contract_in_force: bool
    clinic_contract: bool


# Tests of the grant that opens.


def to_signed_doctor(claim: Claim, grant: Grant) -> bool:
    return to_doctor(claim, grant) and claim.purpose is Purpose.CARE


def to_doctor(_: Claim, grant: Grant) -> bool:
    return grant.grantee.kind is GranteeKind.PRACTITIONER


def to_clinic(_: Claim, grant: Grant) -> bool:
    return grant.grantee.kind is GranteeKind.CLINIC


def to_role(_: Claim, grant: Grant) -> bool:
    return grant.grantee.kind is GranteeKind.ROLE


def to_statistics(_: Claim, grant: Grant) -> bool:
    return grant.grantee.kind is GranteeKind.SERVICE


# Tests of one grant that names the asker, the purpose, the action and some class asked for.


def withdrawn(_: Claim, grant: Grant, __: datetime) -> bool:
    return grant.withdrawn_at is not None


def expired(_: Claim, grant: Grant, now: datetime) -> bool:
    return grant.ended(now)


def not_yet_valid(_: Claim, grant: Grant, now: datetime) -> bool:
    return not grant.begun(now)


def notice_outdated(_: Claim, grant: Grant, now: datetime) -> bool:
    return grant.outdated(now)


def used_up(_: Claim, grant: Grant, __: datetime) -> bool:
    return grant.uses_left is not None and grant.uses_left <= 0


def no_day_in_common(claim: Claim, grant: Grant, _: datetime) -> bool:
    return days_in_common(claim, grant).empty


def days_in_common(claim: Claim, grant: Grant) -> Window:
    """The days both asked for and granted, perhaps none."""
    if grant.observations_from is None and grant.observations_to is None:
        return claim.window
    return claim.window.overlap(grant.window)


def contract_missing(claim: Claim, grant: Grant, _: datetime) -> bool:
    """Care needs a signed contract, and so does whatever was granted as a part of one.

    For a grant to a clinic or to a role in it, a contract with anybody of that clinic is enough.
    """
    needed = claim.purpose is Purpose.CARE or grant.basis != BY_RESIDENT
    of_clinic = grant.grantee.kind in OF_CLINIC
    return needed and not (claim.clinic_contract if of_clinic else claim.contract_in_force)


# Tests that answer with classes which they close.


def denied_classes(grant: Grant) -> frozenset[DataClass]:
    return (grant.data_classes or ALL_CLASSES) if grant.deny else frozenset()


def without_separate_consent(grant: Grant) -> frozenset[DataClass]:
    return SENSITIVE - grant.separate_consent


def never_in_emergency() -> frozenset[DataClass]:
    return NEVER_IN_EMERGENCY
