"""One way to the databases: jobs that take a connection, run on few threads, committed in groups.

A capability is plain synchronous code that takes a `Connection`. The edge hands such a job to
`Database.write` or `Database.read`. One writer thread a process gathers waiting writes into one
transaction (a durable commit costs milliseconds, so it is shared) and answers each caller after
the commit. When any job of a group fails, the group is rolled back and each job runs again alone,
so one bad request never harms its neighbours; jobs must therefore have no effect besides the
database's. Jobs are ordered by `key` (the resident) so that two processes lock rows in one order.
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar
from uuid import UUID

from sqlalchemy import BigInteger, Connection, Engine, LargeBinary, MetaData, create_engine, event
from sqlalchemy.engine import Dialect, ExceptionContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeDecorator

from service.kit.errors import ServiceError, Unavailable

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=NAMING)
"""Tables of the data store. The keystore has its own metadata in `service.keys.tables`."""

T = TypeVar("T")
GROUP = 64
TOGETHER = "kangma_together"
"""Where a writing connection's `info` keeps what its jobs leave for the end of the group."""
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


def open_engine(url: str) -> Engine:
    """An engine whose errors never print bound values."""
    if url.startswith("sqlite"):
        engine = create_engine(
            url, hide_parameters=True, connect_args={"check_same_thread": False, "timeout": 30}
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_size=8,
        max_overflow=8,
        # With a threshold the driver would deallocate every prepared statement of a connection at
        # a rollback, those of `service.kit.wire` too.
        connect_args={"prepare_threshold": None},
    )
    event.listen(engine, "handle_error", _hush)
    return engine


def _hush(context: ExceptionContext) -> None:
    """PostgreSQL repeats the failing row behind the first line of its message; it is cut off."""
    for error in (context.sqlalchemy_exception, context.original_exception):
        if error is not None and error.args and isinstance(error.args[0], str):
            error.args = (error.args[0].partition("\n")[0], *error.args[1:])


def _prepare_sqlite(connection: Any, _: object) -> None:
    # The driver must not open transactions by itself: `_begin_sqlite` does, at the right moment.
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "secure_delete=ON",
        "foreign_keys=ON",
        "temp_store=MEMORY",
        "busy_timeout=30000",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A deferred transaction that upgrades to a write may fail with SQLITE_BUSY at once.
    writing = connection.get_execution_options().get("kangma_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


@dataclass(slots=True)
class _Job:
    """Work to do, and who waits for it: a thread (`done`) or a coroutine of `loop`."""

    run: Callable[[Connection], Any]
    key: bytes
    done: "Future[Any] | asyncio.Future[Any]"
    loop: asyncio.AbstractEventLoop | None = None
    result: Any = None
    error: BaseException | None = None


class Watcher(Protocol):
    """Somebody who must know what becomes of the transaction that runs in their thread."""

    def begin(self) -> None: ...
    def keep(self) -> None: ...
    def undo(self) -> None: ...


class Database:
    """The data store of one process: one writer thread, a few reader threads."""

    def __init__(self, url: str, *, readers: int = 2) -> None:
        self.engine = open_engine(url)
        self.dialect = self.engine.dialect.name
        self._writing = self.engine.execution_options(kangma_writes=True)
        self._reading = _read_only(self.engine)
        self._watchers: list[Watcher] = []
        self._writes: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._reads: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
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
        self._writes.put(_Job(job, key, done))
        return done.result()

    def read(self, job: Callable[[Connection], T]) -> T:
        """Run `job`, which changes nothing."""
        done: Future[T] = Future()
        self._reads.put(_Job(job, b"", done))
        return done.result()

    def at_one_moment(self, job: Callable[[Connection], T]) -> T:
        """Run `job`, which changes nothing, in this thread on a connection of its own.

        All it reads is of one moment, however long it takes and whatever is written meanwhile.
        """
        with self._reading.connect() as connection:
            if self.dialect == "postgresql":
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                return job(connection)

    async def awrite(self, job: Callable[[Connection], T], *, key: bytes = b"") -> T:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        self._writes.put(_Job(job, key, done, loop))
        return await done

    async def aread(self, job: Callable[[Connection], T]) -> T:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        self._reads.put(_Job(job, b"", done, loop))
        return await done

    def close(self) -> None:
        self._writes.put(None)
        for _ in self._threads[1:]:
            self._reads.put(None)
        for thread in self._threads:
            thread.join(timeout=10)
        self._reading.dispose()
        self.engine.dispose()

    def _read_loop(self) -> None:
        held = _Held(self._reading)
        while (job := self._reads.get()) is not None:
            try:
                job.result = held.read(job.run)
            except BaseException as error:
                job.error = held.told(error)
            _settle([job])
        held.drop()

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
        held.drop()

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


def _read_only(engine: Engine) -> Engine:
    """An engine for readers: their connections come from a pool of their own."""
    if engine.dialect.name == "sqlite":
        return engine
    readers = create_engine(
        engine.url,
        hide_parameters=True,
        isolation_level="AUTOCOMMIT",
        connect_args={"options": "-c default_transaction_read_only=on"},
    )
    event.listen(readers, "handle_error", _hush)
    return readers


class _Held:
    """One thread's connection, taken when first needed and again when it broke."""

    def __init__(self, engine: Engine, watchers: Sequence[Watcher] = ()) -> None:
        self._engine = engine
        self._watchers = watchers
        self._connection: Connection | None = None

    def read(self, job: Callable[[Connection], T]) -> T:
        """Run `job`; once more over a new connection when the old one turns out to be cut."""
        try:
            return self._read(job)
        except Exception:
            if self._connection is not None:
                raise
            return self._read(job)

    def _read(self, job: Callable[[Connection], T]) -> T:
        connection = self._taken()
        try:
            return job(connection)
        finally:
            self._leave(connection)

    def write(self, jobs: Iterable[Callable[[Connection], Any]]) -> list[Any]:
        """Run all jobs in one transaction, and return once it is durable."""
        connection = self._taken()
        for watcher in self._watchers:
            watcher.begin()
        try:
            with connection.begin():
                results = _grouped(connection, jobs)
        except BaseException:
            for watcher in self._watchers:
                watcher.undo()
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

    def drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _taken(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection

    def _leave(self, connection: Connection) -> None:
        """End what a job left open; a connection that broke is not used again."""
        with suppress(DBAPIError):
            connection.rollback()
        if connection.invalidated or getattr(connection.connection, "closed", False):
            connection.invalidate()
            self.drop()


def _grouped(connection: Connection, jobs: Iterable[Callable[[Connection], Any]]) -> list[Any]:
    """The results of all jobs, after what they left for the end was done."""
    info = connection.info
    waiting: dict[Callable[..., None], list[Any]] = {}
    info[TOGETHER] = waiting
    try:
        results = [job(connection) for job in jobs]
    finally:
        del info[TOGETHER]
    for act, items in waiting.items():
        act(connection, items)
    return results


def _run_group(held: _Held, group: list[_Job]) -> bool:
    """Run all jobs in one transaction; False, with nothing kept, when any of them failed."""
    try:
        results = held.write([job.run for job in group])
    except Exception:
        return False
    for job, result in zip(group, results, strict=True):
        job.result = result
    return True


def _run_alone(held: _Held, job: _Job) -> None:
    try:
        (job.result,) = held.write([job.run])
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
