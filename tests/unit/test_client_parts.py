"""The client's pure parts: waiting, problems, ids, and that both twins are one."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import kangma_client
from kangma_client import RetryPolicy
from kangma_client._problems import BY_CODE, Problem, ServerFault, problem_of
from kangma_client._retry import retry_after_seconds
from kangma_client._shapes import with_ids

ROOT = Path(__file__).resolve().parents[2]


def test_sync_client_is_generated_from_the_async_one() -> None:
    script = ROOT / "clients" / "python" / "generate_sync.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_exports_are_complete() -> None:
    problems = {kind.__name__ for kind in BY_CODE.values()}
    assert problems <= set(kangma_client.__all__)
    assert all(hasattr(kangma_client, name) for name in kangma_client.__all__)


@pytest.mark.parametrize("code", sorted(BY_CODE))
def test_every_problem_type_has_its_class(code: str) -> None:
    problem = problem_of(400, {"code": code, "detail": "why", "rule": "r", "errors": []})
    assert type(problem) is BY_CODE[code]
    assert str(problem) == "why"
    assert problem.rule == "r"


def test_unknown_answers_still_become_problems() -> None:
    assert type(problem_of(418, {"code": "teapot"})) is Problem
    assert type(problem_of(502, "<html>")) is ServerFault


@given(st.integers(0, 10), st.floats(0, 1))
def test_waits_stay_within_the_doubling_bound(attempt: int, dice: float) -> None:
    policy = RetryPolicy(attempts=5, base=0.1, cap=2.0)
    wait = policy.wait(attempt, None, lambda low, high: low + dice * (high - low))
    if attempt >= 4:
        assert wait is None
    else:
        assert wait is not None
        assert 0 <= wait <= min(2.0, 0.1 * 2**attempt)


def test_retry_after_is_a_floor_and_has_a_limit() -> None:
    policy = RetryPolicy(longest=60)
    assert policy.wait(0, 5.0, lambda low, high: low) == 5.0
    assert policy.wait(0, 3600.0) is None


def test_retry_after_is_read_in_both_forms() -> None:
    now = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
    assert retry_after_seconds("7") == 7.0
    assert retry_after_seconds("Sun, 22 Nov 2026 08:00:30 GMT", now) == 30.0
    assert retry_after_seconds("Sun, 22 Nov 2026 07:00:00 GMT", now) == 0.0
    assert retry_after_seconds("soon") is None
    assert retry_after_seconds(None) is None


def test_records_get_ids_once() -> None:
    first = with_ids([{"kind": "observation"}, {"id": "kept"}])
    assert first[1]["id"] == "kept"
    assert with_ids(first) == first
