"""Wall 4: each login of the data store can do what it is for, and its catalogue is complete."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from psycopg import errors
from sqlalchemy import Connection, make_url
from sqlalchemy.exc import ProgrammingError

from consent.vocabulary import DataClass
from service.house import build, prepare
from service.identity import actions as identity
from service.jobs import backup as backups
from service.jobs import checkpoint, erasures, nightly, watch
from service.keys import rings
from service.kit.audience import speaking_for
from service.kit.dumps import DumpRefused
from service.kit.guard import Crossing, dangerously_crossing
from service.kit.settings import Settings
from service.migrations.draft import tables_of
from service.migrations.walls import WallsMissing
from service.residents import store as residents
from tests.databases import (
    APP,
    BACKUP,
    DESK,
    KEYS,
    KEYSTORE,
    OWNER,
    as_login,
    fresh_postgres,
    walled_postgres,
)
from tests.standing_room import NOW, Standing
from tests.walled_room import (
    AUDIENCES,
    OF_THE_DOORS,
    OWNED,
    plain,
    settings_of_logins,
    unguarded,
    walled_town,
)

pytestmark = pytest.mark.walled


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with ExitStack() as stack:
        yield settings_of_logins(tmp_path_factory.mktemp("walled"), stack)


@pytest.fixture(scope="module")
def here(where: Settings) -> Iterator[Standing]:
    with walled_town(where) as standing:
        yield standing


def test_the_chores_run_as_the_login_of_the_doors(here: Standing, where: Settings) -> None:
    """They see what they are for, however far the code says it crosses."""
    gone, lin = here.town.resident("gone"), UUID(here.resident.id)
    assert here.town.doors.delete("/v1/me", headers=gone.headers).status_code == 200
    house = build(where, clock=lambda: NOW)
    try:
        house.vault.condemn(lin, DataClass.BODY, now=NOW, reason="cut off")
        with speaking_for("chores"):
            erased = house.db.read(dangerously_crossing(Crossing.ERASURES, residents.erased))
            assert UUID(gone.id) in erased
            assert lin not in erased
            # The class has rows, so it was never erased and its keys are spared, once nobody can be
            # at it any more.
            assert erasures.finish(house, now=NOW) == 0
            assert len(rings.class_tombstones_of(house.keystore)) == 1
            later = NOW + erasures.GIVEN_UP + timedelta(seconds=1)
            assert erasures.finish(house, now=later) == 0
            assert rings.class_tombstones_of(house.keystore) == []
            watch.watch(house)
            assert checkpoint.make_when_due(house, now=NOW + timedelta(hours=2)) is not None
            assert house.db.write(lambda conn: identity.tidy(conn, NOW)) == 0
            next_night = replace(house, clock=lambda: NOW + timedelta(days=1))
            assert nightly.catch_up(next_night) == 1

            def beyond(conn: Connection) -> int:
                return int(conn.exec_driver_sql("SELECT count(*) FROM record_parts").scalar_one())

            assert house.db.read(dangerously_crossing(Crossing.WATCH, beyond)) == 0
        for audience in ("anyone", "resident", "doctor", "log"):
            with speaking_for(audience), pytest.raises(ProgrammingError, match="set role"):
                house.db.read(dangerously_crossing(Crossing.VERIFICATION, beyond))
    finally:
        house.close()


def test_the_login_of_the_doors_becomes_no_operator(here: Standing, where: Settings) -> None:
    with closing(plain(where.data_store_url)) as app:
        for audience in OF_THE_DOORS:
            app.execute(f"SET ROLE kangma_{audience}")
        for audience in set(AUDIENCES) - set(OF_THE_DOORS):
            with pytest.raises(errors.InsufficientPrivilege):
                app.execute(f"SET ROLE kangma_{audience}")
        known = app.execute(
            "SELECT rolname FROM pg_roles WHERE rolname LIKE 'kangma\\_%'"
            " AND pg_has_role(session_user, oid, 'MEMBER') AND rolname <> session_user"
        ).fetchall()
    assert {row[0] for row in known} == {f"kangma_{one}" for one in OF_THE_DOORS}


def test_production_refuses_a_login_that_the_wall_does_not_bind(
    here: Standing, where: Settings
) -> None:
    for desk, right in ((False, APP), (True, DESK)):
        for login in (APP, DESK, OWNER, "kangma"):
            url = as_login(where.data_store_url, login)
            urls = {"database_url": url, "operator_url": url, "profile": "production"}
            production = Settings(**{**where.model_dump(), **urls})
            if login == right:
                build(production, desk=desk).close()
                continue
            with pytest.raises(WallsMissing):
                build(production, desk=desk)


def test_the_keystore_is_opened_by_a_login_that_owns_its_tables_and_no_more(
    here: Standing, where: Settings
) -> None:
    """A superuser would read files of the keystore's server and run programs there."""
    super_ = as_login(where.keys_url, "kangma")
    strong = {"database_url": as_login(where.data_store_url, APP), "keystore_url": super_}
    with pytest.raises(WallsMissing) as refused:
        build(Settings(**{**where.model_dump(), **strong, "profile": "production"}))
    assert "docker/keystore.sql" in refused.value.sentence.en
    assert make_url(where.keys_url).username == KEYS
    with closing(plain(where.keys_url)) as keys:
        for attempt in (
            "COPY keyrings TO PROGRAM 'cat'",
            "SELECT pg_read_file('postgresql.conf')",
            "CREATE ROLE another",
            "CREATE DATABASE another",
            "SET ROLE kangma_upkeep",
        ):
            with pytest.raises(errors.InsufficientPrivilege):
                keys.execute(attempt)
        assert keys.execute("SELECT count(*) FROM keyrings").fetchone() != (0,)
    for login, store, table in (
        (KEYS, where.data_store_url, "residents"),
        (APP, where.keys_url, "keyrings"),
    ):
        with (
            closing(plain(as_login(store, login))) as stranger,
            pytest.raises(errors.InsufficientPrivilege),
        ):
            stranger.execute(f"SELECT count(*) FROM public.{table}")


