"""Connections of a pool lent for one look, none of which outlives the pool's owner."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine


class Lending:
    """Lends connections until it is closed; those that come back later are closed for good.

    Back in a pool that was disposed of in between they would stay open for ever.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_closed = False

    @contextmanager
    def of(self, engine: Engine) -> Iterator[Connection]:
        """A connection for this thread."""
        connection = engine.connect()
        try:
            yield connection
        finally:
            with self._lock:
                end(connection, for_good=self._is_closed)

    def close(self) -> None:
        """Before the pools are disposed of."""
        with self._lock:
            self._is_closed = True


def end(connection: Connection, *, for_good: bool) -> None:
    """Give it back to its pool, or close its line where the pool is given up."""
    if for_good and not connection.invalidated:
        connection.detach()
    connection.close()
