"""Replaying a history gives at each instant the decision that was made then."""

from collections import defaultdict
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

import pytest

from consent.decide import decide
from consent.decision import Decision
from consent.grant import Grant
from consent.replay import Asker, Timeline, replay, value_at
from consent.request import AccessRequest, Facts
from consent.vocabulary import Action, Purpose
from tests.unit.consent import cases
from tests.unit.consent.people import (
    BODY,
    DOCTOR,
    FACTS,
    LIFESTYLE,
    LIN,
    NOW,
    RESIDENT,
    SECOND,
    SOME,
    facts,
    grant,
)

CARE = AccessRequest(DOCTOR, LIN, Purpose.CARE, Action.READ, SOME)
ALWAYS: Timeline[Facts] = ((NOW - timedelta(days=999), FACTS),)
FIRST = grant(BODY, valid_until=None)
WIDER = replace(FIRST, version=2, data_classes=SOME)
WITHDRAWN = replace(WIDER, version=3, withdrawn_at=NOW)
VERSIONS: Timeline[Grant] = (
    (NOW - timedelta(days=10), FIRST),
    (NOW - timedelta(days=5), WIDER),
    (NOW, WITHDRAWN),
)


def only(instant_offset: timedelta) -> Decision:
    (decision,) = replay([VERSIONS], [Asker(CARE, ALWAYS)], NOW + instant_offset)
    return decision


class TestOneGrant:
    def test_is_not_there_before_it_was_given(self) -> None:
        assert only(timedelta(days=-11)).rule == "no-grant"

    def test_opens_what_each_version_opened_from_its_very_instant(self) -> None:
        assert only(timedelta(days=-10) - SECOND).rule == "no-grant"
        assert only(timedelta(days=-10)).classes == {BODY}
        assert only(timedelta(days=-5) - SECOND).classes == {BODY}
        assert only(timedelta(days=-5)).classes == SOME
        assert only(-SECOND).classes == SOME

    def test_is_withdrawn_from_that_instant_on_and_not_before(self) -> None:
        assert only(timedelta(0)).rule == "withdrawn"
        assert only(timedelta(days=400)).rule == "withdrawn"

    def test_ends_by_itself_at_its_end(self) -> None:
        ending: Timeline[Grant] = ((NOW, replace(FIRST, valid_until=NOW + 5 * SECOND)),)
        at_4, at_5 = (replay([ending], [Asker(CARE, ALWAYS)], NOW + n * SECOND)[0] for n in (4, 5))
        assert (at_4.rule, at_5.rule) == ("signed-doctor", "expired")


class TestFacts:
    def test_are_those_of_the_time(self) -> None:
        known: Timeline[Facts] = (
            (NOW - timedelta(days=20), facts(contract_in_force=False)),
            (NOW - timedelta(days=8), FACTS),
            (NOW - timedelta(days=2), facts(deny_all=True)),
        )
        rules = [
            replay([VERSIONS], [Asker(CARE, known)], NOW - timedelta(days=ago))[0].rule
            for ago in (9, 8, 3, 2)
        ]
        assert rules == ["no-contract", "signed-doctor", "signed-doctor", "deny-all"]

    def test_before_any_nobody_could_do_anything(self) -> None:
        own = replace(CARE, actor=RESIDENT, purpose=Purpose.SELF_CARE)
        known: Timeline[Facts] = ((NOW, FACTS),)
        decision = replay([], [Asker(own, known)], NOW - SECOND)[0]
        assert decision.rule == "unknown-subject"
        assert replay([], [Asker(own, known)], NOW)[0].rule == "own-record"


def test_nobody_looks_so_nobody_gets_a_permit() -> None:
    decision = only(-SECOND)
    assert decision.allow
    assert decision.permit is None


def test_answers_in_the_order_of_the_askers() -> None:
    own = replace(CARE, actor=RESIDENT, purpose=Purpose.SELF_CARE)
    narrow = replace(CARE, classes=frozenset({LIFESTYLE}))
    askers = [Asker(request, ALWAYS) for request in (narrow, own, CARE)]
    answers = replay([VERSIONS], askers, NOW - timedelta(days=7))
    assert [answer.rule for answer in answers] == ["no-grant", "own-record", "signed-doctor"]


def test_of_equal_instants_the_later_pair_counts() -> None:
    assert value_at(((NOW, 1), (NOW, 2)), NOW) == 2


def test_a_timeline_that_runs_backwards_is_an_error() -> None:
    with pytest.raises(ValueError, match="forward"):
        value_at(((NOW, 1), (NOW - SECOND, 2)), NOW)


@pytest.mark.parametrize("seed", range(40))
def test_any_history_replays_what_was_decided_while_it_happened(seed: int) -> None:
    """Live through a random history, deciding at each step; then replay all of it."""
    random = Random(seed)
    versions: defaultdict[UUID, list[tuple[datetime, Grant]]] = defaultdict(list)
    known: list[tuple[datetime, Facts]] = []
    current: dict[UUID, Grant] = {}
    case = cases.situation(random)
    lived = []
    for minute in range(30):
        instant = NOW + timedelta(minutes=minute)
        id_ = UUID(int=random.randint(1, 5))
        current[id_] = replace(cases.grant(random, id_), version=minute)
        versions[id_].append((instant, current[id_]))
        step = cases.situation(random)
        known.append((instant, step.facts))
        lived.append((instant, decide(case.request, current.values(), step.facts, instant)))
    timelines = [tuple(history) for history in versions.values()]
    for instant, decision in lived:
        (again,) = replay(timelines, [Asker(case.request, tuple(known))], instant)
        assert again == replace(decision, permit=None)