@pytest.mark.parametrize(
    "power",
    ["ALTER ROLE {} CREATEROLE", "GRANT pg_execute_server_program TO {}", "GRANT kangma TO {}"],
)
def test_the_keystore_is_opened_by_nobody_who_could_become_its_superuser(
    here: Standing, where: Settings, power: str
) -> None:
    login = f"climber_{uuid4().hex}"
    super_ = as_login(where.keys_url, "kangma")
    url = as_login(super_, login)
    strong = Settings(**{**where.model_dump(), "keystore_url": url, "profile": "production"})
    with closing(plain(super_)) as server:
        word = make_url(super_).password
        server.execute(f"CREATE ROLE {login} LOGIN" + (f" PASSWORD '{word}'" if word else ""))
        server.execute(f"GRANT {KEYS} TO {login}")
        server.execute(f"GRANT CONNECT ON DATABASE {make_url(url).database} TO {login}")
        try:
            build(strong).close()
            server.execute(power.format(login))
            with pytest.raises(WallsMissing):
                build(strong)
        finally:
            server.execute(f"DROP OWNED BY {login}")
            server.execute(f"DROP ROLE {login}")


def test_a_keystore_that_a_superuser_began_changes_hands(
    here: Standing, where: Settings, tmp_path: Path
) -> None:
    """And the new login saves it, restores it and brings it to its newest shape."""
    count = "SELECT count(*) FROM keyrings"
    with fresh_postgres() as began:
        backups.save(where, tmp_path / "keys", keystore=True)
        by_super = Settings(**{**where.model_dump(), "keystore_url": began})
        backups.restore(by_super, tmp_path / "keys", keystore=True, shut=False)
        after = {"keystore_url": as_login(began, KEYS), "profile": "production"}
        owned = Settings(**{**where.model_dump(), **after})
        with closing(plain(began)) as server:
            for _ in range(2):
                server.execute(KEYSTORE.read_text(encoding="utf-8").encode())
            kept = server.execute(count).fetchone()
        prepare(owned)
        build(owned).close()
        backups.save(owned, tmp_path / "again", keystore=True)
        with closing(plain(owned.keys_url)) as keys:
            keys.execute("DELETE FROM keyrings")
        backups.restore(owned, tmp_path / "again", keystore=True, shut=False)
        with closing(plain(owned.keys_url)) as keys:
            assert keys.execute(count).fetchone() == kept != (0,)
            others = keys.execute(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
                " AND pg_get_userbyid(relowner) <> session_user"
            ).fetchall()
        assert others == []


