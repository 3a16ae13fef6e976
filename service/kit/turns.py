"""Whose turn it is to write to a SQLite file that several processes write to.

SQLite lets whoever asks first have the lock and everybody else ask again after a nap, so a process
beside two busy ones may starve for longer than its patience (seen: 30 s beside two servers). A lock
of the operating system wakes who waits. It decides nothing but the order: SQLite's own lock is what
keeps writers apart, and whoever does not take turns (a migration, a tool) is only less lucky.
"""

import fcntl
import os
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType

from sqlalchemy import URL

ENDING = "-turn"
"""The empty file beside the database, like SQLite's own `-wal` and `-shm`."""


class Turn:
    """A turn at one file, held while in its `with`; the end of the process ends it too."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file: int | None = None

    def __enter__(self) -> None:
        if self._file is None:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._file is not None
        fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of the file; the next turn opens it anew."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def turn_at(url: URL, ending: str = ENDING) -> AbstractContextManager[None]:
    """The turn at a database: of its file for SQLite, nobody's elsewhere and in memory."""
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return nullcontext()
    return Turn(url.database + ending)
