"""What the vault opened for others in a day is what the access log tells of that day."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
import structlog
from sqlalchemy import Connection, select

from consent.decision import Permit
from consent.request import Actor
from consent.vocabulary import ALL_CLASSES, Action, ActorKind, Purpose
from service.api import gate as door
from service.grants import gate
from service.house import build
from service.jobs.reconcile import Reconciliation, reconcile
from service.kit import metrics
from service.kit.clock import city_day
from service.records import pages
from service.tallies.tables import access_tallies
from tests.house_room import Town
from tests.security.asks import asks
from tests.standing_room import NOW, Standing, standing

DAY = city_day(NOW)


@pytest.fixture(params=["sqlite", "postgresql"])
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Standing]:
    with standing(tmp_path, request.param) as made:
        yield made


def numbers(here: Standing) -> Reconciliation:
    return reconcile(here.town.house, DAY)


def look(here: Standing, path: str = "") -> Any:
    address = f"/v1/doctor/patients/{here.resident.id}{path}"
    return here.town.doors.get(address, headers=here.doctor.headers)


def refresh(town: Town, person: Any) -> str:
    return str(town.sign_in(person.login).refresh)


def test_an_honest_run_over_the_whole_api_leaves_no_difference(here: Standing) -> None:
    before = numbers(here)
    assert before.sound
    for _ in range(2):
        for ask in asks(here, refresh(here.town, here.resident)):
            for who in {ask.audience, "doctor", "resident", "city"}:
                person = here.person(who)
                headers = {} if person is None else person.headers
                options = dict(ask.options)
                headers = {**options.pop("headers", {}), **headers}
                here.town.doors.request(ask.method, ask.path, headers=headers, **options)
    after = numbers(here)
    assert after.sound
    assert after.logged == after.opened > before.opened
    assert after.erased == 0


def test_a_look_that_writes_no_entry_is_found(here: Standing) -> None:
    """A route that reads and forgets the log, in the transaction of a write and in a read."""
    town, owner = here.town, UUID(here.resident.id)

    def permit(conn: Connection) -> Permit:
        return gate.permit_or_raise(
            conn,
            town.house.vault,
            actor=_actor(here),
            subject=owner,
            purpose=Purpose.CARE,
            action=Action.READ,
            classes=ALL_CLASSES,
            now=NOW,
        )

    def forgetful(conn: Connection) -> int:
        query = pages.Query(None, None, None, None)
        return len(pages.page(conn, town.house.vault, permit(conn), query, limit=10).items)

    alarms = metrics.unlogged_openings._value.get()
    before = numbers(here)
    with structlog.testing.capture_logs() as lines:
        assert town.house.db.read(forgetful) > 0
        assert town.house.db.write(forgetful) > 0
    told = [line for line in lines if line["event"] == "classes opened without an entry"]
    assert len(told) >= 2
    assert {line["actor"] for line in told} == {here.doctor.id}
    assert here.resident.id not in str(lines)
    assert metrics.unlogged_openings._value.get() > alarms
    # The next honest look keeps the process's tally, and the day does not add up any more.
    assert look(here).status_code == 200
    after = numbers(here)
    assert not after.sound
    assert after.difference == before.difference + sum(line["count"] for line in told)


def _actor(here: Standing) -> Actor:
    return Actor(ActorKind.PRACTITIONER, here.doctor.id)


def test_a_route_whose_entries_get_lost_is_found(
    here: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(door.audit, "append", lambda conn, entries: None)
        assert look(here, "/records").status_code == 200
    found = numbers(here)
    assert not found.sound
    assert found.difference > 0


def test_looks_that_were_undone_count_as_kept_back(
    here: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jobs of a failing group run again: what they opened first was told to nobody."""
    before = numbers(here)

    def failing(conn: Connection, entries: object) -> None:
        raise RuntimeError("the log is away")

    with monkeypatch.context() as patched:
        patched.setattr(door.audit, "append", failing)
        assert look(here).status_code == 500
    assert look(here).status_code == 200
    after = numbers(here)
    assert after.sound
    assert after.kept_back > before.kept_back


def test_a_commit_whose_answer_is_lost_raises_no_alarm(
    here: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its entry was kept with its tally: the process goes on counting beside both."""
    house = here.town.house
    if house.db.dialect == "sqlite":
        pytest.skip("SQLite is in this process: its answers are not lost on the way")
    assert look(here).status_code == 200
    before, really = numbers(here), house.db.engine.dialect.do_commit
    with monkeypatch.context() as patched:

        def lose(connection: Any) -> None:
            really(connection)
            connection.driver_connection.close()
            raise psycopg.OperationalError("the connection is closed")

        patched.setattr(house.db.engine.dialect, "do_commit", lose)
        assert look(here).status_code == 503
    for _ in range(2):
        assert look(here).status_code == 200
    after = numbers(here)
    assert after.sound
    assert after.logged > before.logged + 2


def test_a_process_that_ends_without_another_entry_is_found(tmp_path: Path) -> None:
    with standing(tmp_path) as here:
        settings = here.town.house.settings
        other = build(settings, clock=lambda: NOW)

        def forgetful(conn: Connection) -> None:
            vault = other.vault
            permit = gate.permit_or_raise(
                conn,
                vault,
                actor=_actor(here),
                subject=UUID(here.resident.id),
                purpose=Purpose.CARE,
                action=Action.READ,
                classes=ALL_CLASSES,
                now=NOW,
            )
            pages.page(conn, vault, permit, pages.Query(None, None, None, None), limit=10)

        other.db.write(forgetful)
        assert numbers(here).sound
        other.close()
        found = numbers(here)
        assert found.difference == 1
        assert str(other.vault.openings.process) in found.processes


def test_the_tally_does_not_tell_a_thief_how_much_was_opened(here: Standing) -> None:
    """One size, sealed: a row that changes with each look must not show the look's classes."""

    def rows(conn: Connection) -> list[bytes]:
        return [bytes(row.sealed) for row in conn.execute(select(access_tallies))]

    first = here.town.house.db.read(rows)
    assert look(here, "/records").status_code == 200
    second = here.town.house.db.read(rows)
    assert first != second
    assert {len(one) for one in first + second} == {56}
