"""What the rules look at: one small test for each row of the table in `consent.rules`.

A test says whether its row applies, and nothing else. Tests of the request see the whole `Case`,
tests of a grant one grant that names the asker, the purpose, the action and some class asked for.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from consent.grant import BY_RESIDENT, STATISTICS_SERVICE, Grant
from consent.request import AccessRequest, Facts
from consent.vocabulary import ALL_CLASSES, Action, ActorKind, DataClass, GranteeKind, Purpose
from consent.window import ALL_DAYS, Window

SENSITIVE: frozenset[DataClass] = frozenset(c for c in DataClass if c.separate_consent)
OWNER_ACTIONS = frozenset({Action.MANAGE, Action.ERASE})
STEP_UP_ACTIONS = frozenset({Action.EXPORT, Action.ERASE})

BREAK_GLASS_LIFE = timedelta(hours=4)
BREAK_GLASS_ACR = 2
NEVER_IN_EMERGENCY: frozenset[DataClass] = frozenset(c for c in DataClass if c.grade >= 5)
OF_CLINIC = frozenset({GranteeKind.CLINIC, GranteeKind.ROLE})


class Case(NamedTuple):
    """What a rule looks at. `subject_asks` and `guardian_asks` say in whose place the asker is."""

    request: AccessRequest
    facts: Facts
    now: datetime
    subject_asks: bool
    guardian_asks: bool
    window: Window

    @property
    def owner(self) -> bool:
        """Whether the asker acts as the owner: the subject, or the guardian of a child."""
        return self.subject_asks or self.guardian_asks


def case_of(request: AccessRequest, facts: Facts, now: datetime) -> Case:
    """The case of a request. A guardian asks as one until the very instant the child turns 14."""
    actor = request.actor
    subject_asks = guardian_asks = False
    if actor.kind is ActorKind.RESIDENT:
        subject_asks = actor.id == str(request.subject)
        minor = facts.minor_until is not None and now < facts.minor_until
        guardian_asks = minor and not subject_asks and actor.id in facts.guardians
    return Case(request, facts, now, subject_asks, guardian_asks, request.window or ALL_DAYS)


# Tests of the request as a whole.


def by_city(case: Case) -> bool:
    return case.request.actor.kind is ActorKind.CITY


def by_operator(case: Case) -> bool:
    return case.request.actor.kind is ActorKind.OPERATOR


def subject_erased(case: Case) -> bool:
    return case.facts.subject_status == "erased"


def subject_unknown(case: Case) -> bool:
    return case.facts.subject_status != "active"


def word_unknown(case: Case) -> bool:
    """A word the vocabulary lacks, whether the edge reported it or let it slip through."""
    request = case.request
    return (
        bool(request.unknown)
        or type(request.actor.kind) is not ActorKind
        or type(request.purpose) is not Purpose
        or type(request.action) is not Action
        or not request.classes <= ALL_CLASSES
    )


def nothing_asked(case: Case) -> bool:
    return not case.request.classes


def counted_otherwise(case: Case) -> bool:
    """Statistics and aggregation go together, and only the statistics service does them."""
    request = case.request
    statistics = request.purpose is Purpose.STATISTICS
    if statistics is not (request.action is Action.AGGREGATE):
        return True
    return statistics and not _by_statistics_service(case)


def guardian_no_more(case: Case) -> bool:
    """A registered guardian of somebody who is no child, or not any more."""
    actor = case.request.actor
    registered = actor.kind is ActorKind.RESIDENT and actor.id in case.facts.guardians
    return registered and not case.owner


def owner_act_by_other(case: Case) -> bool:
    return not case.owner and case.request.action in OWNER_ACTIONS


def others_shut_out(case: Case) -> bool:
    return not case.owner and case.facts.deny_all


def step_up_missing(case: Case) -> bool:
    return case.owner and case.request.action in STEP_UP_ACTIONS and not case.facts.stepped_up


# Tests of who may be permitted.


def by_subject(case: Case) -> bool:
    return case.subject_asks


def by_guardian(case: Case) -> bool:
    return case.guardian_asks


def holds_grants(case: Case) -> bool:
    """Whether the asker is of those whom a grant can open anything for this purpose."""
    if case.request.actor.kind is ActorKind.PRACTITIONER:
        return case.request.purpose is not Purpose.EMERGENCY
    return _by_statistics_service(case) and case.request.purpose is Purpose.STATISTICS


def in_emergency(case: Case) -> bool:
    request = case.request
    return request.actor.kind is ActorKind.PRACTITIONER and request.purpose is Purpose.EMERGENCY


def always(_: Case) -> bool:
    return True


def _by_statistics_service(case: Case) -> bool:
    actor = case.request.actor
    return actor.kind is ActorKind.SERVICE and actor.id == STATISTICS_SERVICE


# Tests of an emergency.


def more_than_reading(case: Case) -> bool:
    return case.request.action is not Action.READ


def weak_sign_in(case: Case) -> bool:
    return case.request.actor.acr < BREAK_GLASS_ACR


def emergency_refused(case: Case) -> bool:
    return case.facts.emergency_refused


def emergency_over(case: Case) -> bool:
    """Not opened, closed, four hours old to the second, or opened in the future."""
    since = case.facts.emergency_since
    return since is None or not since <= case.now < since + BREAK_GLASS_LIFE


# Tests of the grant that opens.


def to_signed_doctor(case: Case, grant: Grant) -> bool:
    return to_doctor(case, grant) and case.request.purpose is Purpose.CARE


def to_doctor(_: Case, grant: Grant) -> bool:
    return grant.grantee.kind is GranteeKind.PRACTITIONER


def to_clinic(_: Case, grant: Grant) -> bool:
    return grant.grantee.kind is GranteeKind.CLINIC


def to_role(_: Case, grant: Grant) -> bool:
    return grant.grantee.kind is GranteeKind.ROLE


def to_statistics(_: Case, grant: Grant) -> bool:
    return grant.grantee.kind is GranteeKind.SERVICE


# Tests of one grant that names the asker, the purpose, the action and some class asked for.


def withdrawn(_: Case, grant: Grant) -> bool:
    return grant.withdrawn_at is not None


def expired(case: Case, grant: Grant) -> bool:
    return grant.ended(case.now)


def not_yet_valid(case: Case, grant: Grant) -> bool:
    return not grant.begun(case.now)


def notice_outdated(case: Case, grant: Grant) -> bool:
    return grant.outdated(case.now)


def used_up(_: Case, grant: Grant) -> bool:
    return grant.uses_left is not None and grant.uses_left <= 0


def no_day_in_common(case: Case, grant: Grant) -> bool:
    if grant.observations_from is None and grant.observations_to is None:
        return case.window.empty
    return case.window.overlap(grant.window).empty


def contract_missing(case: Case, grant: Grant) -> bool:
    """Care needs a signed contract, and so does whatever was granted as a part of one.

    For a grant to a clinic or to a role in it, a contract with anybody of that clinic is enough.
    """
    facts = case.facts
    needed = case.request.purpose is Purpose.CARE or grant.basis != BY_RESIDENT
    of_clinic = grant.grantee.kind in OF_CLINIC
    return needed and not (facts.clinic_contract if of_clinic else facts.contract_in_force)


# Tests that answer with classes which they close.


def denied_classes(grant: Grant) -> frozenset[DataClass]:
    return (grant.data_classes or ALL_CLASSES) if grant.deny else frozenset()


def without_separate_consent(grant: Grant) -> frozenset[DataClass]:
    return SENSITIVE - grant.separate_consent


def never_in_emergency(_: Case) -> frozenset[DataClass]:
    return NEVER_IN_EMERGENCY
