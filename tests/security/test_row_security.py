"""Wall 4: PostgreSQL itself keeps residents apart, for the service's own login too."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import errors
from sqlalchemy import Connection, make_url
from sqlalchemy.exc import DataError

from consent.vocabulary import Action
from service.grants import gate
from service.house import build
from service.jobs import erasures
from service.kit.audience import speaking_for
from service.kit.db import Database
from service.kit.settings import Settings
from service.migrations.draft import tables_of
from service.migrations.walls import WallsMissing
from tests.conftest import fresh_postgres, walled_postgres
from tests.house_room import town
from tests.standing_room import NOW, PRESSURE, Standing, inhabited

pytestmark = pytest.mark.walled
OWNED = (
    "residents", "resident_state", "record_parts", "series_days", "latest", "prompt_now",
    "prompt_history", "grants", "contracts", "panel_cards", "policy_history", "access_log",
    "emergency_sessions", "consent_requests", "introductions", "notices",
    "appeals",
)  # fmt: skip
AUDIENCES = ("anyone", "resident", "doctor", "city", "job", "operator", "upkeep", "log")


def as_login(url: str, login: str) -> str:
    return make_url(url).set(username=login).render_as_string(hide_password=False)


def given_away(url: str) -> None:
    """The database in the hands of an owner who is no superuser, as docker/roles.sql leaves it."""
    name = make_url(url).database
    with closing(plain(url)) as conn:
        conn.execute(f'ALTER DATABASE "{name}" OWNER TO kangma_owner')
        conn.execute("ALTER SCHEMA public OWNER TO kangma_owner")


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with ExitStack() as stack:
        stack.enter_context(walled_postgres())
        url, keys = stack.enter_context(fresh_postgres()), stack.enter_context(fresh_postgres())
        given_away(url)
        folder = tmp_path_factory.mktemp("walled")
        yield Settings(
            data=folder / "data",
            kek=f"file:{folder / 'keys' / 'kek.json'}",
            profile="test",
            database_url=as_login(url, "kangma_app"),
            owner_url=as_login(url, "kangma_owner"),
            keystore_url=keys,
        )


@pytest.fixture(scope="module")
def here(where: Settings) -> Iterator[Standing]:
    """A town served by the login of the service, which owns nothing."""
    with town(where, lambda: NOW) as opened, speaking_for("operator"):
        yield inhabited(opened)


def plain(url: str) -> psycopg.Connection[Any]:
    """A connection that no wall but the fourth stands before."""
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(address, autocommit=True)


@pytest.fixture
def app(here: Standing, where: Settings) -> Iterator[psycopg.Connection[Any]]:
    with closing(plain(where.data_store_url)) as conn:
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
        ("resident", "GET", "/v1/me/code", None),
        ("resident", "GET", "/v1/me/children", None),
        ("resident", "GET", "/v1/me/contract", None),
        ("doctor", "GET", "/v1/doctor/panel", None),
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
    with speaking_for("operator"):
        assert erasures.finish(here.town.house, now=NOW) == 0


def test_without_settings_no_audience_sees_a_row_of_anybody(app: psycopg.Connection[Any]) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        app.execute("SELECT * FROM record_parts")
    seen = 0
    for audience in set(AUDIENCES) - {"upkeep", "log"}:
        app.execute(f"SET ROLE kangma_{audience}")
        for table in OWNED:
            try:
                found = app.execute(f"SELECT count(*) FROM {table}").fetchone()
            except errors.InsufficientPrivilege:
                continue
            seen += 1
            assert found == (0,), (audience, table)
        app.execute("RESET ROLE")
    assert seen > len(OWNED)


def test_a_subject_shows_their_own_rows_and_no_other(
    here: Standing, app: psycopg.Connection[Any]
) -> None:
    mine, child = UUID(here.resident.id).bytes, UUID(here.child.id).bytes
    app.execute("SET ROLE kangma_resident")
    app.execute("SELECT set_config('kangma.subjects', %s, false)", (f'{{"\\\\x{mine.hex()}"}}',))
    found = app.execute("SELECT DISTINCT resident_id FROM record_parts").fetchall()
    assert found == [(mine,)]
    # A child has records too, whoever asks for everything.
    everything = "SELECT count(*) FROM record_parts WHERE resident_id = %s OR true"
    assert app.execute(everything, (child,)).fetchone() != (0,)
    theirs = "SELECT count(*) FROM record_parts WHERE resident_id = %s"
    assert app.execute(theirs, (child,)).fetchone() == (0,)
    assert app.execute("DELETE FROM record_parts WHERE resident_id = %s", (child,)).rowcount == 0
    with pytest.raises(errors.InsufficientPrivilege):
        app.execute("UPDATE record_parts SET resident_id = %s", (child,))


def test_the_city_cannot_even_name_a_table_of_a_person(app: psycopg.Connection[Any]) -> None:
    app.execute("SET ROLE kangma_city")
    for name, table in tables_of("data").tables.items():
        if name.startswith("release_"):
            app.execute(f"SELECT count(*) FROM {name}")
            with pytest.raises(errors.InsufficientPrivilege):
                app.execute(f"DELETE FROM {name}")
            continue
        columns = ", ".join(column.name for column in table.columns)
        with pytest.raises(errors.InsufficientPrivilege):
            app.execute(f"SELECT {columns} FROM {name}")


def test_only_the_job_counts_people_and_makes_releases(app: psycopg.Connection[Any]) -> None:
    row = "INSERT INTO contributions (pseudonym, sealed) VALUES ('', '')"
    release = "UPDATE release_budgets SET spent_nano_rho = 0"
    for audience in set(AUDIENCES) - {"job", "upkeep"}:
        app.execute(f"SET ROLE kangma_{audience}")
        for statement in (row, release):
            with pytest.raises(errors.InsufficientPrivilege):
                app.execute(statement)


def test_nobody_changes_or_deletes_an_entry_of_the_log(app: psycopg.Connection[Any]) -> None:
    for audience in AUDIENCES:
        app.execute(f"SET ROLE kangma_{audience}")
        for table in ("access_log", "access_nodes", "access_checkpoints"):
            column = "hash" if table != "access_checkpoints" else "text"
            for statement in (
                f"UPDATE {table} SET {column} = {column}",
                f"DELETE FROM {table}",
                f"TRUNCATE {table}",
            ):
                with pytest.raises(errors.InsufficientPrivilege):
                    app.execute(statement)


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
def test_no_stronger_role_is_within_reach(app: psycopg.Connection[Any], attempt: str) -> None:
    for audience in (None, *AUDIENCES):
        app.execute("RESET ROLE" if audience is None else f"SET ROLE kangma_{audience}")
        with pytest.raises(psycopg.Error) as told:
            app.execute(attempt)
        assert isinstance(told.value, errors.InsufficientPrivilege | errors.InvalidParameterValue)


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
    finally:
        database.close()


def test_production_refuses_a_login_that_the_wall_does_not_bind(
    here: Standing, where: Settings
) -> None:
    production = where.model_copy(update={"profile": "production"})
    build(production).close()
    for login in ("kangma_owner", "kangma"):
        url = as_login(where.data_store_url, login)
        strong = Settings(
            **{**production.model_dump(), "database_url": url, "profile": "production"}
        )
        with pytest.raises(WallsMissing):
            build(strong)


def test_production_refuses_a_data_store_without_walls(where: Settings, tmp_path: Path) -> None:
    with fresh_postgres() as url, fresh_postgres() as keys, closing(plain(url)) as conn:
        bare = where.model_copy(update={"database_url": url, "keystore_url": keys})
        conn.execute("CREATE TABLE residents (resident_id bytea)")
        with pytest.raises(WallsMissing):
            build(Settings(**{**where.model_dump(), "database_url": url, "profile": "production"}))
    assert bare.data == where.data


def test_every_table_has_its_place_in_the_walls(here: Standing, where: Settings) -> None:
    """A new table is granted to nobody, so it must be said who sees it; rows of residents are
    behind policies."""
    guarded = {
        name for name, table in tables_of("data").tables.items() if "protected" in table.info
    }
    with closing(plain(where.owning_url)) as owner:
        forced = {
            row[0]
            for row in owner.execute(
                "SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity"
            )
        }
        granted = {
            row[0]
            for row in owner.execute(
                "SELECT table_name FROM information_schema.role_table_grants"
                " WHERE grantee LIKE 'kangma\\_%' AND grantee NOT IN"
                " ('kangma_owner', 'kangma_upkeep')"
            )
        }
    assert guarded == forced == set(OWNED)
    # Only upkeep keeps watch over the log.
    assert set(tables_of("data").tables) - {"access_watch", "access_readers"} <= granted
