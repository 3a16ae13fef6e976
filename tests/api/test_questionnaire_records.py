"""Records of kind questionnaire over HTTP: kept, read back, refused, and heard at once."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from service.kit.settings import Settings
from tests.conftest import MovingClock
from tests.house_room import Person, Town, town

START = "2026-11-20T08:00:00+08:00"
CALM = {f"phq9_{n}": 0 for n in range(1, 10)}


@pytest.fixture
def here(settings: Settings, clock: MovingClock) -> Iterator[Town]:
    with town(settings, clock) as opened:
        yield opened


def answered(name: str, answers: dict[str, int], **values: float) -> dict[str, Any]:
    return {
        "id": str(uuid4()), "kind": "questionnaire", "start": START, "questionnaire": name,
        "answers": answers, "values": values,
    }  # fmt: skip


def sent(here: Town, who: Person, *records: dict[str, Any]) -> list[dict[str, Any]]:
    answer = here.doors.post("/v1/me/records", json={"records": records}, headers=who.headers)
    assert answer.status_code == 200, answer.text
    results: list[dict[str, Any]] = answer.json()["results"]
    return results


def test_answers_and_total_are_kept_and_read_back(here: Town) -> None:
    lin = here.resident()
    record = answered("phq9", CALM | {"phq9_1": 2}, phq9_total=2)
    (result,) = sent(here, lin, record)
    assert (result["status"], "safety" in result) == ("created", False)
    kept = here.doors.get(f"/v1/me/records/{record['id']}", headers=lin.headers).json()
    assert (kept["questionnaire"], kept["answers"]) == ("phq9", record["answers"])
    assert kept["values"] == {"phq9_total": 2}
    listed = here.doors.get(
        "/v1/me/records", params={"kind": "questionnaire"}, headers=lin.headers
    ).json()
    assert [item["id"] for item in listed["items"]] == [record["id"]]


def test_a_crisis_is_heard_when_it_is_recorded_and_when_it_is_sent_again(here: Town) -> None:
    lin = here.resident()
    record = answered("phq9", CALM | {"phq9_9": 1})
    for status in ("created", "unchanged"):
        (result,) = sent(here, lin, record)
        assert result["status"] == status
        for language in ("zh", "en"):
            assert "12356" in result["safety"][language]


def test_a_crisis_is_heard_even_in_a_record_that_is_refused(here: Town) -> None:
    lin = here.resident()
    calm, alarming = answered("gad7", {"gad7_1": 1}), answered("phq9", {"phq9_9": 2})
    quiet, loud = sent(here, lin, calm, alarming)
    assert (quiet["status"], "safety" in quiet) == ("rejected", False)
    assert (loud["status"], "safety" in loud) == ("rejected", True)


def test_a_crisis_is_heard_in_the_answer_to_a_correction(here: Town) -> None:
    lin = here.resident()
    record = answered("phq9", CALM)
    (kept,) = sent(here, lin, record)
    address = f"/v1/me/records/{record['id']}"

    def put(rev: int, answers: dict[str, int]) -> httpx.Response:
        headers = lin.headers | {"if-match": f'"{rev}"'}
        return here.doors.put(address, json={**record, "answers": answers}, headers=headers)

    loud = put(kept["rev"], CALM | {"phq9_9": 2})
    assert loud.status_code == 200, loud.text
    for language in ("zh", "en"):
        assert "12356" in loud.json()["safety"][language]
    rev = loud.json()["rev"]
    # Refused for whatever reason, it is heard all the same.
    for refused, status in (
        (put(rev, {"phq9_9": 1}), 422),
        (put(rev - 1, CALM | {"phq9_9": 1}), 412),
        (
            here.doors.put(address, json={**record, "answers": {"phq9_9": 3}}, headers=lin.headers),
            428,
        ),
    ):
        assert refused.status_code == status, refused.text
        assert "12356" in refused.json()["safety"]["zh"]
    calm, faulty = put(rev, CALM), put(rev, {"phq9_1": 1})
    assert (calm.status_code, faulty.status_code) == (200, 422)
    assert "safety" not in calm.json()
    assert "safety" not in faulty.json()


@pytest.mark.parametrize(
    ("record", "pointer", "code"),
    [
        (answered("phq9", {"phq9_1": 1}), "/records/0/answers", "incomplete"),
        (answered("phq9", CALM | {"phq9_1": 4}), "/records/0/answers/phq9_1", "bad-answer"),
        (answered("phq9", CALM, phq9_total=3), "/records/0/values/phq9_total", "not-the-sum"),
        (answered("tarot", {}), "/records/0/questionnaire", "unknown-questionnaire"),
        (answered("mmse", {"mmse_1": 1}), "/records/0/answers/mmse_1", "unknown-item"),
    ],
)
def test_faults_of_a_questionnaire_are_named(
    here: Town, record: dict[str, Any], pointer: str, code: str
) -> None:
    (result,) = sent(here, here.resident(), record)
    assert result["status"] == "rejected"
    found = {(error["pointer"], error["code"]) for error in result["problem"]["errors"]}
    assert (pointer, code) in found


@pytest.mark.parametrize(
    ("name", "answers"),
    [
        ("acsm_screen", {"exercises": 1, "disease": 0, "symptoms": 0}),
        ("elder_screen_basic", {"cognition": 0}),
        ("three_cuts_three_health",
         {"salt": 1, "oil": 0, "sugar": 1, "mouth": 1, "weight": 1, "bones": 0}),
        ("gad2", {"gad7_1": 1, "gad7_2": 0}),
    ],
)  # fmt: skip
def test_every_new_instrument_can_be_recorded(
    here: Town, name: str, answers: dict[str, int]
) -> None:
    (result,) = sent(here, here.resident(), answered(name, answers))
    assert result["status"] == "created"


def test_a_literacy_score_is_kept_without_items(here: Town) -> None:
    record = answered("health_literacy", {}, health_literacy_score=84)
    (result,) = sent(here, here.resident(), record)
    assert result["status"] == "created"
