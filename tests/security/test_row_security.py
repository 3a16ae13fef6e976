"""Wall 4: PostgreSQL itself keeps residents apart, for the service's own login too."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import errors
from sqlalchemy import Connection, LargeBinary, bindparam, func, select
from sqlalchemy.exc import DataError

from consent.vocabulary import Action
from service.grants import gate
from service.kit.audience import speaking_for
from service.kit.db import Database
from service.kit.prepared import Prepared
from service.kit.savepoint import savepoint
from service.kit.settings import Settings
from service.migrations.draft import tables_of
from service.records.tables import record_parts
from tests.standing_room import NOW, PRESSURE, Standing
from tests.walled_room import (
    AUDIENCES,
    EVERYTHING,
    OWNED,
    plain,
    settings_of_logins,
    walled_town,
)

pytestmark = pytest.mark.walled
PARTS = Prepared(
    select(func.count(record_parts.c.day)).where(
        record_parts.c.resident_id == bindparam("resident", type_=LargeBinary)
    )
)


POLICIES = frozenset({"residents", "resident_state", "grants", "contracts"})


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with ExitStack() as stack:
        yield settings_of_logins(tmp_path_factory.mktemp("walled"), stack)


@pytest.fixture(scope="module")
def here(where: Settings) -> Iterator[Standing]:
    with walled_town(where) as standing:
        yield standing


@pytest.fixture
def desk(here: Standing, where: Settings) -> Iterator[psycopg.Connection[Any]]:
    """A connection that can become every audience."""
    with closing(plain(where.desk_url)) as conn:
        yield conn


def test_the_whole_service_runs_as_a_login_that_owns_nothing(
    here: Standing, where: Settings
) -> None:
    doors, lin, zhou, city = here.town.doors, here.resident, here.doctor, here.city
    steps = {"measure": "steps", "day": "2026-11-19", "t": [0, 60], "v": [5, 7]}
    asked: list[tuple[str, str, str, Any]] = [
        ("resident", "GET", "/v1/me", None),
        ("resident", "PATCH", "/v1/me", {"contact": "139"}),
        ("resident", "GET", "/v1/me/records", None),
        ("resident", "GET", f"/v1/me/records/{here.record}", None),
        ("resident", "POST", "/v1/me/series", {"series": [steps]}),
        ("resident", "GET", "/v1/me/series/steps", None),
        ("resident", "GET", "/v1/me/prompt", None),
        ("resident", "GET", "/v1/me/prompts", None),
        ("resident", "POST", "/v1/me/prompt/what-if", {"values": {"body_weight": 60}}),
        ("resident", "GET", "/v1/me/grants", None),
        ("resident", "POST", "/v1/me/grants/simulate", {}),
        ("resident", "GET", f"/v1/me/grants/{here.grant}/receipt", None),
        ("resident", "PUT", "/v1/me/deny-all", {"on": True}),
        ("resident", "PUT", "/v1/me/deny-all", {"on": False}),
        ("resident", "GET", "/v1/me/contributions", None),
        ("resident", "GET", "/v1/me/access-log", None),
        ("resident", "GET", "/v1/me/access-log/export", None),
        ("resident", "GET", "/v1/me/export", None),
        ("resident", "GET", "/v1/me/code", None),
        ("resident", "GET", "/v1/me/children", None),
        ("resident", "GET", "/v1/me/contract", None),
        ("doctor", "GET", "/v1/doctor/panel", None),
        ("doctor", "GET", "/v1/doctor/indicators", None),
        ("doctor", "GET", f"/v1/doctor/patients/{lin.id}", None),
        ("doctor", "GET", f"/v1/doctor/patients/{lin.id}/records", None),
        ("doctor", "POST", f"/v1/doctor/patients/{lin.id}/records", {"records": [PRESSURE]}),
        ("city", "GET", "/v1/city/releases", None),
        ("city", "GET", f"/v1/city/releases/{here.release}/table", None),
        ("city", "GET", "/v1/city/indicators", None),
        ("city", "GET", "/v1/city/budget", None),
        ("nobody", "GET", "/v1/audit/checkpoint", None),
        ("nobody", "GET", "/readyz", None),
    ]
    people = {"resident": lin, "doctor": zhou, "city": city}
    for who, method, path, body in asked:
        headers = people[who].headers if who in people else {}
        answer = doors.request(method, path, headers=headers, json=body)
        assert answer.status_code < 300, (method, path, answer.text[:300])
    withheld = doors.get(f"/v1/doctor/patients/{lin.id}/series/steps", headers=zhou.headers)
    assert (withheld.status_code, withheld.json()["rule"]) == (403, "no-grant")
    panel = doors.get("/v1/doctor/panel", headers=zhou.headers).json()["items"]
    assert lin.id in {row["patient_id"] for row in panel}
    stranger = here.town.resident("stranger")
    looked = doors.get(f"/v1/doctor/patients/{stranger.id}", headers=zhou.headers)
    assert looked.status_code == 404
    assert doors.delete("/v1/me", headers=stranger.headers).status_code == 200
    assert doors.get("/v1/me", headers=stranger.headers).status_code in (401, 404)


def test_without_settings_no_audience_sees_a_row_of_anybody(desk: psycopg.Connection[Any]) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        desk.execute("SELECT * FROM record_parts")
    seen = 0
    for audience in set(AUDIENCES) - {"upkeep", "log"}:
        desk.execute(f"SET ROLE kangma_{audience}")
        for table in OWNED:
            try:
                found = desk.execute(f"SELECT count(*) FROM {table}").fetchone()
            except errors.InsufficientPrivilege:
                continue
            seen += 1
            if (table, f"kangma_{audience}") not in EVERYTHING:
                assert found == (0,), (audience, table)
        desk.execute("RESET ROLE")
    assert seen > len(OWNED)


def test_a_subject_shows_their_own_rows_and_no_other(
    here: Standing, desk: psycopg.Connection[Any]
) -> None:
    mine, child = UUID(here.resident.id).bytes, UUID(here.child.id).bytes
    desk.execute("SET ROLE kangma_resident")
    desk.execute("SELECT set_config('kangma.subjects', %s, false)", (f'{{"\\\\x{mine.hex()}"}}',))
    found = desk.execute("SELECT DISTINCT resident_id FROM record_parts").fetchall()
    assert found == [(mine,)]
    # A child has records too, whoever asks for everything.
    everything = "SELECT count(*) FROM record_parts WHERE resident_id = %s OR true"
    assert desk.execute(everything, (child,)).fetchone() != (0,)
    theirs = "SELECT count(*) FROM record_parts WHERE resident_id = %s"
    assert desk.execute(theirs, (child,)).fetchone() == (0,)
    assert desk.execute("DELETE FROM record_parts WHERE resident_id = %s", (child,)).rowcount == 0
    with pytest.raises(errors.InsufficientPrivilege):
        desk.execute("UPDATE record_parts SET resident_id = %s", (child,))


@pytest.mark.parametrize("audience", ["doctor", "resident", "job", "anyone"])
def test_a_decision_about_one_resident_goes_through_nobody_elses_rows(
    here: Standing, desk: psycopg.Connection[Any], audience: str
) -> None:
    """A policy that looks for a panel would read every contract of the city at every look."""
    desk.execute(f"SET ROLE kangma_{audience}")
    mine = UUID(here.resident.id).bytes
    may = {"residents", "resident_state"} if audience == "anyone" else {*POLICIES}
    for table in may:
        query = f"EXPLAIN SELECT resident_id FROM {table} WHERE resident_id = %s"
        plan = "\n".join(line for (line,) in desk.execute(query, (mine,)).fetchall())
        assert "SubPlan" not in plan, plan
        assert not any(f" on {other}" in plan for other in POLICIES - {table}), plan


def test_a_digest_shows_the_row_it_was_made_of_and_no_other(
    here: Standing, desk: psycopg.Connection[Any]
) -> None:
    for who in (here.resident, here.town.resident("lin.second")):
        assert here.town.doors.get("/v1/me/code", headers=who.headers).status_code == 200
    mine = UUID(here.resident.id).bytes
    desk.execute("SET ROLE kangma_resident")
    asked = "SELECT set_config('kangma.asked', %s, false)"
    desk.execute(asked, (f'{{"\\\\x{mine.hex()}"}}',))
    ((number,),) = desk.execute("SELECT code_hash FROM health_codes").fetchall()
    desk.execute("SET ROLE kangma_doctor")
    assert desk.execute("SELECT count(*) FROM health_codes").fetchone() == (0,)
    desk.execute(asked, (f'{{"\\\\x{number.hex()}"}}',))
    assert desk.execute("SELECT resident_id FROM health_codes").fetchall() == [(mine,)]
    assert desk.execute("UPDATE health_codes SET used = used").rowcount == 1


def test_who_looks_in_an_emergency_asks_for_a_review_and_reads_none(
    desk: psycopg.Connection[Any],
) -> None:
    for audience in ("doctor", "resident"):
        desk.execute(f"SET ROLE kangma_{audience}")
        for statement in (
            "SELECT count(*) FROM emergency_reviews",
            "UPDATE emergency_reviews SET outcome = 'justified'",
            "DELETE FROM emergency_reviews",
        ):
            with pytest.raises(errors.InsufficientPrivilege):
                desk.execute(statement)


def test_the_city_cannot_even_name_a_table_of_a_person(desk: psycopg.Connection[Any]) -> None:
    desk.execute("SET ROLE kangma_city")
    for name, table in tables_of("data").tables.items():
        if name.startswith("release_"):
            desk.execute(f"SELECT count(*) FROM {name}")
            with pytest.raises(errors.InsufficientPrivilege):
                desk.execute(f"DELETE FROM {name}")
            continue
        columns = ", ".join(column.name for column in table.columns)
        with pytest.raises(errors.InsufficientPrivilege):
            desk.execute(f"SELECT {columns} FROM {name}")


def test_only_the_job_counts_people_and_makes_releases(desk: psycopg.Connection[Any]) -> None:
    row = "INSERT INTO contributions (pseudonym, sealed) VALUES ('', '')"
    release = "UPDATE release_budgets SET spent_nano_rho = 0"
    for audience in set(AUDIENCES) - {"job", "upkeep"}:
        desk.execute(f"SET ROLE kangma_{audience}")
        for statement in (row, release):
            with pytest.raises(errors.InsufficientPrivilege):
                desk.execute(statement)


def test_not_even_the_job_changes_what_was_published(desk: psycopg.Connection[Any]) -> None:
    """Bug it would catch: a release that only the code above keeps from being written again."""
    changes = {
        "release_artifacts": "sequence",
        "release_attempts": "attempt",
        "release_specifications": "version",
    }
    for audience in set(AUDIENCES) - {"upkeep"}:
        desk.execute(f"SET ROLE kangma_{audience}")
        for table, column in changes.items():
            for statement in (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}"):
                with pytest.raises(errors.InsufficientPrivilege):
                    desk.execute(statement)


def test_nobody_changes_or_deletes_an_entry_of_the_log(desk: psycopg.Connection[Any]) -> None:
    for audience in AUDIENCES:
        desk.execute(f"SET ROLE kangma_{audience}")
        for table in ("access_log", "access_nodes", "access_checkpoints"):
            column = "hash" if table != "access_checkpoints" else "text"
            for statement in (
                f"UPDATE {table} SET {column} = {column}",
                f"DELETE FROM {table}",
                f"TRUNCATE {table}",
            ):
                with pytest.raises(errors.InsufficientPrivilege):
                    desk.execute(statement)


def test_whoever_compares_the_log_with_tallies_changes_none(
    desk: psycopg.Connection[Any],
) -> None:
    """And nobody but the chores leaves the mark of a day that was compared."""
    changes = ("INSERT INTO {} SELECT * FROM {}", "UPDATE {} SET day = day", "DELETE FROM {}")
    for table, column, kept_from in (
        ("access_tallies", "process", {*AUDIENCES} - {"log"}),
        ("access_reconciled", "begun", {*AUDIENCES} - {"chores"}),
    ):
        for audience in kept_from:
            desk.execute(f"SET ROLE kangma_{audience}")
            for statement in changes:
                with pytest.raises(errors.InsufficientPrivilege):
                    desk.execute(statement.format(table, table))
            if audience not in {"chores", "operator", "upkeep"}:
                with pytest.raises(errors.InsufficientPrivilege):
                    desk.execute(f"SELECT {column} FROM {table}")
    desk.execute("SET ROLE kangma_chores")
    for table in ("access_tallies", "access_reconciled"):
        assert desk.execute(f"SELECT count(*) FROM {table}").fetchone() is not None
        with pytest.raises(errors.InsufficientPrivilege):
            desk.execute(f"DELETE FROM {table}")


@pytest.mark.parametrize(
    "attempt",
    [
        "SET ROLE kangma_owner",
        "SET ROLE kangma",
        "SET SESSION AUTHORIZATION kangma_owner",
        "ALTER ROLE kangma_app BYPASSRLS",
        "ALTER TABLE record_parts DISABLE ROW LEVEL SECURITY",
        "DROP POLICY permitted ON record_parts",
        "CREATE POLICY mine ON record_parts TO kangma_app USING (true)",
        "CREATE TABLE copied (resident_id bytea)",
        "CREATE OR REPLACE FUNCTION kangma_names() RETURNS text[] LANGUAGE sql AS 'SELECT NULL'",
        "SELECT pg_read_file('/etc/passwd')",
        "COPY record_parts TO PROGRAM 'cat'",
    ],
)
def test_no_stronger_role_is_within_reach(
    here: Standing, where: Settings, desk: psycopg.Connection[Any], attempt: str
) -> None:
    for audience in (None, *AUDIENCES):
        desk.execute("RESET ROLE" if audience is None else f"SET ROLE kangma_{audience}")
        with pytest.raises(psycopg.Error) as told:
            desk.execute(attempt)
        assert isinstance(told.value, errors.InsufficientPrivilege | errors.InvalidParameterValue)
    with closing(plain(where.data_store_url)) as app, pytest.raises(psycopg.Error):
        app.execute(attempt)


def test_the_owner_is_bound_as_well(here: Standing, where: Settings) -> None:
    """FORCE: tables have an owner only so that somebody can migrate them."""
    with closing(plain(where.owning_url)) as owner:
        for table in OWNED:
            assert owner.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table


def test_nothing_told_for_one_job_reaches_the_next(here: Standing, where: Settings) -> None:
    """On the same connection after a commit, a rollback, an error and a savepoint undone."""
    lin = UUID(here.resident.id)
    vault = here.town.house.vault
    database = Database(where.data_store_url, readers=1)

    def own(conn: Connection) -> None:
        gate.own(conn, vault, resident=lin, action=Action.READ, now=NOW)

    def counted(conn: Connection) -> int:
        """Past the guard, as only a fault in it could do."""
        driver = conn.connection.driver_connection
        assert driver is not None
        result = driver.pgconn.exec_(b"SELECT count(*) FROM record_parts")
        return int(result.get_value(0, 0)) if result.ntuples else -1

    def good(conn: Connection) -> int:
        own(conn)
        conn.exec_driver_sql("SELECT 1")
        return counted(conn)

    def bad(conn: Connection) -> None:
        assert good(conn) > 0
        raise ZeroDivisionError

    def broken(conn: Connection) -> None:
        assert good(conn) > 0
        conn.exec_driver_sql("SELECT 1 / 0")

    def undone(conn: Connection) -> int:
        with conn.begin_nested() as attempt:
            own(conn)
            conn.exec_driver_sql("SELECT 1")
            attempt.rollback()
        inside = counted(conn)
        conn.exec_driver_sql("SELECT 1")
        assert counted(conn) > 0
        return inside

    def undone_by_the_driver(conn: Connection) -> int:
        conn.exec_driver_sql("SELECT 1")
        with suppress(ZeroDivisionError), savepoint(conn):
            own(conn)
            # What is prepared goes to the server together with what it must be told before.
            assert PARTS.rows(conn, {"resident": lin.bytes})[0][0] > 0
            raise ZeroDivisionError
        inside = counted(conn)
        assert PARTS.rows(conn, {"resident": lin.bytes})[0][0] > 0
        return inside

    def nobody(conn: Connection) -> int:
        conn.exec_driver_sql("SELECT 1")
        return counted(conn)

    try:
        with speaking_for("resident"):
            for run in (database.read, database.write):
                assert run(good) > 0
                assert run(nobody) == 0
                for failing in (bad, broken):
                    with pytest.raises((ZeroDivisionError, DataError)):
                        run(failing)
                    assert run(nobody) == 0
                    # Not even told anything, the connection is that of a login without rights.
                    assert run(counted) <= 0
            assert database.write(undone) <= 0
            assert database.write(undone_by_the_driver) <= 0
            assert database.write(nobody) == 0
    finally:
        database.close()
