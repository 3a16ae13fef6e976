"""Tests look at rows with statements of their own, for which nobody handed out a permit.

Such a statement is told by who runs it: a file of tests, itself or by calling a store. What the
service's own actions run stays guarded, in tests as anywhere.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection

from consent.decision import Permit
from service.kit import guard
from service.kit.guard import Guard, Need
from service.kit.guarded import GuardedSqlite, Judging
from service.kit.wire import Wire

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


@contextmanager
def statements_heard(hear: Callable[[str], object]) -> Iterator[None]:
    """Every statement of the service on either database meanwhile, whichever way it takes."""
    judged, judge, ask = GuardedSqlite.judged, Judging._judge, Wire._ask

    def on_sqlite(self: GuardedSqlite, text: str, *rest: Any) -> Any:
        hear(text)
        return judged(self, text, *rest)

    def on_postgresql(self: Judging, query: Any, rows: Any) -> None:
        hear(query if isinstance(query, str) else repr(query))
        judge(self, query, rows)

    def on_the_wire(self: Wire, *rest: Any) -> Any:
        hear(self._text.decode())
        return ask(self, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(GuardedSqlite, "judged", on_sqlite)
        patch.setattr(Judging, "_judge", on_postgresql)
        patch.setattr(Wire, "_ask", on_the_wire)
        yield
