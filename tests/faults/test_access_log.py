"""No look without its entry: when the log cannot be written, nothing that was read leaves."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import event, text

from service.jobs import checkpoint
from service.kit.settings import Settings
from tests.conftest import MovingClock
from tests.house_room import Person, Town, town

NAME = "林梅"


@pytest.fixture
def here(settings: Settings, clock: MovingClock) -> Iterator[Town]:
    with town(settings, clock) as opened:
        yield opened


@pytest.fixture
def people(here: Town) -> tuple[Person, Person]:
    lin, zhou = here.resident(), here.doctor()
    wish = {"doctor_id": zhou.id, "package": "basic", "data_classes": ["body"]}
    answer = here.doors.post("/v1/me/contract", json=wish, headers=lin.headers)
    assert answer.status_code == 201, answer.text
    return lin, zhou


def asks(lin: Person, zhou: Person) -> list[tuple[str, dict[str, str]]]:
    """Every kind of look by somebody else that answers with data."""
    patient = f"/v1/doctor/patients/{lin.id}"
    panel = "/v1/doctor/panel"
    # The level of nobody here: that its page is empty tells something of everybody.
    left_out = (f"{panel}?level=4", f"{panel}?due=true")
    paths = (patient, f"{patient}/records", f"{patient}/series/heart_rate", panel, *left_out)
    return [(path, zhou.headers) for path in paths]


def entries(here: Town, who: Person) -> list[dict[str, Any]]:
    answer = here.doors.get("/v1/me/access-log", headers=who.headers)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def run(here: Town, *statements: str) -> None:
    with here.beneath.execution_options(kangma_writes=True).begin() as conn:
        for statement in statements:
            conn.execute(text(statement))


@contextmanager
def refusing(here: Town, table: str) -> Iterator[None]:
    """A table that takes no rows, as on a full disk or after somebody's trigger."""
    if here.house.db.dialect == "sqlite":
        made = [
            f"CREATE TRIGGER full_{when} BEFORE {when} ON {table} "
            "BEGIN SELECT RAISE(ABORT, 'disk full'); END"
            for when in ("INSERT", "UPDATE")
        ]
        gone = [f"DROP TRIGGER full_{when}" for when in ("INSERT", "UPDATE")]
    else:
        made = [
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'disk full'; END $$",
            f"CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION full_disk()",
        ]
        gone = [f"DROP TRIGGER full_disk ON {table}", "DROP FUNCTION full_disk()"]
    run(here, *made)
    yield
    run(here, *gone)


def assert_nothing_leaves(answer: httpx.Response) -> None:
    assert answer.status_code in (500, 503), answer.text
    assert NAME not in answer.text


@pytest.mark.parametrize("table", ["access_log", "access_heads", "access_tree"])
def test_a_look_whose_entry_cannot_be_kept_shows_nothing(
    here: Town, people: tuple[Person, Person], table: str
) -> None:
    lin, zhou = people
    with refusing(here, table):
        for path, headers in asks(lin, zhou):
            assert_nothing_leaves(here.doors.get(path, headers=headers))
        # Many at once form one group; each fails by itself.
        for answer in here.doors.together(
            [("GET", path, {"headers": headers}) for path, headers in asks(lin, zhou)] * 3
        ):
            assert_nothing_leaves(answer)
        assert entries(here, lin) == []
    assert NAME in here.doors.get(asks(lin, zhou)[0][0], headers=zhou.headers).text
    assert len(entries(here, lin)) == 1
    assert checkpoint.prove(here.house) is None


def test_a_refusal_whose_entry_cannot_be_kept_is_an_error(
    here: Town, people: tuple[Person, Person]
) -> None:
    lin, _ = people
    stranger = here.doctor("dr.stranger")
    path = f"/v1/doctor/patients/{lin.id}"
    with refusing(here, "access_log"):
        assert_nothing_leaves(here.doors.get(path, headers=stranger.headers))
    assert here.doors.get(path, headers=stranger.headers).status_code == 404
    assert [one["decision"] for one in entries(here, lin)] == ["deny"]


def test_a_tree_without_its_row_takes_no_look(here: Town, people: tuple[Person, Person]) -> None:
    """Beginning anew beside entries would hide that the row was taken away."""
    lin, zhou = people
    path = f"/v1/doctor/patients/{lin.id}"
    assert here.doors.get(path, headers=zhou.headers).status_code == 200
    run(here, "DELETE FROM access_tree")
    assert_nothing_leaves(here.doors.get(path, headers=zhou.headers))


def test_an_answer_waits_until_its_entry_is_durable(
    here: Town, people: tuple[Person, Person]
) -> None:
    """The commit is held back: nothing may have left until it is let go."""
    lin, zhou = people
    held, reached = threading.Event(), threading.Event()
    answers: list[httpx.Response] = []

    def hold(conn: Any) -> None:
        if threading.current_thread() is not caller:
            reached.set()
            assert held.wait(30)

    caller = threading.Thread(
        target=lambda: answers.append(here.doors.get(asks(lin, zhou)[0][0], headers=zhou.headers))
    )
    event.listen(here.house.db.engine, "commit", hold)
    try:
        caller.start()
        assert reached.wait(30)
        caller.join(timeout=0.3)
        assert answers == []
    finally:
        held.set()
        caller.join(timeout=30)
        event.remove(here.house.db.engine, "commit", hold)
    assert answers[0].status_code == 200
    assert len(entries(here, lin)) == 1


def test_a_commit_that_fails_takes_the_answer_with_it(
    here: Town, people: tuple[Person, Person]
) -> None:
    """The connection dies between the entry and its commit, as when the database is killed."""
    lin, zhou = people

    def die(conn: Any) -> None:
        if here.house.db.dialect == "sqlite":
            raise OSError("the disk is gone")
        pid = conn.exec_driver_sql("SELECT pg_backend_pid()").scalar()
        with here.beneath.connect() as other:
            other.exec_driver_sql(f"SELECT pg_terminate_backend({pid})")

    event.listen(here.house.db.engine, "commit", die)
    try:
        for path, headers in asks(lin, zhou):
            assert_nothing_leaves(here.doors.get(path, headers=headers))
    finally:
        event.remove(here.house.db.engine, "commit", die)
    assert entries(here, lin) == []
    assert here.doors.get(asks(lin, zhou)[0][0], headers=zhou.headers).status_code == 200
    assert checkpoint.prove(here.house) is None
