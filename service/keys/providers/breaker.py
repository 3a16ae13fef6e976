"""A circuit breaker: a service that failed several times in a row is left alone for a while.

Without it every request waits for its timeout while the other side is down, and the other side is
met by a crowd when it comes back. Open, it refuses at once; after a pause one call goes through to
see, and its outcome closes or opens it again.
"""

import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from consent.vocabulary import Text
from service.kit.errors import Unavailable

FAILURES = 5
"""So many in a row open the circuit."""
PAUSE = 10.0
"""Seconds until one call goes through again."""


class Breaker:
    """Counts failures (`Unavailable`) of what runs inside `guarding`; safe between threads."""

    def __init__(
        self,
        failures: int = FAILURES,
        pause: float = PAUSE,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._allowed = failures
        self._pause = pause
        self._clock = clock
        self.begin_anew()
        _breakers.add(self)

    def begin_anew(self) -> None:
        """Closed, as after a start; a forked child cannot trust a lock of its parent."""
        self._lock = threading.Lock()
        self._failed = 0
        self._again_at = 0.0

    @contextmanager
    def guarding(self) -> Iterator[None]:
        """Run one call. Unavailable at once while the circuit is open."""
        self._enter()
        try:
            yield
        except Unavailable:
            self._count()
            raise
        self._reset()

    def _enter(self) -> None:
        with self._lock:
            if self._failed < self._allowed:
                return
            now = self._clock()
            if now < self._again_at:
                raise Unavailable(_OPEN)
            # This call is the probe; until its outcome is known the others are still refused.
            self._again_at = now + self._pause

    def _count(self) -> None:
        with self._lock:
            self._failed += 1
            self._again_at = self._clock() + self._pause

    def _reset(self) -> None:
        # Without the lock: a healthy call pays nothing, and a number is set whole.
        if self._failed:
            with self._lock:
                self._failed = 0


_OPEN = Text(
    "密钥服务连续失败，暂停调用片刻。",
    "The key service failed several times in a row and is left alone for a while.",
)
_breakers: "weakref.WeakSet[Breaker]" = weakref.WeakSet()


def _begin_anew() -> None:
    for breaker in _breakers:
        breaker.begin_anew()


os.register_at_fork(after_in_child=_begin_anew)
