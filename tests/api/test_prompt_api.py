"""The prompt over HTTP: the shape of the contract, its history, what-if."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from service.api.me.prompts import PromptOut
from service.kit.settings import Settings
from tests.conftest import MovingClock
from tests.house_room import Person, Town, town
from tests.record_room import observation, pressures
from tests.words import without_ids


@pytest.fixture
def here(settings: Settings, clock: MovingClock) -> Iterator[Town]:
    with town(settings, clock) as opened:
        yield opened


def log(here: Town, who: Person, *records: Any) -> dict[str, Any]:
    answer = here.doors.post("/v1/me/records", json={"records": records}, headers=who.headers)
    assert answer.status_code == 200, answer.text
    brief: dict[str, Any] = answer.json()["prompt"]
    return brief


def prompt(here: Town, who: Person) -> dict[str, Any]:
    answer = here.doors.get("/v1/me/prompt", headers=who.headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    document: dict[str, Any] = answer.json()
    return document


def what_if(here: Town, who: Person, values: Any) -> Any:
    return here.doors.post("/v1/me/prompt/what-if", json={"values": values}, headers=who.headers)


PANEL = {
    "total_cholesterol": 5.8,
    "hdl_c": 1.1,
    "ldl_c": 3.9,
    "waist_circumference": 88,
    "body_weight": 70,
    "body_height": 160,
    "glucose_fasting": 5.9,
    "smoking_status": "never",
}


def test_the_prompt_has_the_shape_of_the_contract(here: Town) -> None:
    lin = here.resident(birth_date="1966-02-03")
    empty = prompt(here, lin)
    assert empty["level"] is None
    assert empty["missing"]
    brief = log(here, lin, *pressures(152, 95), observation(PANEL))
    found = prompt(here, lin)
    assert (found["level"], found["colour"]) == (brief["level"], brief["colour"])
    for document in (empty, found):
        shown = PromptOut.model_validate(document, extra="forbid")
        assert shown.model_dump(by_alias=True).keys() == document.keys()
    assert {entry["model"] for entry in found["models"]} >= {"china_par_10y"}


def test_every_path_holds_when_it_is_applied(here: Town) -> None:
    lin = here.resident(birth_date="1966-02-03")
    log(here, lin, *pressures(152, 95), observation(PANEL))
    found = prompt(here, lin)
    assert found["path"]
    for step in found["path"]:
        values = {change["measure"]: change["to"] for change in step["changes"]}
        answer = what_if(here, lin, values)
        assert answer.status_code == 200, answer.text
        assert answer.json()["level"] <= step["to_level"]
    assert prompt(here, lin) == found


def test_a_stored_prompt_is_served_byte_for_byte(here: Town) -> None:
    lin = here.resident()
    log(here, lin, *pressures())
    one = here.doors.get("/v1/me/prompt", headers=lin.headers).content
    two = here.doors.get("/v1/me/prompt", headers=lin.headers).content
    assert one == two


def test_the_history_lists_changes_newest_first(here: Town, clock: MovingClock) -> None:
    lin = here.resident()
    log(here, lin, *pressures(118, 76))
    clock.advance(timedelta(minutes=5))
    log(here, lin, *pressures(172, 104, "2026-11-20T08:30:00+08:00"))
    items = here.doors.get("/v1/me/prompts", headers=lin.headers).json()["items"]
    assert len(items) == 2
    assert items[0]["level"] > items[1]["level"]
    assert items[0]["at"] > items[1]["at"]
    assert set(items[0]) == {"at", "level", "colour", "index", "explanation"}
    none = here.doors.get("/v1/me/prompts", params={"to": "2026-11-01"}, headers=lin.headers)
    assert none.json() == {"items": [], "next": None}


@pytest.mark.parametrize(
    ("values", "pointer", "code"),
    [
        ({"systolic_bp": True}, "/values/systolic_bp", None),
        ({"systolic_bp": 1280}, "/values/systolic_bp", "out-of-range"),
        ({"smoking_status": 3}, "/values/smoking_status", None),
        ({"smoking_status": "furlong"}, "/values/smoking_status", "unknown-option"),
        ({"charm": 1}, "/values", "unknown-measure"),
        ({}, "/values", None),
    ],
)
def test_a_wish_that_cannot_be_is_named_and_not_echoed(
    here: Town, values: dict[str, Any], pointer: str, code: str | None
) -> None:
    lin = here.resident()
    answer = what_if(here, lin, values)
    assert answer.status_code == 422
    errors = answer.json()["errors"]
    assert any(one["pointer"].startswith(pointer) for one in errors)
    assert code is None or code in {one["code"] for one in errors}
    assert "1280" not in without_ids(answer.text)
    assert "furlong" not in answer.text
