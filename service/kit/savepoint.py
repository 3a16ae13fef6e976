"""Undoing a part of a transaction, through the driver itself.

SQLAlchemy's nested transaction does the same; its two statements cost a short read more than the
decision on it does.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from service.kit import wire
from service.kit.guard import guard_of
from service.kit.prepared import plainly


@contextmanager
def savepoint(connection: Connection) -> Iterator[None]:
    """What an error that leaves the block had written is undone, and nothing else.

    An undoing that fails is raised in place of the error: nobody may go on as if it had been done.
    """
    _say(connection, "SAVEPOINT kangma")
    try:
        yield
    except BaseException:
        # What wall 4 was told inside is forgotten with it.
        guard_of(connection).stale = True
        _say(connection, "ROLLBACK TO SAVEPOINT kangma")
        _say(connection, "RELEASE SAVEPOINT kangma")
        raise
    _say(connection, "RELEASE SAVEPOINT kangma")


def _say(connection: Connection, text: str) -> None:
    if connection.dialect.name == "postgresql":
        wire.say(connection, text.encode())
    else:
        plainly(connection, text)
