"""Unusual looks are marked in the resident's log and told by a notice; unusual reading alerts."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog
from sqlalchemy import insert

from service.house import build
from service.jobs.watch import watch
from service.kit import metrics
from service.kit.settings import Settings
from service.watch.tables import access_readers
from tests.conftest import MovingClock
from tests.house_room import Person, Town, town


@pytest.fixture
def here(settings: Settings, clock: MovingClock) -> Iterator[Town]:
    with town(settings, clock) as opened:
        yield opened


def sign(here: Town, resident: Person, doctor: Person) -> None:
    wish = {"doctor_id": doctor.id, "package": "basic", "data_classes": ["body"]}
    answer = here.doors.post("/v1/me/contract", json=wish, headers=resident.headers)
    assert answer.status_code == 201, answer.text


def items(here: Town, path: str, who: Person) -> list[dict[str, Any]]:
    answer = here.doors.get(path, headers=who.headers)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def look(here: Town, resident: Person, doctor: Person) -> int:
    path = f"/v1/doctor/patients/{resident.id}"
    return here.doors.get(path, headers=doctor.headers).status_code


def marked(here: Town, who: Person) -> list[list[str]]:
    entries = items(here, "/v1/me/access-log", who)
    return [[mark["id"] for mark in one["alarms"]] for one in entries]


def unusual(here: Town, who: Person) -> list[dict[str, Any]]:
    return [one for one in items(here, "/v1/me/notices", who) if one["kind"] == "unusual-look"]


def test_unusual_looks_are_marked_and_told(here: Town, clock: MovingClock) -> None:
    lin, zhou = here.resident(), here.doctor()
    sign(here, lin, zhou)
    assert look(here, lin, zhou) == look(here, lin, zhou) == 200
    marks = marked(here, lin)
    assert marks == [[], ["first-look"]]
    assert unusual(here, lin) == []
    assert watch(here.house) == 2
    told = unusual(here, lin)
    assert len(told) == 1
    assert "周医生" in told[0]["text"]["zh"]
    assert "for the first time" in told[0]["text"]["en"]
    # Looking through once is enough.
    assert watch(here.house) == 0
    assert len(unusual(here, lin)) == 1


def test_a_stranger_who_tries_again_and_again_is_told(here: Town) -> None:
    lin, stranger = here.resident(), here.doctor()
    for _ in range(4):
        assert look(here, lin, stranger) == 404
    marks = marked(here, lin)
    assert marks == [["refused-repeatedly"]] * 2 + [[]] * 2
    watch(here.house)
    assert len(unusual(here, lin)) == 1


def test_a_look_in_the_night_is_told(here: Town, clock: MovingClock) -> None:
    lin, zhou = here.resident(), here.doctor()
    sign(here, lin, zhou)
    assert look(here, lin, zhou) == 200
    watch(here.house)
    clock.now = datetime(2026, 11, 20, 16, 30, tzinfo=UTC)
    lin, zhou = here.sign_in("lin"), here.strong(zhou)
    assert look(here, lin, zhou) == 200
    assert marked(here, lin)[0] == ["at-night"]
    watch(here.house)
    assert len(unusual(here, lin)) == 2


def test_an_erased_resident_stops_nobody_else_from_being_told(here: Town) -> None:
    lin, mei, zhou = here.resident(), here.resident("mei"), here.doctor()
    for one in (lin, mei):
        sign(here, one, zhou)
        assert look(here, one, zhou) == 200
    gone = here.doors.delete("/v1/me", headers=lin.headers)
    assert gone.status_code in (200, 202, 204), gone.text
    watch(here.house)
    assert len(unusual(here, mei)) == 1


def test_a_doctor_who_reads_three_times_the_usual_alerts_the_operator(here: Town) -> None:
    lin, zhou = here.resident(), here.doctor()
    sign(here, lin, zhou)
    today = here.house.clock().date().toordinal()
    known = [(today - back, 40) for back in (1, 2, 3)] + [(today, 120)]
    rows = [{"actor_id": zhou.id, "day": day, "patients": count} for day, count in known]
    with here.beneath.execution_options(kangma_writes=True).begin() as conn:
        conn.execute(insert(access_readers), rows)
    before = metrics.unusual_reading._value.get()
    with structlog.testing.capture_logs() as lines:
        assert look(here, lin, zhou) == 200
        watch(here.house)
        assert look(here, lin, zhou) == 200
        watch(here.house)
    told = [line for line in lines if line["event"] == "unusually many patients read"]
    assert [(line["actor"], line["count"], line["usual"]) for line in told] == [(zhou.id, 121, 40)]
    assert lin.id not in str(lines)
    assert metrics.unusual_reading._value.get() == before + 1


def test_two_processes_tell_once(here: Town, clock: MovingClock) -> None:
    lin, zhou = here.resident(), here.doctor()
    sign(here, lin, zhou)
    assert look(here, lin, zhou) == 200
    other = build(here.house.settings, clock=clock)
    assert watch(other) + watch(here.house) == 1
    other.close()
    assert len(unusual(here, lin)) == 1
