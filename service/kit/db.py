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
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from hashlib import sha256
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import DBAPIError

from service.kit.audience import current
from service.kit.engines import open_engine, read_only
from service.kit.errors import ServiceError, Unavailable
from service.kit.groups import Job, grouped, run_as, run_job, settle
from service.kit.guard import guard_of
from service.kit.lending import Lending, end
from service.kit.turns import Turn, turn_at
from service.kit.wall import wall_of

T = TypeVar("T")
GROUP = 64
BEHIND = b"\xff" * 16
"""Begins the key of a job that holds rows of many people: it comes behind those of one."""


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
        self._writes: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._reads: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
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
        self._queue(self._writes, Job(job, key, current(), done))
        return done.result()

    def read(self, job: Callable[[Connection], T]) -> T:
        """Run `job`, which changes nothing."""
        done: Future[T] = Future()
        self._queue(self._reads, Job(job, b"", current(), done))
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
                    return run_as(connection, current(), lambda: job(connection))
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
        self._queue(self._writes, Job(job, key, current(), done, loop, ahead))
        return await done

    async def aread(self, job: Callable[[Connection], T]) -> T:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        self._queue(self._reads, Job(job, b"", current(), done, loop))
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

    def _queue(self, waiting: "queue.SimpleQueue[Job | None]", job: Job) -> None:
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
            settle([job])
        held.drop(for_good=True)

    def _write_loop(self) -> None:
        held = _Held(self._writing, self._watchers)
        closing = False
        while not closing and (first := self._writes.get()) is not None:
            group, closing = self._gather(first)
            if len(group) > 1 and _run_group(held, group):
                settle(group)
                continue
            for job in group:
                _run_alone(held, job)
                settle([job])
        held.drop(for_good=True)

    def _gather(self, first: Job) -> tuple[list[Job], bool]:
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

    def read(self, job: Job) -> Any:
        """Run `job`; once more over a new connection when the old one turns out to be cut."""
        try:
            return self._read(job)
        except Exception:
            if self._connection is not None:
                raise
            return self._read(job)

    def _read(self, job: Job) -> Any:
        connection = self._taken()
        try:
            return run_job(connection, job)
        finally:
            self._leave(connection)

    def write(self, jobs: Sequence[Job]) -> list[Any]:
        """Run all jobs in one transaction, and return once it is durable."""
        connection = self._taken()
        sent = False
        for watcher in self._watchers:
            watcher.begin()
        try:
            with self._turn, connection.begin():
                results = grouped(connection, jobs)
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


def _run_group(held: _Held, group: list[Job]) -> bool:
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


def _run_alone(held: _Held, job: Job) -> None:
    try:
        (job.result,) = held.write([job])
    except BaseException as error:
        job.error = held.told(error)
