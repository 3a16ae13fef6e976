"""Wall 3: no statement touches a protected table without a permit, however it is written."""

import ast
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, func, select, text

from consent.vocabulary import Action
from service.grants import gate
from service.kit import guard, guarded
from service.kit.db import Database
from service.kit.engines import metadata
from service.kit.guard import Crossing, NoPermit, Protection, dangerously_without_permit
from service.kit.sqltext import need_of
from service.migrations.draft import tables_of
from service.records import store as records
from service.records.tables import record_parts
from service.residents import store as residents
from tests.consent_room import Clinic
from tests.guarded_spellings import ON_POSTGRESQL, ON_SQLITE, SPELLINGS
from tests.record_room import pressure

pytestmark = pytest.mark.walled
ROOT = Path(__file__).parents[2]


@pytest.fixture
def here(database: Database, keystore_url: str, tmp_path: Path) -> Iterator[Clinic]:
    clinic = Clinic(database, keystore_url, tmp_path)
    yield clinic
    clinic.keystore.close()


def own(here: Clinic, conn: Connection, resident: UUID) -> None:
    gate.own(conn, here.vault, resident=resident, action=Action.READ, now=here.now)


def parts(here: Clinic, resident: UUID) -> Callable[[Connection], Any]:
    """A hot-path statement under a permit that another job was handed."""
    permit = here.read(lambda conn: here.own(conn, resident))
    return lambda conn: records.existing(conn, permit, [bytes(16)])


def raw(statement: str) -> Callable[[Connection], Any]:
    return lambda conn: conn.execute(text(statement.replace(":", "\\:"))).all()


def driver(statement: str) -> Callable[[Connection], Any]:
    return lambda conn: conn.exec_driver_sql(statement).all()


def cursor(statement: str) -> Callable[[Connection], Any]:
    """Below SQLAlchemy: the driver's own cursor."""

    def run(conn: Connection) -> Any:
        conn.begin() if not conn.in_transaction() else None
        opened = conn.connection.cursor()
        opened.execute(statement)
        return opened.fetchall()

    return run


def server_cursor(statement: str) -> Any:
    """The driver's cursor whose rows stay in the server, as `yield_per` opens it."""

    def run(conn: Connection) -> Any:
        conn.begin() if not conn.in_transaction() else None
        opened = conn.connection.driver_connection.cursor(name="far")  # type: ignore[union-attr]
        opened.execute(statement)
        return opened.fetchall()

    return run


def test_no_spelling_of_a_statement_gets_past(here: Clinic, tmp_path: Path) -> None:
    here.log(here.resident(), pressure())
    sqlite = here.database.dialect == "sqlite"
    for statement in SPELLINGS + (ON_SQLITE if sqlite else ON_POSTGRESQL):
        filled = statement.replace("{path}", str(tmp_path / "kangma.db"))
        for way in (raw, driver, cursor, *(() if sqlite else (server_cursor,))):
            with pytest.raises(NoPermit):
                here.write(way(filled))
            with pytest.raises(NoPermit):
                here.read(way(filled))


def test_core_and_hot_statements_are_refused_too(here: Clinic) -> None:
    lin = here.resident()
    statement = parts(here, lin)
    for job in (
        lambda conn: conn.execute(select(record_parts)).all(),
        lambda conn: conn.execute(select(func.count()).select_from(record_parts)).all(),
        lambda conn: residents.state(conn, lin),
        statement,
    ):
        with pytest.raises(NoPermit):
            here.read(job)
        with pytest.raises(NoPermit):
            here.write(job)


def test_a_statement_compiled_under_a_permit_does_not_run_without_one(here: Clinic) -> None:
    """SQLite keeps compiled statements, PostgreSQL prepared ones; neither asks again by itself."""
    lin = here.resident()
    statement = "SELECT count(*) FROM record_parts WHERE resident_id = "
    sqlite = here.database.dialect == "sqlite"
    mark, value = ("?", (lin.bytes,)) if sqlite else ("%s", (lin.bytes,))

    def look(conn: Connection) -> Any:
        return conn.exec_driver_sql(statement + mark, value).scalar_one()

    def allowed(conn: Connection) -> Any:
        own(here, conn, lin)
        return look(conn)

    for _ in range(3):
        assert here.read(allowed) == 0
        with pytest.raises(NoPermit):
            here.read(look)


