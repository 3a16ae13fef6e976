"""For whom a job of the database runs: on PostgreSQL each audience is a role of its own (wall 4).

The doors say it once a request, the command line and the jobs once a run; `service.kit.db` takes
it along with every job. Who says nothing is `anyone`: somebody who has not signed in.
`chores` is what every process of the HTTP service does beside answering.
`upkeep` goes from resident to resident (`service.kit.guard.Crossing`).
`log` is nobody outside: it adds the entries of the access log at the end of a transaction.
`panel` is nobody outside either: it finds out who is on a practitioner's panel.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal

Audience = Literal[
    "anyone",
    "resident",
    "doctor",
    "city",
    "job",
    "operator",
    "chores",
    "upkeep",
    "log",
    "panel",
]

_current: ContextVar[Audience] = ContextVar("audience", default="anyone")


def current() -> Audience:
    """The audience of whoever is running here: a request, a command, a job."""
    return _current.get()


def speak_for(audience: Audience) -> None:
    """From here on this request (or thread) is that audience's."""
    _current.set(audience)


@contextmanager
def speaking_for(audience: Audience) -> Iterator[None]:
    """Inside, jobs of the database are that audience's."""
    token = _current.set(audience)
    try:
        yield
    finally:
        _current.reset(token)
