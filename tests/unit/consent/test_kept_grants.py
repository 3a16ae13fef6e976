"""Grants that are kept open answer as if they had just been opened, whatever was asked before."""

from dataclasses import replace
from datetime import timedelta
from random import Random
from uuid import UUID

import pytest

from consent.decide import decide
from consent.grants import MOST_REMEMBERED, Grants
from consent.request import AccessRequest
from consent.vocabulary import Action, Purpose
from consent.window import Window
from tests.unit.consent import cases
from tests.unit.consent.people import (
    BODY,
    DOCTOR,
    FACTS,
    LIFESTYLE,
    LIN,
    NOW,
    NURSE,
    SECOND,
    WANG,
    day,
    facts,
    grant,
)

ASKED = AccessRequest(DOCTOR, LIN, Purpose.CARE, Action.READ, frozenset({BODY, LIFESTYLE}))
MOMENTS = [*cases.INSTANTS, NOW - timedelta(hours=5), NOW + SECOND / 2, *cases.MINUTES]


@pytest.mark.parametrize("seed", range(60))
def test_whatever_was_asked_before_the_answer_is_that_of_fresh_grants(seed: int) -> None:
    random = Random(seed)
    plain = [cases.grant(random, UUID(int=number)) for number in range(20)]
    kept = Grants(plain)
    for _ in range(80):
        step = cases.situation(random)
        now = random.choice(MOMENTS)
        assert decide(step.request, kept, step.facts, now) == decide(
            step.request, plain, step.facts, now
        )


@pytest.mark.parametrize(
    "other",
    [
        replace(ASKED, actor=NURSE),
        replace(ASKED, actor=replace(DOCTOR, acr=1)),
        replace(ASKED, actor=replace(DOCTOR, clinic="c")),
        replace(ASKED, actor=replace(DOCTOR, roles=frozenset({"nurse"}))),
        replace(ASKED, subject=WANG),
        replace(ASKED, purpose=Purpose.SELF_CARE),
        replace(ASKED, action=Action.WRITE),
        replace(ASKED, classes=frozenset({BODY})),
        replace(ASKED, window=Window(day("2025-01-01"), None)),
    ],
)
def test_no_part_of_a_request_is_forgotten(other: AccessRequest) -> None:
    """Each answer has a permit that is good, and for the very request it was asked with."""
    kept = Grants([grant(BODY, LIFESTYLE, purposes=frozenset(Purpose))])
    for request in (ASKED, other, ASKED, other):
        decision = decide(request, kept, FACTS, NOW)
        if decision.permit is None:
            assert request.actor == NURSE
            continue
        decision.permit.verify(NOW)
        assert decision.permit.actor == request.actor
        assert decision.permit.subject == request.subject
        assert decision.permit.window == request.window
        assert (decision.permit.purpose, decision.permit.action) == (
            request.purpose,
            request.action,
        )


def test_losing_the_contract_is_seen_at_once() -> None:
    kept = Grants([grant(BODY)])
    assert decide(ASKED, kept, FACTS, NOW).allow
    assert decide(ASKED, kept, facts(contract_in_force=False), NOW).rule == "no-contract"
    assert decide(ASKED, kept, facts(deny_all=True), NOW).rule == "deny-all"
    assert decide(ASKED, kept, facts(subject_status="erased"), NOW).rule == "erased"


def test_time_passes_both_ways() -> None:
    kept = Grants([grant(BODY, valid_from=NOW, valid_until=NOW + SECOND)])
    moments = [NOW, NOW + SECOND, NOW - SECOND, NOW + SECOND / 2, NOW + SECOND, NOW]
    rules = [decide(ASKED, kept, FACTS, now).rule for now in moments]
    assert rules == [
        "signed-doctor",
        "expired",
        "not-yet-valid",
        "signed-doctor",
        "expired",
        "signed-doctor",
    ]


def test_the_revision_is_that_of_the_facts_each_time() -> None:
    kept = Grants([grant(BODY)])
    for revision in (1, 2, 1):
        permit = decide(ASKED, kept, facts(revision=revision), NOW).permit
        assert permit is not None
        assert permit.revision == revision


def test_the_text_of_a_word_is_not_the_word_even_after_the_word_was_asked() -> None:
    kept = Grants([grant(BODY)])
    assert decide(ASKED, kept, FACTS, NOW).allow
    for change in ({"purpose": "care"}, {"action": "read"}):
        text = replace(ASKED, **change)  # type: ignore[arg-type]
        assert decide(text, kept, FACTS, NOW).rule == "unknown-word"
    spelled = replace(ASKED, actor=replace(DOCTOR, kind="practitioner"))  # type: ignore[arg-type]
    assert decide(spelled, kept, FACTS, NOW).rule == "unknown-word"


def test_what_is_remembered_is_bounded() -> None:
    kept = Grants([grant(BODY)])
    for number in range(MOST_REMEMBERED * 3):
        asker = replace(DOCTOR, id=f"doctor {number}")
        assert decide(replace(ASKED, actor=asker), kept, FACTS, NOW).rule == "no-grant"
    assert len(kept._openings) <= MOST_REMEMBERED
    assert decide(ASKED, kept, FACTS, NOW).allow


def test_is_a_collection_of_its_grants() -> None:
    grants = [grant(BODY, number=1), grant(LIFESTYLE, number=2)]
    assert list(Grants(grants)) == grants
    assert len(Grants(grants)) == 2
    assert len(Grants()) == 0
