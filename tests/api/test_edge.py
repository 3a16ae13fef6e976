"""The edge on a small application: strict bodies, problem documents, headers, nothing leaked.

The doors here are made for the test; everything that stands before them is the real edge.
"""

import gzip
import io
import json
import re
from collections.abc import Iterator
from typing import Annotated, Any
from uuid import UUID

import pytest
import structlog
from fastapi import APIRouter, FastAPI, Form, Query

from consent.vocabulary import Text
from service.api import problems
from service.api.body import INFLATED_LIMIT, PLAIN_LIMIT, Number, Shape, StrictRoute
from service.api.edge import Edge
from service.kit import errors
from tests.asgi import Doors, doors, pieces

CANARY = "canary-7f3a"


class Reading(Shape):
    value: Number
    note: str = ""


router = APIRouter(route_class=StrictRoute)


@router.post("/v1/readings")
async def log_reading(reading: Reading) -> Reading:
    return reading


@router.get("/v1/readings")
async def list_readings(limit: Annotated[int, Query(ge=1, le=10)] = 5) -> dict[str, int]:
    return {"limit": limit}


@router.put("/v1/readings/{id}")
async def put_reading(id: UUID) -> None:
    return None


@router.delete("/v1/readings/{id}")
async def delete_reading(id: UUID) -> None:
    return None


@router.post("/v1/form")
async def post_form(name: Annotated[str, Form(max_length=10)]) -> dict[str, int]:
    return {"length": len(name)}


@router.get("/v1/fail/{kind}")
async def fail(kind: str) -> None:
    raise FAILURES[kind]


FAILURES: dict[str, Exception] = {
    "unknown": ValueError(CANARY),
    "keyed": KeyError(CANARY),
    "refused": errors.Refused("signed-doctor", Text("没有签约。", "No contract.")),
    "limited": errors.RateLimited(7),
    "signin": errors.Unauthenticated(),
    "stepup": errors.StepUpRequired(),
    "broken": errors.IntegrityBroken(),
    "own": errors.ServiceError(Text(CANARY, CANARY)),
    "stale": errors.Stale(),
    "faults": errors.Invalid([errors.Fault("/a", "odd", Text("奇", "odd"))]),
}


@pytest.fixture
def client() -> Iterator[Doors]:
    app = FastAPI(redirect_slashes=False)
    app.state.issuer = "https://kangma.local"
    problems.install(app)
    app.router.routes.extend(router.routes)
    app.add_middleware(Edge)
    with doors(app) as opened:
        yield opened


def problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["status"] == status
    assert document["code"] == code
    assert document["type"] == f"https://kangma.local/problems/{code}"
    assert document["title"]
    assert document["detail"]
    assert document["request_id"] == answer.headers["x-request-id"]
    assert CANARY not in answer.text
    return document


def post(client: Doors, body: bytes, **headers: str) -> Any:
    sent = {"content-type": "application/json", **headers}
    return client.post("/v1/readings", content=body, headers=sent)


def test_a_good_body_passes(client: Doors) -> None:
    assert post(client, b'{"value": 3}').json() == {"value": 3.0, "note": ""}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"\xff", "not-utf8"),
        (b'{"value": NaN}', "not-finite"),
        (b'{"value": 1e999}', "not-finite"),
        (b'{"value": 1, "note": "\\ud800"}', "bad-text"),
        (b'{"value": 1, "value": 2}', "duplicate-member"),
        (b'{"value": ' + b"[" * 10_000 + b"]" * 10_000 + b"}", "too-deep"),
        (b'{"value": 1} canary-7f3a', "not-json"),
    ],
)
def test_a_body_that_is_no_acceptable_json(client: Doors, body: bytes, code: str) -> None:
    problem(post(client, body), 400, code)


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        (b'{"value": true}', "/value", "not-a-number"),
        (b'{"value": "canary-7f3a"}', "/value", "not-a-number"),
        (b'{"value": 1, "more": "canary-7f3a"}', "/more", "unknown-field"),
        (b"{}", "/value", "required"),
        (b'["canary-7f3a"]', "", "not-an-object"),
        (b'"canary-7f3a"', "", "not-an-object"),
        (b"", "", "required"),
    ],
)
def test_a_shape_that_is_not_ours(client: Doors, body: bytes, pointer: str, code: str) -> None:
    document = problem(post(client, body), 422, "invalid")
    (fault,) = document["errors"]
    assert (fault["pointer"], fault["code"]) == (pointer, code)


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/xml", "", "application/json; charset=gbk", "multipart/form-data"],
)
def test_another_content_type(client: Doors, content_type: str) -> None:
    answer = post(client, b'{"value": 3}', **{"content-type": content_type})
    problem(answer, 415, "unsupported-media-type")


def test_utf8_may_be_said(client: Doors) -> None:
    answer = post(client, b'{"value": 3}', **{"content-type": "Application/JSON; charset=UTF-8"})
    assert answer.status_code == 200


def test_gzip_is_read(client: Doors) -> None:
    answer = post(client, gzip.compress(b'{"value": 3}'), **{"content-encoding": "gzip"})
    assert answer.json()["value"] == 3


@pytest.mark.parametrize("spoil", [lambda raw: raw[:-5], lambda raw: raw + b"x", lambda _: b"{}"])
def test_a_damaged_gzip_stream(client: Doors, spoil: Any) -> None:
    body = spoil(gzip.compress(b'{"value": 3}'))
    problem(post(client, body, **{"content-encoding": "gzip"}), 400, "malformed")


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "x"])
def test_another_encoding(client: Doors, encoding: str) -> None:
    answer = post(client, b"x", **{"content-encoding": encoding})
    problem(answer, 415, "unsupported-media-type")