def test_a_permit_of_one_opens_no_statement_about_another(here: Clinic) -> None:
    lin, mei = here.resident(), here.resident()
    about = parts(here, mei)

    def other(conn: Connection) -> Any:
        own(here, conn, lin)
        return about(conn)

    def everybody(conn: Connection) -> Any:
        own(here, conn, lin)
        return conn.execute(select(record_parts.c.sealed)).all()

    for job in (other, everybody):
        with pytest.raises(NoPermit):
            here.read(job)


def test_being_asked_about_opens_policy_and_no_data(here: Clinic) -> None:
    lin = here.resident()
    about = parts(here, lin)

    def asked(conn: Connection) -> Any:
        guard.ask(conn, lin)
        assert residents.state(conn, lin) is not None
        return about(conn)

    with pytest.raises(NoPermit):
        here.read(asked)


def test_a_refused_decision_opens_no_data(here: Clinic) -> None:
    lin, zhou = here.resident(), here.doctor_named()
    about = parts(here, lin)

    def refused(conn: Connection) -> Any:
        decision = gate.admit(
            conn,
            here.vault,
            actor=gate.Actor(gate.ActorKind.PRACTITIONER, str(zhou)),
            subject=lin,
            purpose=gate.Purpose.CARE,
            action=Action.READ,
            classes=gate.ALL_CLASSES,
            now=here.now,
        )
        assert not decision.allow
        return about(conn)

    with pytest.raises(NoPermit):
        here.read(refused)


