"""What must hold for every request, grants and facts.

One permit has one window, so a smaller set of grants may lead to another permit of fewer classes
and more days. What may never grow is what can be opened at all: the pairs of one class and one day
of observation that some request can open. That is what "opens" means here.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from uuid import UUID

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from consent.grant import Grantee
from consent.request import Actor, Facts
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
    assert sum(case.decided().grant is not None for case in opening) > 300 / 9


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
        [replace(one, withdrawn_at=NOW) if one == gone else one for one in case.grants]
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


@many
@given(randoms)
def test_repeated_grants_change_nothing(random: Random) -> None:
    case = situation(random)
    again = random.choices(case.grants, k=4) if case.grants else []
    assert case.with_grants([*case.grants, *again]).decided() == case.decided()


@many
@given(cases)
def test_a_permit_ends_within_five_minutes_and_with_whatever_it_rests_on(case: Situation) -> None:
    permit = case.decided().permit
    assume(permit is not None)
    assert permit is not None
    longest = case.now.astimezone(UTC) + timedelta(minutes=5)
    assert case.now < permit.expires_at <= longest
    if permit.expires_at < longest:
        since = case.facts.emergency_since
        denials = {one.valid_from for one in case.grants if one.deny}
        ends = {
            "guardian": {case.facts.minor_until},
            "break-glass": {since and since + timedelta(hours=4), *denials},
        }.get(permit.rule, {one.ends_at for one in case.grants} | denials)
        assert permit.expires_at in ends


@many
@given(randoms)
def test_after_its_end_a_grant_is_as_good_as_none(random: Random) -> None:
    case = situation(random)
    permitting = [one for one in case.grants if not one.deny and one.ends_at is not None]
    assume(permitting)
    gone = random.choice(permitting)
    assert gone.ends_at is not None
    later = replace(case, now=max(case.now, gone.ends_at))
    without = later.with_grants([one for one in later.grants if one is not gone])
    assert opens(later) == opens(without)
    assert later.decided().grant != gone.id


@many
@given(cases)
def test_narrowing_a_request_opens_no_pair_that_was_closed_to_its_actor(case: Situation) -> None:
    """A narrower request may get another grant and so more of its classes at once, never a class
    and day that the actor could not have had by asking for it alone."""
    asked = sorted(case.request.classes)
    for dropped in asked:
        fewer = case.request.classes - {dropped}
        narrow = replace(case, request=replace(case.request, classes=fewer))
        assert opened_at_once(narrow) <= opens(case)


@many
@given(cases)
def test_every_class_withheld_for_another_grant_opens_alone(case: Situation) -> None:
    for data_class, rule in case.decided().withheld.items():
        alone = replace(case, request=replace(case.request, classes=frozenset({data_class})))
        assert alone.decided().allow is (rule == "another-grant")


STRICTER = {
    "contract_in_force": False,
    "clinic_contract": False,
    "stepped_up": False,
    "deny_all": True,
    "emergency_refused": True,
    "emergency_since": None,
    "emergency_opening": True,
    "emergency_ended": datetime(2099, 1, 1, tzinfo=UTC),
    "minor_until": None,
    "guardians": frozenset(),
    "subject_status": "erased",
}


@many
@given(cases, st.sampled_from(sorted(STRICTER)))
def test_a_stricter_fact_never_opens(case: Situation, fact: str) -> None:
    stricter = replace(case, facts=replace(case.facts, **{fact: STRICTER[fact]}))
    assert opens(stricter) <= opens(case)
    assert stricter.decided().allow <= case.decided().allow


def test_the_stricter_facts_are_all_that_a_decision_looks_at() -> None:
    assert STRICTER.keys() | {"revision"} == set(Facts.__dataclass_fields__)


@many
@given(cases, st.integers(0, 9))
def test_the_revision_opens_and_closes_nothing(case: Situation, revision: int) -> None:
    other = replace(case, facts=replace(case.facts, revision=revision))
    assert opens(other) == opens(case)
    assert other.decided().rule == case.decided().rule


@many
@given(cases)
def test_break_glass_never_opens_grade_5_nor_anything_unseen(case: Situation) -> None:
    decision = case.decided()
    if decision.rule == "break-glass" and decision.allow:
        assert all(one.grade < 5 for one in decision.classes)
        assert {"notify-subject", "review", "log-before-reveal"} <= decision.obligations
    elif decision.allow and decision.permit is not None and not decision.permit.owner:
        assert "log-before-reveal" in decision.obligations
        assert decision.grant is not None


@many
@given(cases)
def test_signing_in_better_never_closes(case: Situation) -> None:
    """More proof, more roles: what was open stays open (a deny to a role apart)."""
    assume(not any(one.deny for one in case.grants))
    actor = case.request.actor
    better = replace(actor, acr=max(actor.acr, 2), roles=actor.roles | {"nurse"})
    assert opens(case) <= opens(replace(case, request=replace(case.request, actor=better)))
