"""`decide` and the plain reference agree on every random case."""

from collections import Counter
from dataclasses import fields, replace
from datetime import UTC
from random import Random
from typing import Any

import pytest

from consent.decision import Decision, Permit
from consent.rules import RULES
from tests.unit.consent import reference
from tests.unit.consent.cases import Situation, situation
from tests.unit.consent.reached import EVERYTHING, reached

EACH = 25_000
"""A quarter of the 100,000 cases, so that the quarters can be compared side by side."""
OFTEN = 10
"""A comparison is worth what it touches: each quarter meets all of EVERYTHING this often."""


def told(decision: Decision) -> reference.Answer:
    """Every field of the decision and of its permit; only the seal has no place in the policy."""
    parts = values(decision)
    if decision.permit is not None:
        permit = values(decision.permit)
        del permit["seal"]
        permit["expires_at"] = decision.permit.expires_at.astimezone(UTC)
        parts["permit"] = permit
    return parts


def values(told: Decision | Permit) -> dict[str, Any]:
    return {field.name: getattr(told, field.name) for field in fields(told)}


def expected(case: Situation) -> reference.Answer:
    return reference.answer(case.request, case.grants, case.facts, case.now)


@pytest.mark.parametrize("seed", [1949, 1978, 2021, 20260504])
def test_agrees_with_the_reference_on_random_cases(seed: int) -> None:
    random = Random(seed)
    seen: Counter[str] = Counter()
    for number in range(EACH):
        case = situation(random)
        answer = expected(case)
        assert told(case.decided()) == answer, f"case {number}: {case}"
        seen.update(set(reached(case, answer)))
    rare = {name: seen[name] for name in EVERYTHING if seen[name] < OFTEN}
    assert rare == {}


def test_the_table_has_every_rule() -> None:
    assert set(reference.SENTENCES) == {rule.id for rule in RULES}


def test_both_refuse_a_now_without_a_zone() -> None:
    case = situation(Random(1))
    naive = replace(case, now=case.now.replace(tzinfo=None))
    with pytest.raises(ValueError, match="zone"):
        naive.decided()
    with pytest.raises(ValueError, match="zone"):
        expected(naive)