def test_jobs_of_one_transaction_inherit_nothing_of_each_other(here: Clinic) -> None:
    """Writes that wait together are committed together: each has its own permits, or none."""
    lin, mei = here.resident(), here.resident()
    about = {one: parts(here, one) for one in (lin, mei)}

    def job(number: int) -> bool:
        who, wanted = (lin, mei)[number % 2], (lin, mei)[number // 2 % 2]

        def run(conn: Connection) -> None:
            own(here, conn, who)
            about[wanted](conn)

        try:
            here.database.write(run, key=bytes([number]))
        except NoPermit:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        done = list(pool.map(job, range(64)))
    assert done == [number % 2 == number // 2 % 2 for number in range(64)]


def test_a_failed_job_leaves_no_permit_behind(here: Clinic) -> None:
    lin = here.resident()
    about = parts(here, lin)

    def fails(conn: Connection) -> None:
        own(here, conn, lin)
        about(conn)
        raise ZeroDivisionError

    for run in (here.read, here.write):
        with pytest.raises(ZeroDivisionError):
            run(fails)
        with pytest.raises(NoPermit):
            run(about)


def test_no_other_way_leads_to_the_pages(here: Clinic, tmp_path: Path) -> None:
    if here.database.dialect != "sqlite":
        pytest.skip("only an embedded database hands out its pages")
    here.log(here.resident(), pressure())
    opened = here.database.engine.raw_connection()
    plain: Any = opened.driver_connection
    for way in (
        lambda: plain.execute(f"VACUUM INTO '{tmp_path / 'copy.db'}'"),
        lambda: plain.executescript("CREATE TABLE copied AS SELECT * FROM record_parts"),
        lambda: plain.backup(plain),
        lambda: plain.serialize(),
        lambda: plain.blobopen("record_parts", "sealed", 1),
    ):
        with pytest.raises(NoPermit):
            way()
    opened.close()
    assert not (tmp_path / "copy.db").exists()


def test_a_view_hides_no_table(here: Clinic) -> None:
    """On PostgreSQL no text tells it; there the rows stay behind wall 4."""
    if here.database.dialect != "sqlite":
        pytest.skip("what a view reads is seen inside PostgreSQL, by wall 4")
    here.write(lambda conn: conn.exec_driver_sql("CREATE VIEW harmless AS SELECT 1 AS sealed"))
    look = raw("SELECT sealed FROM harmless")
    assert here.read(look)
    change = "CREATE VIEW harmless AS SELECT sealed FROM record_parts"
    here.write(lambda conn: conn.exec_driver_sql("DROP VIEW harmless"))
    here.write(lambda conn: conn.exec_driver_sql(change))
    with pytest.raises(NoPermit):
        here.read(look)


def test_more_texts_than_are_remembered_open_nothing(
    here: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    if here.database.dialect != "sqlite":
        pytest.skip("only SQLite is asked what a text touches")
    monkeypatch.setattr(guarded, "MOST_TEXTS", 3)
    lin = here.resident()
    statement = "SELECT count(*) FROM record_parts WHERE resident_id = ? AND {n} = {n}"

    def look(number: int) -> Callable[[Connection], Any]:
        wanted = statement.format(n=number)
        return lambda conn: conn.exec_driver_sql(wanted, (lin.bytes,)).scalar_one()

    def allowed(conn: Connection) -> None:
        own(here, conn, lin)
        for number in range(10):
            look(number)(conn)

    for _ in range(3):
        here.read(allowed)
        for number in range(10):
            with pytest.raises(NoPermit):
                here.read(look(number))


def test_crossing_opens_and_closes(here: Clinic) -> None:
    def cross(conn: Connection) -> int:
        with dangerously_without_permit(conn, Crossing.VERIFICATION):
            found: int = raw("SELECT count(*) FROM record_parts")(conn)[0][0]
        with pytest.raises(NoPermit):
            raw("SELECT count(*) FROM record_parts")(conn)
        return found

    assert here.read(cross) == 0


def test_only_a_genuine_permit_is_admitted(here: Clinic) -> None:
    class Alike:
        subject = UUID(int=1)

    with pytest.raises(NoPermit):
        here.read(lambda conn: guard.admit(conn, Alike()))  # type: ignore[arg-type]


MAY = {
    "admit": {"service/grants/gate.py"},
    "ask": {
        "service/grants/gate.py",
        "service/grants/standing.py",
        "service/contributions/actions.py",
        "service/guardians/actions.py",
        "service/guardians/codes.py",
        "service/healthcode/actions.py",
        "service/jobs/erasures.py",
        "service/jobs/orphans.py",
        "service/residents/actions.py",
    },
    "keeping_the_log": {"service/audit/actions.py"},
    "looking_for_a_panel": {"service/grants/gate.py", "service/panel/store.py"},
    "dangerously_without_permit": {
        "service/audit/verification.py",
        "service/jobs/nightly.py",
        "service/jobs/reconcile.py",
        "service/migrations/__init__.py",
    },
    "dangerously_crossing": {
        "service/jobs/appeals.py",
        "service/jobs/backup.py",
        "service/jobs/checkpoint.py",
        "service/jobs/erasures.py",
        "service/jobs/watch.py",
        "service/upkeep/replay.py",
        "service/upkeep/resealing.py",
        "service/upkeep/verify.py",
    },
}
"""Who may open what. A file that is added here is a decision of the whole project."""


def test_nobody_opens_the_guard_but_those_who_may() -> None:
    found: dict[str, set[str]] = {name: set() for name in MAY}
    for path in [*ROOT.glob("service/**/*.py"), *ROOT.glob("consent/**/*.py")]:
        file = str(path.relative_to(ROOT))
        if file == "service/kit/guard.py":
            continue
        source = path.read_text(encoding="utf-8")
        names = {
            alias.name
            for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.ImportFrom) and node.module == "service.kit.guard"
            for alias in node.names
        }
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                names |= {node.attr} if node.value.id == "guard" else set()
        for name in MAY.keys() & names:
            found[name].add(file)
        # Outside of the plumbing nobody reaches past these functions to the guard itself.
        if not file.startswith("service/kit/"):
            assert not names & {"guard_of", "GUARD", "Guard"}, file
    assert found == MAY


def test_every_table_of_a_resident_says_how_it_is_protected() -> None:
    kinds = Protection(tables_of("data")).tables()
    owned = {
        name for name, table in metadata.tables.items() if "resident_id" in table.columns
    } - OPEN_TABLES
    assert owned <= set(kinds)
    assert set(kinds.values()) <= {"data", "policy", "log"}


OPEN_TABLES = {"access_heads", "emergency_reviews"}
"""A hash and a number of each chain; reviews of emergencies, which hold no reason."""


@pytest.mark.parametrize(
    "harmless",
    [
        "SELECT 1",
        "SELECT * FROM logins WHERE tag = $1",
        "INSERT INTO access_log (resident_id, seq) VALUES ($1, $2)",
        "SET LOCAL lock_timeout = '5s'",
        "CREATE TABLE record_parts (resident_id BYTEA)",
        "SAVEPOINT sa_savepoint_1",
        "INSERT INTO revocations (id, at) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET at = $3",
    ],
)
def test_what_needs_nothing_is_told_apart(harmless: str) -> None:
    assert need_of(harmless, Protection(tables_of("data"))) == 0
