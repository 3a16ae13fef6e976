"""Tests look at rows with statements of their own, for which nobody handed out a permit.

Such a statement is told by who runs it: a file of tests, itself or by calling a store. What the
service's own actions run stays guarded, in tests as anywhere.
"""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection

from consent.decision import Permit
from service.kit import guard
from service.kit.guard import Guard, Need

T = TypeVar("T")
ROOT = Path(__file__).parents[1]
_LIBRARY = "site-packages"
_PLUMBING = str(ROOT / "service" / "kit")
_TESTS = str(ROOT / "tests")


def let_tests_look(patch: pytest.MonkeyPatch) -> None:
    """From here on a refused statement runs when it was a test that wrote it."""
    refusing = Guard.allows

    def allows(self: Guard, need: Need, rows: Iterable[Iterable[Any]]) -> bool:
        return refusing(self, need, rows) or _is_of_a_test()

    patch.setattr(Guard, "allows", allows)


def _is_of_a_test() -> bool:
    frame = sys._getframe(2)
    while frame is not None:
        file = frame.f_code.co_filename
        passed_on = _LIBRARY in file or file.startswith((_PLUMBING, "<")) or _is_store(file)
        if not passed_on:
            return file.startswith(_TESTS) and file != __file__
        frame = frame.f_back
    return False


def _is_store(file: str) -> bool:
    return file.endswith("/store.py")


def carrying(permit: Permit, job: Callable[[Connection], T]) -> Callable[[Connection], T]:
    """A job that brings along a permit of an earlier one, which the service itself never does."""

    def run(conn: Connection) -> T:
        guard.admit(conn, permit)
        return job(conn)

    return run
