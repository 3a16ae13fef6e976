"""What a panel tells by leaving somebody out is a look like any other: it is in their log."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from service.jobs import checkpoint
from service.kit.settings import Settings
from tests.conftest import MovingClock
from tests.house_room import Person, Town, town


@pytest.fixture
def here(settings: Settings, clock: MovingClock) -> Iterator[Town]:
    with town(settings, clock) as opened:
        yield opened


def log(here: Town, who: Person) -> None:
    record = {
        "id": str(uuid4()),
        "kind": "observation",
        "start": "2026-11-20T08:00:00+08:00",
        "values": {"systolic_bp": 192, "diastolic_bp": 118},
    }
    answer = here.doors.post("/v1/me/records", json={"records": [record]}, headers=who.headers)
    assert answer.status_code == 200, answer.text


@pytest.fixture
def people(here: Town) -> tuple[Person, list[Person]]:
    """A doctor, and whom they signed: one at level 5, one without a level."""
    zhou = here.doctor()
    ill, quiet = here.resident("ill", name="白二"), here.resident("quiet", name="安一")
    log(here, ill)
    for one in (ill, quiet):
        wish = {"doctor_id": zhou.id, "package": "basic", "data_classes": ["body"]}
        answer = here.doors.post("/v1/me/contract", json=wish, headers=one.headers)
        assert answer.status_code == 201, answer.text
    return zhou, [ill, quiet]


def panel(here: Town, doctor: Person, **query: Any) -> dict[str, Any]:
    answer = here.doors.get("/v1/doctor/panel", params=query, headers=doctor.headers)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


def names(here: Town, doctor: Person, **query: Any) -> list[str]:
    return [one["name"] for one in panel(here, doctor, **query)["items"]]


def entries(here: Town, who: Person) -> list[dict[str, Any]]:
    answer = here.doors.get("/v1/me/access-log", headers=who.headers)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def told(entry: dict[str, Any]) -> dict[str, Any]:
    """An entry without what differs between any two of them."""
    own = {"seq", "leaf", "at", "previous_hash", "hash", "request_id", "grant_id", "revision"}
    return {name: value for name, value in entry.items() if name not in own}


@pytest.mark.parametrize("query", [{"level": 3}, {"due": True, "level": 1}])
def test_an_empty_filtered_page_is_in_the_log_of_everybody_it_weighed(
    here: Town, people: tuple[Person, list[Person]], query: dict[str, Any]
) -> None:
    zhou, weighed = people
    assert names(here, zhou, **query) == []
    assert [len(entries(here, one)) for one in weighed] == [1, 1]
    assert checkpoint.prove(here.house) is None


def test_who_is_left_out_has_the_same_entry_as_who_is_shown(
    here: Town, people: tuple[Person, list[Person]]
) -> None:
    zhou, (ill, quiet) = people
    assert names(here, zhou, level=5) == ["白二"]
    (shown,), (left_out,) = entries(here, ill), entries(here, quiet)
    assert told(shown) == told(left_out)


def test_every_page_of_a_filtered_panel_is_a_look_at_all_it_weighed(
    here: Town, people: tuple[Person, list[Person]]
) -> None:
    zhou, weighed = people
    log(here, weighed[1])
    first = panel(here, zhou, level=5, limit=1)
    last = panel(here, zhou, level=5, limit=1, cursor=first["next"])
    assert {one["name"] for one in first["items"] + last["items"]} == {"白二", "安一"}
    assert last["next"] is None
    assert [len(entries(here, one)) for one in weighed] == [2, 2]


def test_a_filter_weighs_nobody_whose_name_was_not_asked_for(
    here: Town, people: tuple[Person, list[Person]]
) -> None:
    zhou, (ill, quiet) = people
    assert names(here, zhou, q="安", level=5) == []
    assert [len(entries(here, one)) for one in (ill, quiet)] == [0, 1]


def test_an_unfiltered_page_is_in_the_log_of_whom_it_shows(
    here: Town, people: tuple[Person, list[Person]]
) -> None:
    zhou, (ill, quiet) = people
    assert names(here, zhou, limit=1) == ["白二"]
    assert names(here, zhou, q="无") == []
    assert [len(entries(here, one)) for one in (ill, quiet)] == [1, 0]
