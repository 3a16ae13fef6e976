"""What another process does while one is stopped in the middle of its own transaction.

For PostgreSQL: SQLite has one writer at a time, which the other would wait for.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, Generic, TypeVar

from sqlalchemy import Engine

T = TypeVar("T")

ONE_WRITER = "SQLite has one writer at a time: nothing is written meanwhile"
PATIENCE = 60.0
"""Seconds after which what has neither come nor ended fails the test, on a machine however slow."""
_WAITING = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


class Meanwhile(Generic[T]):
    """One act in a thread of its own. `beneath` is the data store, as a superuser."""

    def __init__(self, beneath: Engine, act: Callable[[], T]) -> None:
        self._beneath = beneath
        self._act = act
        self._pool = ThreadPoolExecutor(1)
        self._begun = False
        self._done: Future[T] | None = None

    def begin(self) -> None:
        """Return once the act is over, or waits for a row that whoever is stopped here holds."""
        self._begun = True
        self._done = self._pool.submit(copy_context().run, self._act)
        end = time.monotonic() + PATIENCE
        while not self._done.done() and not self._waits():
            assert time.monotonic() < end, "neither over nor waiting"
            time.sleep(0.005)

    def before(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """`call`, which lets the act begin before the first time it does anything."""

        def stopped(*args: Any, **more: Any) -> Any:
            # The act may well come by here itself.
            if not self._begun:
                self.begin()
            return call(*args, **more)

        return stopped

    def result(self) -> T:
        """What the act answered."""
        assert self._done is not None, "nobody was stopped"
        self._pool.shutdown()
        return self._done.result(PATIENCE)

    def _waits(self) -> bool:
        with self._beneath.connect() as conn:
            return bool(conn.exec_driver_sql(_WAITING).scalar_one())
