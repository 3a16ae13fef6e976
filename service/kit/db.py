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
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import BigInteger, Connection, Engine, LargeBinary, MetaData, create_engine, event
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

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


def open_engine(url: str) -> Engine:
    """An engine whose errors never print bound values."""
    if url.startswith("sqlite"):
        engine = create_engine(
            url, hide_parameters=True, connect_args={"check_same_thread": False, "timeout": 30}
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    return create_engine(url, hide_parameters=True, pool_size=8, max_overflow=8)


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
    run: Callable[[Connection], Any]
    key: bytes
    done: Future[Any]


class Database:
    """The data store of one process: one writer thread, a few reader threads."""

    def __init__(self, url: str, *, readers: int = 2) -> None:
        self.engine = open_engine(url)
        self.dialect = self.engine.dialect.name
        self._writing = self.engine.execution_options(kangma_writes=True)
        self._writes: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._reads: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._write_loop, daemon=True)]
        self._threads += [
            threading.Thread(target=self._read_loop, daemon=True) for _ in range(readers)
        ]
        for thread in self._threads:
            thread.start()

    def write(self, job: Callable[[Connection], T], *, key: bytes = b"") -> T:
        """Run `job` in a committed transaction and wait for its result."""
        return self._submit(self._writes, job, key).result()

    def read(self, job: Callable[[Connection], T]) -> T:
        """Run `job` in a transaction that is rolled back."""
        return self._submit(self._reads, job, b"").result()

    async def awrite(self, job: Callable[[Connection], T], *, key: bytes = b"") -> T:
        return await asyncio.wrap_future(self._submit(self._writes, job, key))

    async def aread(self, job: Callable[[Connection], T]) -> T:
        return await asyncio.wrap_future(self._submit(self._reads, job, b""))

    def close(self) -> None:
        self._writes.put(None)
        for _ in self._threads[1:]:
            self._reads.put(None)
        for thread in self._threads:
            thread.join(timeout=10)
        self.engine.dispose()

    def _submit(
        self, line: "queue.SimpleQueue[_Job | None]", job: Callable[[Connection], T], key: bytes
    ) -> "Future[T]":
        done: Future[T] = Future()
        line.put(_Job(job, key, done))
        return done

    def _read_loop(self) -> None:
        while (job := self._reads.get()) is not None:
            try:
                with self.engine.connect() as connection:
                    result = job.run(connection)
            except BaseException as error:
                job.done.set_exception(error)
            else:
                job.done.set_result(result)

    def _write_loop(self) -> None:
        while (first := self._writes.get()) is not None:
            group, closing = self._gather(first)
            if len(group) == 1 or not self._run_group(group):
                for job in group:
                    self._run_alone(job)
            if closing:
                return

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

    def _run_group(self, group: list[_Job]) -> bool:
        """Run all jobs in one transaction; False, with nothing kept, when any of them failed."""
        try:
            with self._writing.begin() as connection:
                results = [job.run(connection) for job in group]
        except Exception:
            return False
        for job, result in zip(group, results, strict=True):
            job.done.set_result(result)
        return True

    def _run_alone(self, job: _Job) -> None:
        try:
            with self._writing.begin() as connection:
                result = job.run(connection)
        except BaseException as error:
            job.done.set_exception(error)
        else:
            job.done.set_result(result)
