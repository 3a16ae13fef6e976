"""`decide` and the plain reference agree on every random case."""

from collections import Counter
from random import Random

import pytest

from consent.decision import Decision
from consent.rules import RULES
from tests.unit.consent import reference
from tests.unit.consent.cases import situation


def told(decision: Decision) -> reference.Answer:
    permit = decision.permit
    return reference.Answer(
        decision.allow,
        decision.rule,
        decision.grant,
        decision.classes,
        dict(decision.withheld),
        decision.window,
        permit is not None and permit.owner,
        None if permit is None else permit.expires_at,
        decision.obligations,
    )


@pytest.mark.parametrize(
    ("seed", "cases"),
    [
        pytest.param(20260504, 20_000, id="20,000"),
        pytest.param(1949, 100_000, id="100,000", marks=pytest.mark.slow),
    ],
)
def test_agrees_with_the_reference_on_random_cases(seed: int, cases: int) -> None:
    random = Random(seed)
    seen: Counter[str] = Counter()
    for number in range(cases):
        case = situation(random)
        decision = case.decided()
        expected = reference.answer(case.request, case.grants, case.facts, case.now)
        assert told(decision) == expected, f"case {number}: {case}"
        seen.update({decision.rule, *decision.withheld.values()})
    # A comparison is worth what it touches: every rule must have decided many cases.
    rare = {rule.id: seen[rule.id] for rule in RULES if seen[rule.id] < 20}
    assert rare == {}
