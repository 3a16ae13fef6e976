"""PostgreSQL drops its connections: waiting work is told, and the next request is served."""

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
