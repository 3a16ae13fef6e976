"""`decide` and the plain reference agree on every random case."""

from collections import Counter
from dataclasses import fields
from datetime import UTC, timedelta
from random import Random
from typing import Any

import pytest

from consent.decision import Decision, Permit
from consent.rules import RULES
from tests.unit.consent import reference
from tests.unit.consent.cases import Situation, situation


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


def compared(case: Situation) -> reference.Answer:
    """What both say of a case, or the case on which they part."""
    expected = reference.answer(case.request, case.grants, case.facts, case.now)
    assert told(case.decided()) == expected, case
    return expected
