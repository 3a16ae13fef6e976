"""Questionnaires over HTTP: scores, doubts, and what must be said at once."""

from typing import Any

import pytest

from service.domain.questionnaires.instruments import INSTRUMENTS
from tests.api.test_models import Caller
from tests.words import without_ids

CALM = {f"phq9_{n}": 0 for n in range(1, 10)}


@pytest.fixture(scope="module")
def client() -> Caller:
    return Caller()


def test_every_questionnaire_says_licence_method_and_doubt(client: Caller) -> None:
    listed = client.get("/v1/questionnaires").json()["items"]
    assert [one["id"] for one in listed] == list(INSTRUMENTS)
    for one in listed:
        assert one["licence"]
        assert one["method"]["kind"]
        assert one["caveat"]["zh"]
        assert one["grade"] in {"A", "B", "C", "P"}
        assert bool(one["items"]) != bool(one["items_withheld"])


def test_a_score_has_band_licence_and_notes(client: Caller) -> None:
    answers = CALM | {"phq9_1": 3, "phq9_2": 3}
    body = client.post("/v1/questionnaires/phq9/score", json={"answers": answers}).json()
    assert (body["state"], body["total"], body["category"]) == ("complete", 6, "mild")
    assert body["label"] == {"zh": "轻度", "en": "mild"}
    assert body["safety"] is None
    assert body["licence"] == INSTRUMENTS["phq9"].licence
    assert INSTRUMENTS["phq9"].caveat.both() in body["notes"]


@pytest.mark.parametrize("answers", [CALM | {"phq9_9": 1}, {"phq9_9": 3}])
def test_a_crisis_is_answered_in_the_same_answer(client: Caller, answers: dict[str, int]) -> None:
    body = client.post("/v1/questionnaires/phq9/score", json={"answers": answers}).json()
    assert body["safety"]["numbers"] == ["12356", "120", "110"]
    for language in ("zh", "en"):
        assert "12356" in body["safety"]["text"][language]


def test_missing_items_are_named_and_leave_no_total(client: Caller) -> None:
    body = client.post(
        "/v1/questionnaires/gad7/score", json={"answers": {"gad7_1": 3, "gad7_2": 3}}
    ).json()
    assert (body["state"], body["total"], body["category"]) == ("incomplete", None, None)
    assert body["missing"] == [f"gad7_{n}" for n in range(3, 8)]


def test_a_total_is_judged_where_items_are_not_shown(client: Caller) -> None:
    body = client.post("/v1/questionnaires/ais/score", json={"total": 5}).json()
    assert (body["total"], body["label"]["en"]) == (5, "possible insomnia")


@pytest.mark.parametrize(
    ("name", "question", "pointer", "code"),
    [
        ("phq9", {"answers": {"phq9_1": 77}}, "/answers/phq9_1", "bad-answer"),
        ("phq9", {"answers": {"phq9_1": True}}, "/answers/phq9_1", "not-whole"),
        ("phq9", {"answers": {"tarot": 1}}, "/answers/tarot", "unknown-item"),
        ("phq9", {"answers": {"77123 kg": 1}}, "/answers", "unknown-item"),
        ("phq9", {"total": 7}, "/total", "not-asked"),
        ("ais", {"total": 25}, "/total", "out-of-range"),
        ("ais", {"answers": {"ais_1": 1}}, "/answers/ais_1", "unknown-item"),
        ("auditc", {"answers": {}, "sex": "x77123"}, "/sex", "unknown-choice"),
        ("ipaq_sf", {"answers": {"ipaq_1": 8}}, "/answers/ipaq_1", "bad-answer"),
    ],
)
def test_bad_answers_are_named_and_never_echoed(
    client: Caller, name: str, question: dict[str, Any], pointer: str, code: str
) -> None:
    answer = client.post(f"/v1/questionnaires/{name}/score", json=question)
    assert answer.status_code == 422
    assert (pointer, code) in {(e["pointer"], e["code"]) for e in answer.json()["errors"]}
    assert "77" not in without_ids(answer.text)


def test_an_unknown_questionnaire_is_not_found(client: Caller) -> None:
    assert client.post("/v1/questionnaires/tarot/score", json={}).status_code == 404