def test_a_backup_holds_every_row_and_comes_back_behind_its_walls(
    here: Standing, where: Settings, tmp_path: Path
) -> None:
    """Saved by a login that can write nothing, put back by the owner, who sees nothing."""
    count = "SELECT count(*) FROM "
    with closing(plain(where.copying_url)) as backup:
        before = {one: backup.execute(count + one).fetchone() for one in OWNED}
        # That its transactions only read is a habit, that it may not write is a wall.
        backup.execute("SET default_transaction_read_only = off")
        for attempt in ("DELETE FROM latest", "SET ROLE kangma_upkeep", "CREATE TABLE one ()"):
            with pytest.raises(errors.InsufficientPrivilege):
                backup.execute(attempt)
    assert before["record_parts"] != (0,)
    for login in (APP, DESK, OWNER):
        bound = {**where.model_dump(), "backup_url": as_login(where.copying_url, login)}
        with pytest.raises(DumpRefused):
            backups.save(Settings(**bound), tmp_path / login, keystore=False)
    backups.save(where, tmp_path / "saved", keystore=False)
    with walled_postgres() as elsewhere:
        urls = {
            "database_url": as_login(elsewhere, APP),
            "operator_url": elsewhere,
            "owner_url": as_login(elsewhere, OWNER),
            "backup_url": as_login(elsewhere, BACKUP),
        }
        anew = Settings(**{**where.model_dump(), **urls})
        backups.restore(anew, tmp_path / "saved", keystore=False, shut=False)
        with closing(plain(anew.copying_url)) as backup:
            assert {one: backup.execute(count + one).fetchone() for one in OWNED} == before
        with closing(plain(anew.owning_url)) as owner:
            assert unguarded(owner) == []
            assert owner.execute(count + "record_parts").fetchone() == (0,)
        build(Settings(**{**anew.model_dump(), "profile": "production"})).close()


def test_production_refuses_a_data_store_without_walls(where: Settings, tmp_path: Path) -> None:
    with fresh_postgres() as url, fresh_postgres() as keys, closing(plain(url)) as conn:
        bare = where.model_copy(update={"database_url": url, "keystore_url": keys})
        conn.execute("CREATE TABLE residents (resident_id bytea)")
        with pytest.raises(WallsMissing):
            build(Settings(**{**where.model_dump(), "database_url": url, "profile": "production"}))
    assert bare.data == where.data


def test_every_table_has_its_place_in_the_walls(here: Standing, where: Settings) -> None:
    """A new table is granted to nobody, so it must be said who sees it."""
    with closing(plain(where.owning_url)) as owner:
        granted = {
            row[0]
            for row in owner.execute(
                "SELECT table_name FROM information_schema.role_table_grants"
                " WHERE grantee LIKE 'kangma\\_%' AND grantee NOT IN"
                " ('kangma_owner', 'kangma_upkeep')"
            )
        }
    # Only upkeep keeps watch over the log.
    assert set(tables_of("data").tables) - {"access_watch", "access_readers"} <= granted


def test_rows_of_residents_are_behind_a_policy_for_each_audience(
    here: Standing, where: Settings
) -> None:
    with closing(plain(where.owning_url)) as owner:
        assert unguarded(owner) == []
        forced = {
            row[0]
            for row in owner.execute(
                "SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity"
            )
        }
    assert forced == set(OWNED)
    guarded = {name for name, one in tables_of("data").tables.items() if "protected" in one.info}
    assert guarded <= forced


@pytest.mark.parametrize(
    ("behind", "told"),
    [
        ("", "is not behind policies"),
        ("ENABLE ROW LEVEL SECURITY", "is not behind policies"),
        (
            "ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
            "has no policy for kangma_doctor",
        ),
    ],
)
def test_a_new_table_of_residents_without_a_policy_is_named(
    here: Standing, where: Settings, behind: str, told: str
) -> None:
    with closing(plain(where.owning_url)) as owner, owner.transaction(force_rollback=True):
        owner.execute("CREATE TABLE forgotten (id bytea, resident_id bytea)")
        owner.execute("GRANT SELECT ON forgotten TO kangma_doctor")
        if behind:
            owner.execute(f"ALTER TABLE forgotten {behind}")
        assert ("forgotten", told) in unguarded(owner)
        assert {name for name, _ in unguarded(owner)} == {"forgotten"}


def test_a_policy_that_shows_everything_is_named(here: Standing, where: Settings) -> None:
    with closing(plain(where.owning_url)) as owner, owner.transaction(force_rollback=True):
        owner.execute("CREATE POLICY open ON latest TO kangma_doctor USING (true)")
        owner.execute("CREATE POLICY wide ON notices USING (true)")
        assert unguarded(owner) == [
            ("latest", "shows everything to kangma_doctor"),
            ("notices", "has a policy for everybody"),
        ]
