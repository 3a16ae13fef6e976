"""The calculators over HTTP: the reference vectors' names in, the contract's shape out."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from service.api.bare import application
from service.domain.risk.models import MODELS
from tests.golden.vectors import OWN, asked
from tests.words import without_ids

BODY = {"bmi": 23.99}


class Caller:
    """Calls the application in this process, without a house behind it."""

    def __init__(self) -> None:
        self._application = application()

    def get(self, path: str) -> httpx.Response:
        return asyncio.run(self._send("GET", path))

    def post(self, path: str, json: Any) -> httpx.Response:
        return asyncio.run(self._send("POST", path, json=json))

    async def _send(self, method: str, path: str, **body: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self._application)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.request(method, path, **body)


@pytest.fixture(scope="module")
def client() -> Caller:
    return Caller()


def test_every_model_is_listed_and_readable(client: Caller) -> None:
    listed = client.get("/v1/models").json()
    assert [item["id"] for item in listed["items"]] == list(MODELS)
    assert listed["next"] is None
    for model_id in MODELS:
        page = client.get(f"/v1/models/{model_id}").json()
        assert page["id"] == model_id
        assert page["citation"]
        assert page["grade"] in {"A", "B", "C", "P"}


def test_evaluation_has_the_shape_of_the_contract(client: Caller) -> None:
    answer = client.post("/v1/models/cn_body_size/evaluate", json={"inputs": BODY})
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {
        "value",
        "unit",
        "category",
        "terms",
        "valid",
        "outside",
        "notes",
        "grade",
        "source",
    }
    assert body["value"] == "正常"
    assert body["category"] == "normal"


@pytest.mark.parametrize("model_id", sorted(MODELS))
def test_every_model_is_evaluated_with_its_citation_and_grade(
    client: Caller, model_id: str
) -> None:
    vector = json.loads(OWN[model_id].read_text("utf-8"))["vectors"][0]
    answer = client.post(f"/v1/models/{model_id}/evaluate", json={"inputs": asked(vector)})
    assert answer.status_code == 200
    body = answer.json()
    assert (body["grade"], body["source"]) == (MODELS[model_id].grade, MODELS[model_id].citation)
    assert body["notes"][-1] == MODELS[model_id].caveat.both()


@pytest.mark.parametrize("model_id", sorted(MODELS))
def test_an_input_no_model_has_is_named_and_not_echoed(client: Caller, model_id: str) -> None:
    answer = client.post(f"/v1/models/{model_id}/evaluate", json={"inputs": {"shoe": 77123}})
    assert answer.status_code == 422
    assert "/inputs/shoe" in [fault["pointer"] for fault in answer.json()["errors"]]
    assert "77123" not in without_ids(answer.text)


def test_outside_is_said_over_http(client: Caller) -> None:
    inputs = {"sex": "female", "age": 76, "sbp": 130, "bmi": 24, "smoker": 0}
    path = "/v1/models/who_cvd_2019_east_asia/evaluate"
    assert client.post(path, json={"inputs": inputs}).json()["outside"] == []
    body = client.post(path, json={"inputs": {**inputs, "age": 39}}).json()
    assert (body["value"]["cvd"], body["valid"], body["outside"]) == (None, False, ["age"])


def test_unknown_model_is_not_found(client: Caller) -> None:
    assert client.get("/v1/models/nothing").status_code == 404
    answer = client.post("/v1/models/nothing/evaluate", json={"inputs": {}})
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("inputs", "pointer", "code"),
    [
        ({"bmi": True}, "/inputs/bmi", "not-a-number"),
        ({"bmi": "77.123"}, "/inputs/bmi", "not-a-number"),
        ({"bmi": 7712.3}, "/inputs/bmi", "out-of-range"),
        ({"bmi": 22, "shoe": 77123}, "/inputs/shoe", "unknown-field"),
        ({"bmi": 22, "77123 kg": 1}, "/inputs", "unknown-field"),
        ({"waist": 77.123}, "/inputs/sex", "required"),
        ({}, "/inputs/bmi", "required"),
        ({"bmi": None}, "/inputs/bmi", "not-a-number"),
        ({"bmi": [77.123]}, "/inputs/bmi", "not-a-number"),
    ],
)
def test_bad_input_is_named_and_never_echoed(
    client: Caller, inputs: dict[str, object], pointer: str, code: str
) -> None:
    answer = client.post("/v1/models/cn_body_size/evaluate", json={"inputs": inputs})
    assert answer.status_code == 422
    problem = answer.json()
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert {"pointer": pointer, "code": code} in [
        {"pointer": fault["pointer"], "code": fault["code"]} for fault in problem["errors"]
    ]
    assert "77" not in without_ids(answer.text)


def test_envelope_without_inputs_is_refused(client: Caller) -> None:
    assert client.post("/v1/models/ncdrs/evaluate", json={}).status_code == 422
    assert client.post("/v1/models/ncdrs/evaluate", json={"inputs": []}).status_code == 422
