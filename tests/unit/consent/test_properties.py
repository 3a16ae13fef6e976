"""What must hold for every request, grants and facts.

One permit has one window, so a smaller set of grants may lead to another permit of fewer classes
and more days. What may never grow is what can be opened at all: the pairs of one class and one day
of observation that some request can open. That is what "opens" means here.
"""

from dataclasses import replace
from datetime import date
from random import Random
from uuid import UUID

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from consent.grant import Grantee
from consent.request import Actor
from consent.vocabulary import DataClass, GranteeKind
from consent.window import ALL_DAYS, Window
from tests.unit.consent.cases import Situation, grant, situation
from tests.unit.consent.people import CITY, NOW, OPERATOR, RESIDENT, STRANGER

PROBES = [date(1990, 1, 1), date(2025, 1, 1), date(2025, 3, 1), date(2025, 6, 1), date(2026, 2, 1)]
Point = tuple[DataClass, date]

# A seed, not `st.randoms()`: that one prefers small draws, and such cases are nearly all refused.
randoms = st.integers(0, 2**64 - 1).map(Random)
cases = randoms.map(situation)
many = settings(max_examples=150, deadline=None)


def one_granted(random: Random) -> Situation:
    """The first case of many that a grant opens."""
    while True:
        case = situation(random)
        if case.decided().grant is not None:
            return case


granted_cases = randoms.map(one_granted)


def opens(case: Situation) -> set[Point]:
    """Every class and day that some request by this actor for this purpose and action opens."""
    return {
        (data_class, day)
        for data_class in DataClass
        for day in PROBES
        if replace(
            case,
            request=replace(case.request, classes=frozenset({data_class}), window=Window(day, day)),
        )
        .decided()
        .allow
    }


def opened_at_once(case: Situation) -> set[Point]:
    decision = case.decided()
    window = decision.window or ALL_DAYS
    return {(c, day) for c in decision.classes for day in PROBES if window.holds(day)}


def test_many_cases_open_something() -> None:
    random = Random(7)
    opening = [case for _ in range(300) if opens(case := situation(random))]
    assert len(opening) > 300 / 4
    assert sum(case.decided().grant is not None for case in opening) > 300 / 7


@many
@given(cases)
def test_a_permit_opens_no_more_than_its_parts(case: Situation) -> None:
    assert opened_at_once(case) <= opens(case)


@many
@given(randoms)
def test_adding_a_deny_never_opens(random: Random) -> None:
    case = situation(random)
    deny = replace(grant(random, UUID(int=99)), deny=True)
    stricter = case.with_grants([*case.grants, deny])
    assert opens(stricter) <= opens(case)
    assert stricter.decided().allow <= case.decided().allow


@many
@given(randoms)
def test_removing_a_grant_never_opens(random: Random) -> None:
    case = situation(random)
    permitting = [one for one in case.grants if not one.deny]
    assume(permitting)
    gone = random.choice(permitting)
    fewer = case.with_grants([one for one in case.grants if one is not gone])
    assert opens(fewer) <= opens(case)
    assert fewer.decided().allow <= case.decided().allow


@many
@given(randoms)
def test_a_withdrawal_never_opens(random: Random) -> None:
    case = situation(random)
    permitting = [one for one in case.grants if not one.deny]
    assume(permitting)
    gone = random.choice(permitting)
    after = case.with_grants(
        [replace(one, withdrawn_at=NOW) if one is gone else one for one in case.grants]
    )
    assert opens(after) <= opens(case)
    assert after.decided().grant != gone.id
    assert after.decided().allow <= case.decided().allow


@many
@given(randoms, st.sampled_from(list(GranteeKind)))
def test_a_foreign_grant_changes_nothing(random: Random, kind: GranteeKind) -> None:
    case = situation(random)
    foreign = replace(grant(random, UUID(int=99)), grantee=Grantee(kind, "somebody else"))
    assert case.with_grants([*case.grants, foreign]).decided() == case.decided()


@many
@given(randoms)
def test_the_order_of_grants_does_not_matter(random: Random) -> None:
    case = situation(random)
    shuffled = random.sample(case.grants, len(case.grants))
    assert case.with_grants(shuffled).decided() == case.decided()


@many
@given(cases)
def test_every_class_asked_for_is_permitted_or_withheld(case: Situation) -> None:
    decision = case.decided()
    assert decision.classes <= case.request.classes
    assert decision.withheld.keys() == case.request.classes - decision.classes
    assert decision.allow is bool(decision.classes)
    assert (decision.permit is not None) is decision.allow


@many
@given(granted_cases)
def test_a_permit_says_what_its_decision_says(case: Situation) -> None:
    decision = case.decided()
    permit = decision.permit
    assert permit is not None
    permit.verify(case.now)
    assert permit.subject == case.request.subject
    assert permit.actor == case.request.actor
    assert (permit.purpose, permit.action) == (case.request.purpose, case.request.action)
    assert (permit.classes, permit.window) == (decision.classes, decision.window)
    assert (permit.grant, permit.rule) == (decision.grant, decision.rule)
    assert permit.revision == decision.revision == case.facts.revision
    assert not permit.owner


@many
@given(granted_cases)
def test_a_window_is_never_wider_than_grant_and_request(case: Situation) -> None:
    decision = case.decided()
    named = next(one for one in case.grants if one.id == decision.grant)
    window = decision.window or ALL_DAYS
    assert window.overlap(named.window) == window
    assert window.overlap(case.request.window or ALL_DAYS) == window
    assert not window.empty


@many
@given(granted_cases)
def test_a_permit_never_outlives_the_grant_it_names(case: Situation) -> None:
    decision = case.decided()
    named = next(one for one in case.grants if one.id == decision.grant)
    assert decision.permit is not None
    assert named.valid_until is None or decision.permit.expires_at <= named.valid_until


@many
@given(cases)
def test_losing_the_contract_never_opens(case: Situation) -> None:
    without = replace(case, facts=replace(case.facts, contract_in_force=False))
    assert opens(without) <= opens(case)


@many
@given(cases)
def test_deny_all_closes_everything_but_to_the_subject_and_a_childs_guardian(
    case: Situation,
) -> None:
    shut = replace(case, facts=replace(case.facts, deny_all=True))
    minor = case.facts.minor_until is not None and case.now < case.facts.minor_until
    guardian = case.request.actor == STRANGER and STRANGER.id in case.facts.guardians and minor
    own = case.request.actor == RESIDENT or guardian
    assert opens(shut) == (opens(case) if own else set())


@many
@given(cases)
def test_grants_never_matter_to_the_owner(case: Situation) -> None:
    own = replace(case, request=replace(case.request, actor=RESIDENT))
    assert own.decided() == own.with_grants([]).decided()


@many
@given(cases, st.sampled_from([CITY, OPERATOR]))
def test_city_and_operators_open_nothing(case: Situation, actor: Actor) -> None:
    theirs = replace(case, request=replace(case.request, actor=actor))
    assert opens(theirs) == set()
