"""The plumbing of the data store: groups, errors alone, broken connections, piped statements."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count as count_from
from threading import Event
from time import sleep
from typing import Any

import psycopg
import pytest
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    bindparam,
    func,
    insert,
    select,
    text,
)

from service.kit.db import Database
from service.kit.errors import NotFound, Unavailable
from service.kit.prepared import Prepared, pipelined
from service.kit.savepoint import savepoint
from tests.meanwhile import PATIENCE

things = Table(
    "things",
    MetaData(),
    Column("name", String(20), primary_key=True),
    Column("small", SmallInteger),
    Column("whole", Integer),
    Column("large", BigInteger),
    Column("flag", Boolean),
    Column("octets", LargeBinary),
)
ADD = Prepared(insert(things))
LIST = Prepared(select(things).where(things.c.whole >= bindparam("low", type_=Integer)))


def thing(number: int) -> dict[str, Any]:
    return {
        "name": f"物 {number}",
        "small": -number,
        "whole": number,
        "large": number - 2**40,
        "flag": number % 2 == 0,
        "octets": bytes([number % 256]) * number,
    }


@pytest.fixture
def store(database: Database) -> Database:
    things.metadata.create_all(database.engine)
    return database


def count(store: Database) -> int:
    return store.read(lambda conn: conn.execute(select(func.count(things.c.name))).scalar_one())


def listed(store: Database, low: int = 0) -> list[tuple[Any, ...]]:
    rows = store.read(lambda conn: LIST.rows(conn, {"low": low}))
    return sorted((*row[:4], bool(row[4]), bytes(row[5])) for row in rows)


def test_values_come_back_as_they_went(store: Database) -> None:
    rows = [thing(number) for number in range(200)]
    store.write(lambda conn: ADD.run_many(conn, rows))
    assert listed(store) == sorted(tuple(row.values()) for row in rows)
    nothing = dict.fromkeys(thing(0)) | {"name": "none", "whole": 500}
    store.write(lambda conn: ADD.run(conn, nothing))
    (row,) = store.read(lambda conn: LIST.rows(conn, {"low": 500}))
    assert row == ("none", None, 500, None, None, None)


def test_a_failing_job_takes_nobody_along(store: Database) -> None:
    """Many at once are committed in groups; each of those that fail fails alone."""

    def job(number: int) -> int:
        def run(conn: Connection) -> int:
            ADD.run(conn, thing(number))
            if number % 5 == 0:
                raise NotFound
            if number % 5 == 1:
                ADD.run(conn, thing(number))
            return number

        return store.write(run, key=bytes([number]))

    with ThreadPoolExecutor(16) as pool:
        waiting = {number: pool.submit(job, number) for number in range(1, 101)}
    kept = [number for number in waiting if number % 5 > 1]
    assert [waiting[number].result() for number in kept] == kept
    for number in set(waiting) - set(kept):
        assert waiting[number].exception() is not None
    assert [row[2] for row in sorted(listed(store), key=lambda row: row[2])] == kept


def test_what_a_savepoint_undoes_is_gone_and_the_rest_is_kept(store: Database) -> None:
    def job(conn: Connection) -> list[str]:
        ADD.run(conn, thing(1))
        with savepoint(conn):
            ADD.run(conn, thing(2))
            with suppress(NotFound), savepoint(conn):
                ADD.run(conn, thing(3))
                raise NotFound
            # An error of the database itself.
            with pytest.raises(Exception, match=r"(?i)unique"), savepoint(conn):
                ADD.run(conn, thing(2))
        with suppress(NotFound), savepoint(conn):
            with savepoint(conn):
                ADD.run(conn, thing(4))
            raise NotFound
        return [row[0] for row in LIST.rows(conn, {"low": 0})]

    assert sorted(store.write(job)) == ["物 1", "物 2"]
    assert sorted(row[0] for row in store.read(lambda c: LIST.rows(c, {"low": 0}))) == [
        "物 1",
        "物 2",
    ]


def test_an_undoing_that_fails_lets_nobody_go_on(store: Database) -> None:
    def job(conn: Connection) -> None:
        ADD.run(conn, thing(1))
        with suppress(NotFound), savepoint(conn):
            ADD.run(conn, thing(2))
            # The savepoint is gone before it could be gone back to.
            driver = conn.connection.driver_connection
            assert driver is not None
            driver.cursor().execute("RELEASE SAVEPOINT kangma")
            raise NotFound

    with pytest.raises(Exception, match=r"(?i)savepoint"):
        store.write(job)
    assert store.read(lambda conn: LIST.rows(conn, {"low": 0})) == []


def test_coroutines_wait_and_may_leave(store: Database) -> None:
    async def main() -> list[Any]:
        first = asyncio.create_task(store.awrite(lambda conn: ADD.run(conn, thing(1))))
        await asyncio.sleep(0)
        first.cancel()
        waits = [store.awrite(lambda conn: 1 // 0), store.aread(lambda conn: 7)]
        return await asyncio.gather(*waits, return_exceptions=True)

    failed, seven = asyncio.run(main())
    assert isinstance(failed, ZeroDivisionError)
    assert seven == 7


def test_a_reader_cannot_write(database_url: str, store: Database) -> None:
    if not database_url.startswith("postgresql"):
        store.read(lambda conn: ADD.run(conn, thing(1)))
    else:
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            store.read(lambda conn: ADD.run(conn, thing(1)))
    assert count(store) == 0


def test_statements_of_a_pipe_answer_in_their_order(store: Database) -> None:
    def job(conn: Connection) -> list[int]:
        with pipelined(conn):
            seen = []
            for number in range(1, 150):
                ADD.run(conn, thing(number))
                if number % 70 == 0:
                    seen.append(len(LIST.rows(conn, {"low": 0})))
        return seen

    assert store.write(job) == [70, 140]
    assert count(store) == 149


def test_an_error_in_a_pipe_is_raised_and_the_connection_goes_on(store: Database) -> None:
    def twice(conn: Connection) -> None:
        with pipelined(conn):
            ADD.run(conn, thing(1))
            ADD.run(conn, thing(1))
            ADD.run(conn, thing(2))

    def odd(conn: Connection) -> None:
        with pipelined(conn):
            ADD.run(conn, thing(3))
            raise NotFound

    with pytest.raises(Exception, match=r"(?i)unique|duplicate"):
        store.write(twice)
    with pytest.raises(NotFound):
        store.write(odd)
    store.write(lambda conn: ADD.run(conn, thing(4)))
    assert [row[2] for row in listed(store)] == [4]


def test_a_rollback_leaves_prepared_statements_in_place(store: Database) -> None:
    """The driver throws its own away then, and all others of the connection with them."""
    for number in range(1, 20):
        with pytest.raises(NotFound):
            store.write(lambda conn, number=number: refuse(conn, number))  # type: ignore[misc]
        store.write(lambda conn, number=number: ADD.run(conn, thing(number)))  # type: ignore[misc]
    assert count(store) == 19


def refuse(conn: Connection, number: int) -> None:
    conn.execute(select(func.count()).select_from(things))
    ADD.run(conn, thing(number + 1000))
    raise NotFound


class Kept:
    """A watcher that remembers what became of each transaction."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def begin(self) -> None:
        self.told.append("begun")

    def keep(self) -> None:
        self.told.append("kept")

    def undo(self) -> None:
        self.told.append("undone")

    def lose(self) -> None:
        self.told.append("lost")


