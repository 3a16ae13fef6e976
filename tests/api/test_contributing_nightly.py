"""A nightly run makes anew what changed, opens nobody else, and counts change over the year."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from service.counted import grounds
from service.counted.tables import contribution_grounds
from service.domain.care.lasting import AT_MOST
from service.jobs import contribute as job
from service.kit.db import Database
from service.kit.errors import IntegrityBroken
from service.kit.guard import Crossing, dangerously_crossing
from service.kit.settings import Settings
from tests.api.test_contributions_api import STATISTICS, agree, kept, run
from tests.conftest import MovingClock
from tests.house_room import Person, Town, town
from tests.record_room import observation, pressures

ALL = ["lifestyle", "body", "screening", "conditions", "fitness", "mental"]
APART = [name for name in ALL if name not in ("lifestyle", "fitness")]


@pytest.fixture
def here(settings: Settings, clock: MovingClock) -> Iterator[Town]:
    with town(settings, clock) as opened:
        yield opened


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
    """Of whom anything was opened, in order."""
    seen: list[UUID] = []
    made = job._state

    def state(connection: Any, house: Any, permit: Any, *rest: Any) -> Any:
        seen.append(permit.subject)
        return made(connection, house, permit, *rest)

    monkeypatch.setattr(job, "_state", state)
    return seen


def log(here: Town, who: Person, *records: dict[str, Any]) -> None:
    answer = here.doors.post("/v1/me/records", json={"records": records}, headers=who.headers)
    assert answer.status_code == 200, answer.text
    assert {one["status"] for one in answer.json()["results"]} == {"created"}, answer.text


def rows(db: Database) -> dict[UUID, bytes]:
    c = contribution_grounds.c
    read = dangerously_crossing(
        Crossing.VERIFICATION, lambda conn: conn.execute(select(c.resident_id, c.sealed)).all()
    )
    return {row.resident_id: bytes(row.sealed) for row in db.read(read)}


def test_whoever_has_not_changed_is_not_opened(here: Town, opened: list[UUID]) -> None:
    lin, wu = here.resident(), here.resident("wu")
    for who in (lin, wu):
        agree(here, who)
    run(here)
    assert set(opened) == {UUID(lin.id), UUID(wu.id)}
    opened.clear()
    assert run(here) == (2, 0)
    assert opened == []
    log(here, wu, observation({"salt_intake": 9.0}))
    assert run(here) == (2, 0)
    assert opened == [UUID(wu.id)]
    assert sorted(row["salt"] for row in kept(here)) == ["above_limit", "unknown"]


def test_nothing_of_an_unchanged_person_leaves_the_vault(here: Town) -> None:
    """As the tally of the vault itself has it, which the watch compares with the access log."""
    lin = here.resident()
    log(here, lin, *pressures(150, 95))
    agree(here, lin)
    run(here)
    before = here.house.vault.openings.tallies()
    run(here)
    assert here.house.vault.openings.tallies() == before


def test_a_change_of_policy_profile_or_contract_renews(here: Town, opened: list[UUID]) -> None:
    lin = here.resident()
    agree(here, lin)
    run(here)
    for method, path, body in (
        ("PATCH", "/v1/me", {"contact": "139"}),
        ("PUT", "/v1/me/prompt/automation", {"on": False}),
    ):
        opened.clear()
        answer = here.doors.request(method, path, json=body, headers=lin.headers)
        assert answer.status_code < 300, answer.text
        run(here)
        assert opened == [UUID(lin.id)], path
    opened.clear()
    agree(here, lin)
    run(here)
    assert opened == [UUID(lin.id)]


def test_time_alone_renews_in_a_month_and_sooner_where_something_ends(
    here: Town, opened: list[UUID], clock: MovingClock
) -> None:
    lin, wu = here.resident(), here.resident("wu")
    log(here, wu, observation({"salt_intake": 9.0}, "2025-12-01T08:00:00+08:00"))
    for who in (lin, wu):
        agree(here, who)
    run(here)
    for days, renewed in ((10, []), (1, [UUID(wu.id)]), (AT_MOST.days - 11, [UUID(lin.id)])):
        opened.clear()
        clock.advance(timedelta(days=days))
        run(here)
        assert opened == renewed, days
    assert {row["salt"] for row in kept(here)} == {"unknown"}


def test_another_schema_or_another_specification_renews_all(
    here: Town, opened: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    lin = here.resident()
    agree(here, lin)
    run(here)
    opened.clear()
    made = job._grounds

    def later(*given: Any) -> Any:
        return {who: _with_schema(one) for who, one in made(*given).items()}

    monkeypatch.setattr(job, "_grounds", later)
    run(here)
    assert opened == [UUID(lin.id)]


def _with_schema(one: grounds.Ground) -> grounds.Ground:
    return grounds.Ground(
        one.identity, one.rev, one.consent, one.signed, one.rules, one.plan, one.schema + 1
    )


def test_what_it_was_made_from_goes_with_the_contribution(here: Town, clock: MovingClock) -> None:
    lin, wu, sun = here.resident(), here.resident("wu"), here.resident("sun")
    grant = agree(here, lin)
    agree(here, wu)
    agree(here, sun, valid_until="2026-11-21T00:00:00Z")
    run(here)
    assert set(rows(here.house.db)) == {UUID(who.id) for who in (lin, wu, sun)}
    here.doors.delete(f"/v1/me/grants/{grant}", headers=lin.headers)
    assert set(rows(here.house.db)) == {UUID(wu.id), UUID(sun.id)}
    here.doors.delete("/v1/me", headers=wu.headers)
    assert set(rows(here.house.db)) == {UUID(sun.id)}
    clock.now = clock.now.replace(day=25)
    run(here)
    assert rows(here.house.db) == {}


def test_grounds_have_one_size_and_say_nothing(here: Town) -> None:
    lin, wu = here.resident(), here.resident("wu")
    log(here, wu, *pressures(150, 95))
    for who in (lin, wu):
        agree(here, who)
    run(here)
    sealed = rows(here.house.db)
    assert len({len(one) for one in sealed.values()}) == 1
    assert len({one[12:] for one in sealed.values()}) == 2
    with pytest.raises(IntegrityBroken):
        # Moved to another person it does not open.
        here.house.system.open(grounds.NAME, grounds._place(UUID(lin.id)), sealed[UUID(wu.id)])


def test_the_year_is_counted_from_its_first_day(here: Town) -> None:
    """From level 4 last December to level 2 now, by readings of then and of now."""
    lin = here.resident()
    log(
        here,
        lin,
        *pressures(165, 102, "2025-12-20T08:00:00+08:00"),
        *pressures(122, 78, "2026-11-19T08:00:00+08:00"),
    )
    agree(here, lin)
    run(here)
    (row,) = kept(here)
    start, _, now = row["level_transition"].partition("-")
    assert now == row["level"]
    assert int(start) > int(now)


def test_without_a_level_at_the_start_the_change_is_unknown(here: Town) -> None:
    lin, wu = here.resident(), here.resident("wu")
    for who in (lin, wu):
        log(here, who, *pressures(150, 95))
        agree(here, who)
    here.doors.put("/v1/me/prompt/automation", json={"on": False}, headers=wu.headers)
    run(here)
    assert {row["level_transition"] for row in kept(here)} == {"unknown"}
    assert sorted(row["level"] == "unknown" for row in kept(here)) == [False, True]


def test_answers_and_tests_are_counted_where_their_class_was_given(here: Town) -> None:
    lin, wu = here.resident(), here.resident("wu")
    answers = {f"phq9_{number}": 2 for number in range(1, 10)}
    for who in (lin, wu):
        log(here, who, observation({"health_literacy_score": 84}), _phq9(here, answers))
    agree(here, lin, data_classes=ALL, separate_consent=APART)
    agree(here, wu)
    run(here)
    told = {(row["depression_screen"], row["literacy"]) for row in kept(here)}
    assert told == {("positive", "basic"), ("unknown", "basic")}
    assert "mental" not in STATISTICS["data_classes"]


def _phq9(here: Town, answers: dict[str, int]) -> dict[str, Any]:
    items = here.doors.get("/v1/questionnaires/phq9").json()["items"]
    record = observation({})
    del record["values"]
    named = {item["id"]: 2 for item in items}
    assert len(named) == len(answers)
    return record | {"kind": "questionnaire", "questionnaire": "phq9", "answers": named}