def test_a_bomb_stops_at_the_limit(client: Doors) -> None:
    bomb = io.BytesIO()
    with gzip.GzipFile(fileobj=bomb, mode="wb") as stream:
        for _ in range(200):
            stream.write(b" " * (1 << 20))
    assert len(bomb.getvalue()) < PLAIN_LIMIT < INFLATED_LIMIT
    problem(post(client, bomb.getvalue(), **{"content-encoding": "gzip"}), 413, "too-large")


def test_a_large_body_announced_or_not(client: Doors) -> None:
    large = b'{"value": 1, "note": "' + b"a" * PLAIN_LIMIT + b'"}'
    problem(post(client, large), 413, "too-large")
    answer = client.post(
        "/v1/readings", content=pieces(large), headers={"content-type": "application/json"}
    )
    problem(answer, 413, "too-large")


def test_a_form_is_bounded_too(client: Doors) -> None:
    assert client.post("/v1/form", data={"name": "x"}).json() == {"length": 1}
    problem(client.post("/v1/form", data={"name": "x" * PLAIN_LIMIT}), 413, "too-large")
    problem(client.post("/v1/form", data={"name": CANARY + "long"}), 422, "invalid")


def test_query_parameters(client: Doors) -> None:
    assert client.get("/v1/readings?limit=3").json() == {"limit": 3}
    document = problem(client.get(f"/v1/readings?limit={CANARY}"), 400, "bad-request")
    assert document["errors"][0]["pointer"] == "/query/limit"
    problem(client.get("/v1/readings?limit=11"), 400, "bad-request")
    problem(client.get(f"/v1/readings?limt=3&x={CANARY}"), 400, "unknown-parameter")


def test_a_path_that_names_nothing(client: Doors) -> None:
    problem(client.put(f"/v1/readings/{CANARY}"), 404, "not-found")
    problem(client.get("/v1/nowhere"), 404, "not-found")
    problem(client.get("/v1/readings/"), 404, "not-found")
    problem(client.get(f"/%00{CANARY}"), 404, "not-found")


def test_405_lists_every_method(client: Doors) -> None:
    answer = client.patch("/v1/readings")
    problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "GET, POST"
    answer = client.get("/v1/readings/6f1c0a36-27bd-4b37-9d5c-3b1f0c6a0c11")
    problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "PUT, DELETE"


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("unknown", 500, "internal"),
        ("keyed", 500, "internal"),
        ("own", 500, "internal"),
        ("broken", 500, "integrity"),
        ("refused", 403, "refused"),
        ("stepup", 403, "step-up-required"),
        ("signin", 401, "unauthenticated"),
        ("limited", 429, "rate-limited"),
        ("stale", 412, "stale"),
        ("faults", 422, "invalid"),
    ],
)
def test_every_kind_of_error(client: Doors, kind: str, status: int, code: str) -> None:
    problem(client.get(f"/v1/fail/{kind}"), status, code)


def test_members_of_special_problems(client: Doors) -> None:
    assert client.get("/v1/fail/refused").json()["rule"] == "signed-doctor"
    assert client.get("/v1/fail/limited").headers["retry-after"] == "7"
    assert client.get("/v1/fail/signin").headers["www-authenticate"].startswith("Bearer")
    assert client.get("/v1/fail/faults").json()["errors"][0]["detail"] == "奇"


@pytest.mark.parametrize(
    ("accepted", "said"),
    [
        (None, "没有签约。"),
        ("zh-CN", "没有签约。"),
        ("en", "No contract."),
        ("en-GB,en;q=0.9,zh;q=0.8", "No contract."),
        ("zh;q=0.5, en;q=0.9", "No contract."),
        ("en;q=0", "没有签约。"),
        ("fr, en;q=x", "没有签约。"),
        ("fr", "没有签约。"),
    ],
)
def test_the_reader_chooses_the_language(client: Doors, accepted: str | None, said: str) -> None:
    answer = client.get("/v1/fail/refused", headers={"accept-language": accepted or ""})
    assert answer.json()["detail"] == said


def test_the_log_keeps_the_kind_and_never_the_message(client: Doors) -> None:
    with structlog.testing.capture_logs() as lines:
        answer = client.get("/v1/fail/unknown")
        client.get(f"/v1/readings?limit={CANARY}")
        post(client, json.dumps({"value": CANARY}).encode())
    assert CANARY not in str(lines)
    failure = next(line for line in lines if line["event"] == "failure")
    assert failure["kind"] == "ValueError"
    assert re.search(r"tests/api/test_edge\.py:\d+$", failure["at"])
    assert failure["request_id"] == answer.headers["x-request-id"]
    routes = [line["route"] for line in lines if line["event"] == "request"]
    assert routes == ["/v1/fail/{kind}", "/v1/readings", "/v1/readings"]


def test_security_headers_stand_on_every_answer(client: Doors) -> None:
    answers = [
        post(client, b'{"value": 3}'),
        client.get("/v1/nowhere"),
        client.get("/v1/fail/unknown"),
        client.get("/v1/fail/refused"),
    ]
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("default-src 'self'")
        assert answer.headers["cache-control"] == "no-store"
        assert "server" not in answer.headers
    assert len({answer.headers["x-request-id"] for answer in answers}) == 4