def test_what_a_lost_commit_did_is_told_as_unknown_and_not_done_again(
    store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server commits a group and its answer never comes: again would be twice."""
    if store.dialect == "sqlite":
        pytest.skip("SQLite is in this process: its answers are not lost on the way")
    twice = Table("twice", MetaData(), Column("number", Integer))
    twice.create(store.engine)
    watcher = Kept()
    store.watch(watcher)
    really, commits = store.engine.dialect.do_commit, count_from(1)
    running, go = Event(), Event()

    def commit(connection: Any) -> None:
        really(connection)
        if next(commits) == 2:
            connection.driver_connection.close()
            raise psycopg.OperationalError("the connection is closed")

    def job(number: int) -> Any:
        return store.write(lambda conn: conn.execute(insert(twice).values(number=number)).rowcount)

    monkeypatch.setattr(store.engine.dialect, "do_commit", commit)

    def first(conn: Connection) -> bool:
        running.set()
        return go.wait(PATIENCE)

    with ThreadPoolExecutor(4) as pool:
        slow = pool.submit(store.write, first)
        assert running.wait(PATIENCE)
        both = [pool.submit(job, number) for number in (1, 2)]
        while store._writes.qsize() < 2:
            sleep(0.01)
        go.set()
        assert slow.result() is True
        for one in both:
            with pytest.raises(Unavailable):
                one.result()
    rows = store.read(lambda conn: sorted(conn.execute(select(twice.c.number)).scalars()))
    assert rows == [1, 2]
    assert watcher.told == ["begun", "kept", "begun", "lost"]


def test_a_broken_connection_is_replaced(store: Database) -> None:
    store.write(lambda conn: ADD.run(conn, thing(1)))
    assert count(store) == 1
    if store.dialect == "postgresql":
        break_all_others(store)
        # A read is repeated over a new connection; of a write nobody knows whether it was kept.
        assert len(listed(store)) == 1
        with pytest.raises(Unavailable):
            store.write(lambda conn: ADD.run(conn, thing(2)))
    store.write(lambda conn: ADD.run(conn, thing(3)))
    assert {row[2] for row in listed(store)} >= {1, 3}


def break_all_others(store: Database) -> None:
    statement = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with store.engine.connect() as other:
        other.execute(text(statement))


# Somebody who asks too late must hear it: waiting for ever would keep the whole process alive.
def test_a_closed_store_refuses_and_keeps_nobody_waiting(store: Database) -> None:
    def add(conn: Connection) -> None:
        ADD.run(conn, thing(1))

    with ThreadPoolExecutor(8) as pool:
        asked = [
            pool.submit(store.write, add),
            *(pool.submit(store.read, len_of) for _ in range(6)),
        ]
        store.close()
        for one in asked:
            assert isinstance(one.exception(timeout=PATIENCE), Unavailable | None)
    for late in (lambda: store.write(add), lambda: store.read(len_of)):
        with pytest.raises(Unavailable):
            late()
    for later in (store.awrite, store.aread):
        with pytest.raises(Unavailable):
            asyncio.run(asyncio.wait_for(later(len_of), PATIENCE))


def len_of(conn: Connection) -> int:
    return len(LIST.rows(conn, {"low": 0}))
