"""Jobs, and what those of one group share: the questions before them and the end of all.

A group is one transaction of a writing connection (`service.kit.db`). A job in it may have sent
what it will ask first (`ahead`), so that PostgreSQL is waited for once, and may leave rows that
everybody's writes meet at for the moment before the commit (`together`).
"""

import asyncio
from collections.abc import Callable, Hashable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection

from service.kit.audience import Audience
from service.kit.guard import guard_of
from service.kit.prepared import pipelined

T = TypeVar("T")
TOGETHER, AHEAD = "kangma_together", "kangma_ahead"
"""Where a writing connection's `info` keeps what its jobs leave for the end of the group, and the
answers to what was asked ahead of them.
"""


@dataclass(slots=True)
class Job:
    """Work to do, and who waits for it: a thread (`done`) or a coroutine of `loop`."""

    run: Callable[[Connection], Any]
    key: bytes
    audience: Audience
    done: "Future[Any] | asyncio.Future[Any]"
    loop: asyncio.AbstractEventLoop | None = None
    ahead: Callable[[Connection], None] | None = None
    result: Any = None
    error: BaseException | None = None


def together(
    conn: Connection, act: Callable[[Connection, list[T]], None], items: Iterable[T]
) -> None:
    """Let `act` write `items` right before the commit, with those of the group's other jobs.

    For rows that everybody's writes meet at: one statement serves the whole group, and the lock
    they need is taken last and held for the shortest time, so that it is part of no deadlock. When
    `act` fails nothing of the group is kept. Outside of `Database.write` it acts at once.
    """
    waiting = conn.info.get(TOGETHER)
    if waiting is None:
        act(conn, list(items))
    else:
        waiting.setdefault(act, []).extend(items)


def asked_ahead(conn: Connection) -> dict[Hashable, Any]:
    """What was sent ahead of this group's jobs, by names of whoever sent it."""
    found: dict[Hashable, Any] = conn.info[AHEAD]
    return found


def run_job(connection: Connection, job: Job) -> Any:
    """One job among those of a connection, and perhaps of a transaction: it inherits nothing."""
    return run_as(connection, job.audience, lambda: job.run(connection))


def run_as(connection: Connection, audience: Audience, run: Callable[[], T]) -> T:
    """Let the guard know who asks, and forget it and what it permitted behind this."""
    guard = guard_of(connection)
    guard.begin(audience)
    try:
        return run()
    finally:
        guard.end()


def grouped(connection: Connection, jobs: Sequence[Job]) -> list[Any]:
    """The results of all jobs, after what they left for the end was done."""
    info = connection.info
    waiting: dict[Callable[..., None], list[Any]] = {}
    info[TOGETHER], info[AHEAD] = waiting, {}
    try:
        _ask_ahead(connection, jobs)
        results = [run_job(connection, job) for job in jobs]
    finally:
        del info[TOGETHER], info[AHEAD]
    # What all jobs leave for the end are entries of the log, which nobody's permit is needed for
    # and which only this role may add.
    run_as(connection, "log", lambda: [act(connection, items) for act, items in waiting.items()])
    return results


def _ask_ahead(connection: Connection, jobs: Sequence[Job]) -> None:
    asking = [(job.audience, job.ahead) for job in jobs if job.ahead is not None]
    # SQLite answers at once, so there is no wait to share.
    if not asking or connection.dialect.name != "postgresql":
        return
    with pipelined(connection):
        for audience, ahead in asking:
            run_as(connection, audience, partial(ahead, connection))


def settle(jobs: Iterable[Job]) -> None:
    """Tell all who wait, each event loop once."""
    loops: dict[asyncio.AbstractEventLoop, list[Job]] = {}
    for job in jobs:
        if job.loop is None:
            _tell([job])
        else:
            loops.setdefault(job.loop, []).append(job)
    for loop, waiting in loops.items():
        # A loop that was closed meanwhile has nobody left to tell.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_tell, waiting)


def _tell(jobs: Iterable[Job]) -> None:
    for job in jobs:
        if job.done.cancelled():
            continue
        if job.error is not None:
            job.done.set_exception(job.error)
        else:
            job.done.set_result(job.result)
