"""One way to the databases: jobs that take a connection, run on few threads, committed in groups.

A capability is plain synchronous code that takes a `Connection`. The edge hands such a job to
`Database.write` or `Database.read`. One writer thread a process gathers waiting writes into one
transaction (a durable commit costs milliseconds, so it is shared) and answers each caller after
the commit. When any job of a group fails, the group is rolled back and each job runs again alone,
so one bad request never harms its neighbours; jobs must therefore have no effect besides the
database's. Where the answer to a commit was lost nobody knows whether it was kept: that is told,
and nothing runs again. Jobs are ordered by `key` (the resident) so that two processes lock rows in
one order.
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any, Protocol, TypeVar
from uuid import UUID

from sqlalchemy import BigInteger, Connection, Engine, LargeBinary, func, select
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeDecorator

from service.kit.audience import Audience, current
from service.kit.engines import NAMING as NAMING
from service.kit.engines import metadata as metadata
from service.kit.engines import open_engine as open_engine
from service.kit.engines import read_only
from service.kit.errors import ServiceError, Unavailable
from service.kit.guard import guard_of
from service.kit.lending import Lending, end
from service.kit.prepared import pipelined
from service.kit.turns import Turn, turn_at
from service.kit.wall import wall_of

T = TypeVar("T")
GROUP = 64
BEHIND = b"\xff" * 16
"""Begins the key of a job that holds rows of many people: it comes behind those of one."""
TOGETHER, AHEAD = "kangma_together", "kangma_ahead"
"""Where a writing connection's `info` keeps what its jobs leave for the end of the group, and the
answers to what was asked ahead of them.
"""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class UuidBytes(TypeDecorator[UUID]):
    """A UUID in sixteen bytes on every database."""

    impl = LargeBinary(16)
    cache_ok = True

    def process_bind_param(self, value: UUID | None, dialect: Dialect) -> bytes | None:
        return None if value is None else value.bytes

    def process_result_value(self, value: Any, dialect: Dialect) -> UUID | None:
        return None if value is None else UUID(bytes=bytes(value))


class Instant(TypeDecorator[datetime]):
    """An aware instant as whole microseconds since 1970 UTC: no driver ever guesses a zone."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        if value is None:
            return None
        return (value - EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None else EPOCH + timedelta(microseconds=value)


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


@dataclass(slots=True)
class _Job:
    """Work to do, and who waits for it: a thread (`done`) or a coroutine of `loop`."""

    run: Callable[[Connection], Any]
    key: bytes
    audience: Audience
    done: "Future[Any] | asyncio.Future[Any]"
    loop: asyncio.AbstractEventLoop | None = None
    ahead: Callable[[Connection], None] | None = None
    result: Any = None
    error: BaseException | None = None


class Watcher(Protocol):
    """Somebody who must know what becomes of the transaction that runs in their thread.

    It is kept or undone, or lost: nobody knows which of the two.
    """

    def begin(self) -> None: ...
    def keep(self) -> None: ...
    def undo(self) -> None: ...
    def lose(self) -> None: ...


class _Lost(Unavailable):
    """The connection broke while its commit was on the way."""


class Database:
    """The data store of one process: one writer thread, a few reader threads."""

    def __init__(self, url: str, *, readers: int = 2) -> None:
        self.engine = open_engine(url)
        self.dialect = self.engine.dialect.name
        self._writing = self.engine.execution_options(kangma_writes=True)
        self._reading = read_only(self.engine)
        self._watchers: list[Watcher] = []
        self._writes: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._reads: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._door = threading.Lock()
        self._is_closed = False
        self._lending = Lending()
        loops = [self._write_loop, *[self._read_loop] * readers]
        self._threads = [threading.Thread(target=loop, daemon=True) for loop in loops]
        for thread in self._threads:
            thread.start()

    def watch(self, watcher: Watcher) -> None:
        """Tell `watcher` of every transaction that writes, in its thread."""
        self._watchers.append(watcher)

    def write(self, job: Callable[[Connection], T], *, key: bytes = b"") -> T:
        """Run `job` in a committed transaction and wait for its result."""
        done: Future[T] = Future()
        self._queue(self._writes, _Job(job, key, current(), done))
        return done.result()

    def read(self, job: Callable[[Connection], T]) -> T:
        """Run `job`, which changes nothing."""
        done: Future[T] = Future()
        self._queue(self._reads, _Job(job, b"", current(), done))
        return done.result()

    def at_one_moment(self, job: Callable[[Connection], T]) -> T:
        """Run `job`, which changes nothing, in this thread on a connection of its own.

        All it reads is of one moment, however long it takes and whatever is written meanwhile.
        """
        with self._lending.of(self._reading) as connection:
            if self.dialect == "postgresql":
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            guard_of(connection).wall = wall_of(connection)
            with connection.begin():
                try:
                    return _as(connection, current(), lambda: job(connection))
                finally:
                    guard_of(connection).wall = None

    @contextmanager
    def alone(self, work: str) -> Iterator[None]:
        """Only one of all processes at this data store is in here, for each name of a `work`.

        The others wait. Whoever dies leaves: what holds them off is a connection of PostgreSQL, or
        a lock of the operating system beside SQLite's file.
        """
        if self.dialect != "postgresql":
            with turn_at(self.engine.url, f"-{work}"):
                yield
            return
        number = int.from_bytes(sha256(work.encode()).digest()[:8], "big", signed=True)
        with self._lending.of(self._reading) as connection:
            # The pool's own connections commit each statement by itself, and the lock with it.
            connection = connection.execution_options(isolation_level="READ COMMITTED")
            with connection.begin():
                connection.execute(select(func.pg_advisory_xact_lock(number)))
                yield

    async def awrite(
        self,
        job: Callable[[Connection], T],
        *,
        key: bytes = b"",
        ahead: Callable[[Connection], None] | None = None,
    ) -> T:
        """As `write`. `ahead` sends what the job will ask first (`asked_ahead`).

        It runs before any job of a group, with those of all others, so that PostgreSQL is waited
        for once. What the jobs before this one write is not in its answer.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        self._queue(self._writes, _Job(job, key, current(), done, loop, ahead))
        return await done

    async def aread(self, job: Callable[[Connection], T]) -> T:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        self._queue(self._reads, _Job(job, b"", current(), done, loop))
        return await done

    def close(self) -> None:
        """Do what was asked for so far, and refuse what comes later as `Unavailable`."""
        with self._door:
            self._is_closed = True
            self._writes.put(None)
            for _ in self._threads[1:]:
                self._reads.put(None)
        for thread in self._threads:
            thread.join(timeout=10)
        self._lending.close()
        self._reading.dispose()
        self.engine.dispose()

    def _queue(self, waiting: "queue.SimpleQueue[_Job | None]", job: _Job) -> None:
        # Behind the last `None` nobody would ever answer: a chore in a thread of its own would
        # wait for ever, and the process with it.
        with self._door:
            if self._is_closed:
                raise Unavailable
            waiting.put(job)

    def _read_loop(self) -> None:
        held = _Held(self._reading)
        while (job := self._reads.get()) is not None:
            try:
                job.result = held.read(job)
            except BaseException as error:
                job.error = held.told(error)
            _settle([job])
        held.drop(for_good=True)

    def _write_loop(self) -> None:
        held = _Held(self._writing, self._watchers)
        closing = False
        while not closing and (first := self._writes.get()) is not None:
            group, closing = self._gather(first)
            if len(group) > 1 and _run_group(held, group):
                _settle(group)
                continue
            for job in group:
                _run_alone(held, job)
                _settle([job])
        held.drop(for_good=True)

    def _gather(self, first: _Job) -> tuple[list[_Job], bool]:
        group = [first]
        while len(group) < GROUP:
            try:
                job = self._writes.get_nowait()
            except queue.Empty:
                break
            if job is None:
                return group, True
            group.append(job)
        group.sort(key=lambda job: job.key)
        return group, False


class _Held:
    """One thread's connection, taken when first needed and again when it broke."""

    def __init__(self, engine: Engine, watchers: Sequence[Watcher] = ()) -> None:
        self._engine = engine
        self._turn = turn_at(engine.url)
        self._watchers = watchers
        self._connection: Connection | None = None

    def read(self, job: _Job) -> Any:
        """Run `job`; once more over a new connection when the old one turns out to be cut."""
        try:
            return self._read(job)
        except Exception:
            if self._connection is not None:
                raise
            return self._read(job)

    def _read(self, job: _Job) -> Any:
        connection = self._taken()
        try:
            return _run(connection, job)
        finally:
            self._leave(connection)

    def write(self, jobs: Sequence[_Job]) -> list[Any]:
        """Run all jobs in one transaction, and return once it is durable."""
        connection = self._taken()
        sent = False
        for watcher in self._watchers:
            watcher.begin()
        try:
            with self._turn, connection.begin():
                results = _grouped(connection, jobs)
                sent = True
        except BaseException as error:
            lost = sent and _is_broken(connection)
            for watcher in self._watchers:
                (watcher.lose if lost else watcher.undo)()
            if lost:
                raise _Lost from error
            raise
        finally:
            self._leave(connection)
        for watcher in self._watchers:
            watcher.keep()
        return results

    def told(self, error: BaseException) -> BaseException:
        """What to tell of a failure: that the database is away, when the connection is gone.

        Whether a commit over a dead connection was kept is unknown, so it is told, not repeated.
        """
        if self._connection is not None or isinstance(error, ServiceError):
            return error
        away = Unavailable()
        away.__cause__ = error
        return away

    def drop(self, *, for_good: bool = False) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            if not connection.invalidated:
                guard_of(connection).wall = None
            end(connection, for_good=for_good)
        if isinstance(self._turn, Turn):
            self._turn.close()

    def _taken(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect()
            guard_of(self._connection).wall = wall_of(self._connection)
        return self._connection

    def _leave(self, connection: Connection) -> None:
        """End what a job left open; a connection that broke is not used again."""
        with suppress(DBAPIError):
            connection.rollback()
        if _is_broken(connection):
            connection.invalidate()
            self.drop()


def _is_broken(connection: Connection) -> bool:
    return connection.invalidated or bool(getattr(connection.connection, "closed", False))


def _run(connection: Connection, job: _Job) -> Any:
    """One job among those of a connection, and perhaps of a transaction: it inherits nothing."""
    return _as(connection, job.audience, lambda: job.run(connection))


def _as(connection: Connection, audience: Audience, run: Callable[[], T]) -> T:
    guard = guard_of(connection)
    guard.begin(audience)
    try:
        return run()
    finally:
        guard.end()


def _grouped(connection: Connection, jobs: Sequence[_Job]) -> list[Any]:
    """The results of all jobs, after what they left for the end was done."""
    info = connection.info
    waiting: dict[Callable[..., None], list[Any]] = {}
    info[TOGETHER], info[AHEAD] = waiting, {}
    try:
        _ask_ahead(connection, jobs)
        results = [_run(connection, job) for job in jobs]
    finally:
        del info[TOGETHER], info[AHEAD]
    # What all jobs leave for the end are entries of the log, which nobody's permit is needed for
    # and which only this role may add.
    _as(connection, "log", lambda: [act(connection, items) for act, items in waiting.items()])
    return results


def _ask_ahead(connection: Connection, jobs: Sequence[_Job]) -> None:
    asking = [(job.audience, job.ahead) for job in jobs if job.ahead is not None]
    # SQLite answers at once, so there is no wait to share.
    if not asking or connection.dialect.name != "postgresql":
        return
    with pipelined(connection):
        for audience, ahead in asking:
            _as(connection, audience, partial(ahead, connection))


def _run_group(held: _Held, group: list[_Job]) -> bool:
    """Run all jobs in one transaction; False, with nothing kept, when any of them failed."""
    try:
        results = held.write(group)
    except _Lost as error:
        for job in group:
            job.error = error
        return True
    except Exception:
        return False
    for job, result in zip(group, results, strict=True):
        job.result = result
    return True


def _run_alone(held: _Held, job: _Job) -> None:
    try:
        (job.result,) = held.write([job])
    except BaseException as error:
        job.error = held.told(error)


def _settle(jobs: Iterable[_Job]) -> None:
    """Tell all who wait, each event loop once."""
    loops: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
    for job in jobs:
        if job.loop is None:
            _tell([job])
        else:
            loops.setdefault(job.loop, []).append(job)
    for loop, waiting in loops.items():
        # A loop that was closed meanwhile has nobody left to tell.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_tell, waiting)


def _tell(jobs: Iterable[_Job]) -> None:
    for job in jobs:
        if job.done.cancelled():
            continue
        if job.error is not None:
            job.done.set_exception(job.error)
        else:
            job.done.set_result(job.result)
