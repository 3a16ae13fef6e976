"""Standards and growth over HTTP: names of the reference in, edition and doubt out."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.api.test_models import Caller
from tests.words import without_ids

VECTORS = json.loads(
    (Path(__file__).parents[1] / "golden" / "data" / "fitness_standards.json").read_text("utf-8")
)["vectors"]
GIRL = {"sex": "female", "grade": "8", "results": {"sr": 12.0}}


@pytest.fixture(scope="module")
def client() -> Caller:
    return Caller()


def test_every_standard_is_listed_with_its_edition(client: Caller) -> None:
    listed = client.get("/v1/standards").json()
    assert listed["next"] is None
    editions = {one["id"]: (one["edition"], one["status"]) for one in listed["items"]}
    assert editions == {
        "cn-nsphs-2014": ("2014 revision", "official"),
        "cn-npfs-adult-2003": ("2003", "official"),
        "cn-npfs-2023": ("2023", "provisional"),
    }
    for one in listed["items"]:
        assert one["caveats"]
        assert one["citation"]


@pytest.mark.parametrize("standard", ["cn-nsphs-2014", "cn-npfs-adult-2003", "cn-npfs-2023"])
def test_a_standard_shows_every_number_it_scores_with(client: Caller, standard: str) -> None:
    page = client.get(f"/v1/standards/{standard}").json()
    items = {item["id"] for item in page["items"]}
    assert set(page["table"]["tables"]) == items
    assert all(item["measure"].keys() == {"female", "male"} for item in page["items"])


def test_a_bound_is_a_plain_number(client: Caller) -> None:
    table = client.get("/v1/standards/cn-nsphs-2014").json()["table"]
    assert table["tables"]["sr"]["female"]["8"][6] == 13.3


@pytest.mark.parametrize("vector", VECTORS)
def test_a_worked_example_answers_in_its_own_names(client: Caller, vector: dict[str, Any]) -> None:
    question = {key: vector[key] for key in ("sex", "age", "grade", "results") if key in vector}
    answer = client.post(f"/v1/standards/{vector['standard']}/score", json=question)
    assert answer.status_code == 200
    body, expected = answer.json(), vector["expected"]
    assert {name: body[name] for name in expected} == expected
    assert (body["standard_id"], body["state"]) == (vector["standard"], "complete")
    assert body["edition"]
    assert body["version"]
    assert body["notes"]


def test_what_is_uncertain_is_in_the_answer(client: Caller) -> None:
    question = {"sex": "female", "age": 47, "results": {"one_leg_eyes_closed": 20}}
    new = client.post("/v1/standards/cn-npfs-2023/score", json=question).json()
    assert new["status"] == "provisional"
    assert "typo" in new["items"]["one_leg_eyes_closed"]["provisional"]["en"]
    old = client.post(
        "/v1/standards/cn-npfs-adult-2003/score",
        json={"sex": "female", "age": 37, "results": {"sit_reach": 8}},
    ).json()
    assert "misprint" in old["items"]["sit_reach"]["provisional"]["en"]


def test_the_next_step_is_in_the_answer(client: Caller) -> None:
    body = client.post("/v1/standards/cn-nsphs-2014/score", json=GIRL).json()
    one = body["items"]["sr"]
    assert (one["points"], one["next"]) == (74, {"points": 76, "result": 13.3})
    assert (body["state"], body["total"], body["level"]) == ("incomplete", None, None)
    assert "vc" in body["missing"]


def test_an_exemption_is_no_zero(client: Caller) -> None:
    question = {"sex": "male", "grade": "5", "exempt": True, "results": {}}
    body = client.post("/v1/standards/cn-nsphs-2014/score", json=question).json()
    assert (body["state"], body["total"], body["item_scores"]) == ("exempt", None, {})


@pytest.mark.parametrize(
    ("standard", "more", "pointer", "code"),
    [
        ("cn-nsphs-2014", {"grade": "13"}, "/grade", "unknown-option"),
        ("cn-nsphs-2014", {"grade": None}, "/grade", "required"),
        ("cn-nsphs-2014", {"age": 12}, "/age", "not-asked"),
        ("cn-nsphs-2014", {"results": {"pullup": 77}}, "/results/pullup", "wrong-age"),
        ("cn-nsphs-2014", {"results": {"vc": 77.12345}}, "/results/vc", "out-of-range"),
        ("cn-nsphs-2014", {"results": {"situp": 77.12345}}, "/results/situp", "not-whole"),
        ("cn-nsphs-2014", {"results": {"vc": True}}, "/results/vc", "not-a-number"),
        ("cn-nsphs-2014", {"results": {"77123 kg": 1}}, "/results", "unknown-item"),
        ("cn-npfs-2023", {"grade": "8", "age": 30}, "/grade", "not-asked"),
        ("cn-npfs-2023", {"grade": None}, "/age", "required"),
        ("cn-npfs-2023", {"grade": None, "age": 60}, "/age", "wrong-age"),
        ("cn-npfs-adult-2003", {"grade": None, "age": 19}, "/age", "wrong-age"),
        ("cn-npfs-adult-2003", {"grade": None, "age": 45, "results": {"pushup": 20}},
         "/results/pushup", "wrong-age"),
        ("cn-nsphs-2014", {"shoe": 1}, "/shoe", "unknown-field"),
    ],
)  # fmt: skip
def test_bad_questions_are_named_and_never_echoed(
    client: Caller, standard: str, more: dict[str, Any], pointer: str, code: str
) -> None:
    answer = client.post(f"/v1/standards/{standard}/score", json={**GIRL, **more})
    assert answer.status_code == 422
    assert (pointer, code) in {(e["pointer"], e["code"]) for e in answer.json()["errors"]}
    assert "77.12345" not in answer.text
    assert "77123" not in without_ids(answer.text)


def test_an_unknown_standard_is_not_found(client: Caller) -> None:
    assert client.get("/v1/standards/nothing").status_code == 404
    assert client.post("/v1/standards/nothing/score", json=GIRL).status_code == 404


def test_growth_of_a_small_child(client: Caller) -> None:
    child = {"sex": "female", "age_days": 1095, "height": 95.0, "weight": 17.06}
    body = client.post("/v1/growth", json=child).json()
    found = {one["indicator"]: one for one in body["findings"]}
    assert set(found) == {
        "length_height_for_age", "weight_for_age", "bmi_for_age", "weight_for_height",
    }  # fmt: skip
    assert found["bmi_for_age"]["category"] == "overweight"
    assert body["school_age"] is None
    assert "WHO" in body["source"]
    assert body["notes"]


def test_growth_at_school_age_has_both_judgements(client: Caller) -> None:
    child = {"sex": "male", "age_months": 72, "height": 115.0, "weight": 24.0}
    body = client.post("/v1/growth", json=child).json()
    assert body["school_age"]["category"] == "obese"
    assert body["school_age"]["bmi"] == 18.1
    assert "WS/T 586" in body["school_age"]["source"]
    assert len(body["notes"]) == 3


def test_an_implausible_measurement_is_asked_for_again(client: Caller) -> None:
    child = {"sex": "male", "age_days": 365, "weight": 96.0}
    body = client.post("/v1/growth", json=child).json()
    (one,) = body["findings"]
    assert (one["plausible"], one["category"], one["label"]) == (False, None, None)
    assert "measure again" in body["notes"][0]["en"]


@pytest.mark.parametrize(
    ("child", "pointer", "code"),
    [
        ({}, "/age_days", "required"),
        ({"age_days": 1, "age_months": 1}, "/age_days", "not-asked"),
        ({"age_days": -1}, "/age_days", "out-of-range"),
        ({"age_days": 6940}, "/age_days", "out-of-range"),
        ({"age_months": 228.1}, "/age_months", "out-of-range"),
        ({"age_days": 1, "weight": None}, "", "no-values"),
        ({"age_days": 1, "weight": 0.2}, "/weight", "out-of-range"),
        ({"age_days": 1, "height": 251}, "/height", "out-of-range"),
    ],
)
def test_bad_children_are_named(
    client: Caller, child: dict[str, Any], pointer: str, code: str
) -> None:
    answer = client.post("/v1/growth", json={"sex": "male", "weight": 9.6, **child})
    assert answer.status_code == 422
    assert (pointer, code) in {(e["pointer"], e["code"]) for e in answer.json()["errors"]}
