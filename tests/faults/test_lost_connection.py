"""PostgreSQL drops its connections: waiting work is told, and the next request is served."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, text

from service.kit.db import Database
from service.kit.errors import Unavailable
from service.kit.prepared import Prepared
from tests.databases import fresh_postgres

NUMBER = Prepared(text("SELECT CAST(:given AS BIGINT)"))


def ask(connection: Connection) -> int:
    return int(NUMBER.rows(connection, {"given": 7})[0][0])


def cut_every_line(url: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    engine.dispose()


def test_readers_go_on_as_if_nothing_had_happened() -> None:
    with fresh_postgres() as url:
        database = Database(url)
        try:
            assert [database.read(ask) for _ in range(8)] == [7] * 8
            cut_every_line(url)
            assert [database.read(ask) for _ in range(8)] == [7] * 8
        finally:
            database.close()


def test_the_writer_finds_a_new_line_at_the_second_try() -> None:
    with fresh_postgres() as url:
        database = Database(url)
        try:
            assert database.write(ask) == 7
            cut_every_line(url)
            with pytest.raises(Unavailable):
                database.write(ask)
            assert database.write(ask) == 7
        finally:
            database.close()


def test_a_job_that_was_cut_off_is_told_and_kept_nothing() -> None:
    with fresh_postgres() as url:
        database = Database(url)
        try:
            database.write(lambda conn: conn.execute(text("CREATE TABLE kept (n INT)")))

            def cut_in_the_middle(connection: Connection) -> None:
                connection.execute(text("INSERT INTO kept VALUES (1)"))
                cut_every_line(url)
                connection.execute(text("INSERT INTO kept VALUES (2)"))

            with pytest.raises(Unavailable):
                database.write(cut_in_the_middle)
            assert (
                database.write(lambda c: c.execute(text("SELECT count(*) FROM kept")).scalar()) == 0
            )
        finally:
            database.close()


def test_a_look_that_outlives_the_closing_closes_its_own_line() -> None:
    """Given back to a pool that was disposed of, it would stay open until it is collected."""
    begun, goes_on = Event(), Event()

    def look(connection: Connection) -> Any:
        begun.set()
        assert goes_on.wait(30)
        return connection.connection.dbapi_connection

    with fresh_postgres() as url, ThreadPoolExecutor(1) as thread:
        database = Database(url)
        looking = thread.submit(database.at_one_moment, look)
        assert begun.wait(30)
        database.close()
        goes_on.set()
        assert looking.result().closed
