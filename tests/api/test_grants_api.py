"""Grants, contract, deny-all, access log and code over HTTP, on both databases."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest

from service.kit.settings import Settings
from tests.conftest import MovingClock
from tests.house_room import Person, Town, town


@pytest.fixture
def here(settings: Settings, clock: MovingClock) -> Iterator[Town]:
    with town(settings, clock) as opened:
        yield opened


def ok(answer: httpx.Response, status: int = 200) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    document: dict[str, Any] = answer.json()
    return document


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json"
    document = ok(answer, status)
    assert document["code"] == code
    return document


def care(doctor: Person, *classes: str, **more: Any) -> dict[str, Any]:
    return {
        "grantee": {"kind": "practitioner", "id": doctor.id},
        "purposes": ["care"],
        "data_classes": list(classes) or ["profile", "body"],
        "separate_consent": True,
        **more,
    }


def give(here: Town, who: Person, body: dict[str, Any]) -> httpx.Response:
    return here.doors.post("/v1/me/grants", json=body, headers=who.headers)


def sign(here: Town, who: Person, doctor: Person, *classes: str) -> httpx.Response:
    body = {"doctor_id": doctor.id, "package": "basic", "data_classes": list(classes) or ["body"]}
    return here.doors.post("/v1/me/contract", json=body, headers=who.headers)


def test_a_grant_from_giving_to_withdrawal(here: Town) -> None:
    lin, zhou = here.resident(), here.doctor()
    given = ok(give(here, lin, care(zhou, "body", valid_until="2027-01-01T00:00:00+08:00")), 201)
    assert given == {
        "id": given["id"],
        "grantee": {"kind": "practitioner", "id": zhou.id},
        "purposes": ["care"],
        "data_classes": ["body"],
        "actions": ["read"],
        "observations_from": None,
        "observations_to": None,
        "valid_from": "2026-11-20T01:00:00Z",
        "valid_until": given["valid_until"],
        "separate_consent": ["body"],
        "uses_left": None,
        "deny": False,
        "status": "active",
        "notice": "care",
        "notice_version": "4",
        "needs_renewal": False,
        "renew_by": None,
    }
    address = f"/v1/me/grants/{given['id']}"
    assert ok(here.doors.get(address, headers=lin.headers)) == given
    changed = ok(here.doors.put(address, json=care(zhou, "fitness"), headers=lin.headers))
    assert (changed["data_classes"], changed["valid_until"]) == (["fitness"], None)
    for _ in range(2):
        gone = ok(here.doors.delete(address, headers=lin.headers))
        assert gone["status"] == "withdrawn"
    listed = ok(here.doors.get("/v1/me/grants", headers=lin.headers))
    assert listed == {"items": [gone], "next": None}
    problem(here.doors.put(address, json=care(zhou), headers=lin.headers), 409, "already-withdrawn")
    wei = here.resident("wei")
    for method in ("GET", "DELETE"):
        problem(here.doors.request(method, address, headers=wei.headers), 404, "not-found")


def test_grants_are_listed_in_pages(here: Town, clock: MovingClock) -> None:
    lin, zhou = here.resident(), here.doctor()
    ids = []
    for _ in range(5):
        clock.advance(timedelta(seconds=1))
        ids.append(ok(give(here, lin, care(zhou)), 201)["id"])
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = ok(
            here.doors.get("/v1/me/grants", params={"limit": 2, **cursor}, headers=lin.headers)
        )
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert seen == ids[::-1]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"data_classes": ["body", "aura"]}, "/data_classes/1"),
        ({"separate_consent": []}, "/separate_consent"),
        ({"separate_consent": False}, "/separate_consent"),
        ({"purposes": ["marketing"]}, "/purposes/0"),
        ({"valid_until": "2020-01-01T00:00:00Z"}, "/valid_until"),
        ({"valid_until": "2027-01-01T00:00:00"}, "/valid_until"),
        ({"observations_from": "2026-02-30"}, "/observations_from"),
        ({"uses_left": 3}, "/uses_left"),
        ({"grantee": {"kind": "practitioner", "id": str(uuid4())}}, "/grantee/id"),
    ],
)
def test_what_cannot_be_granted_is_named(here: Town, change: dict[str, Any], pointer: str) -> None:
    lin, zhou = here.resident(), here.doctor()
    told = problem(give(here, lin, care(zhou) | change), 422, "invalid")
    assert {fault["pointer"] for fault in told["errors"]} == {pointer}
    assert ok(here.doors.get("/v1/me/grants", headers=lin.headers))["items"] == []


def test_grade_five_needs_a_fresh_sign_in(here: Town, clock: MovingClock) -> None:
    lin, zhou = here.resident(), here.doctor()
    clock.advance(timedelta(minutes=6))
    problem(give(here, lin, care(zhou, "genetic")), 403, "step-up-required")
    problem(sign(here, lin, zhou, "infectious"), 403, "step-up-required")
    ok(give(here, here.sign_in("lin"), care(zhou, "genetic")), 201)


def test_the_contract_and_its_doctor(here: Town) -> None:
    lin, zhou = here.resident(), here.doctor()
    doctors = ok(here.doors.get("/v1/me/doctors", headers=lin.headers))
    assert doctors["items"] == [
        {
            "id": zhou.id,
            "name": "周医生",
            "clinic": "河街卫生站",
            "clinic_id": doctors["items"][0]["clinic_id"],
            "role": "family-doctor",
            "region": None,
        }
    ]
    problem(here.doors.get("/v1/me/contract", headers=lin.headers), 404, "not-found")
    signed = ok(sign(here, lin, zhou, "body", "lifestyle"), 201)
    assert signed["doctor_id"] == zhou.id
    assert signed["data_classes"] == ["lifestyle", "body"]
    assert (signed["status"], signed["grant_status"]) == ("active", "active")
    assert ok(here.doors.get("/v1/me/contract", headers=lin.headers)) == signed
    grant = ok(here.doors.get(f"/v1/me/grants/{signed['grant_id']}", headers=lin.headers))
    assert grant["data_classes"] == ["profile", "lifestyle", "body"]
    problem(sign(here, lin, zhou), 409, "already-signed")
    ended = ok(here.doors.delete("/v1/me/contract", headers=lin.headers))
    assert (ended["status"], ended["grant_status"]) == ("ended", "withdrawn")
    problem(here.doors.delete("/v1/me/contract", headers=lin.headers), 404, "not-found")


def test_a_receipt_is_checked_with_the_published_keys(here: Town) -> None:
    lin, zhou = here.resident(), here.doctor()
    grant = ok(give(here, lin, care(zhou)), 201)
    answer = ok(here.doors.get(f"/v1/me/grants/{grant['id']}/receipt", headers=lin.headers))
    published = jwt.PyJWKSet.from_dict(ok(here.doors.get("/.well-known/jwks.json")))
    key = published[jwt.get_unverified_header(answer["receipt"])["kid"]].key
    claims = jwt.decode(answer["receipt"], key, algorithms=["EdDSA"])
    assert claims["processing"]["grant_id"] == grant["id"]
    assert claims["header"]["pii_principal_id"] == lin.id


def test_simulate_says_who_could_see_what(here: Town) -> None:
    lin, zhou = here.resident(), here.doctor()
    sign(here, lin, zhou, "body")

    def simulate(body: dict[str, Any]) -> dict[str, Any]:
        address = "/v1/me/grants/simulate"
        page = ok(here.doors.post(address, json=body, headers=lin.headers))
        return {item["action"]: item for item in page["items"] if item["purpose"] == "care"}

    now = simulate({})["read"]
    assert now["grantee"] == {"kind": "practitioner", "id": zhou.id}
    assert now["data_classes"] == ["profile", "body"]
    assert {item["rule"] for item in now["withheld"]} == {"no-grant"}
    assert all(item["reason"]["zh"] and item["reason"]["en"] for item in now["withheld"])
    then = simulate({"grant": care(zhou, "mental")})["read"]
    assert then["data_classes"] == ["profile", "body", "mental"]
    assert len(ok(here.doors.get("/v1/me/grants", headers=lin.headers))["items"]) == 1


# P10. Refusing everything leaves the resident's own functions working.

OWN_OPERATIONS = (
    ("GET", "/v1/me", None, 200),
    ("PATCH", "/v1/me", {"name": "林小梅"}, 200),
    ("GET", "/v1/me/records", None, 200),
    (
        "POST",
        "/v1/me/records",
        {
            "records": [
                {
                    "kind": "observation",
                    "start": "2026-11-20T08:00:00+08:00",
                    "values": {"systolic_bp": 128, "diastolic_bp": 82},
                }
            ]
        },
        200,
    ),
    (
        "POST",
        "/v1/me/series",
        {"series": [{"measure": "heart_rate", "day": "2026-11-19", "t": [60], "v": [71]}]},
        200,
    ),
    ("GET", "/v1/me/series/heart_rate", None, 200),
    ("GET", "/v1/me/prompt", None, 200),
    ("GET", "/v1/me/prompts", None, 200),
    ("POST", "/v1/me/prompt/what-if", {"values": {"systolic_bp": 118}}, 200),
    ("GET", "/v1/me/code", None, 200),
    ("GET", "/v1/me/grants", None, 200),
    ("POST", "/v1/me/grants/simulate", {}, 200),
    ("GET", "/v1/me/grants/replay?at=2026-11-20T00:59:00Z", None, 200),
    ("GET", "/v1/me/emergency", None, 200),
    ("GET", "/v1/me/notices", None, 200),
    ("GET", "/v1/me/requests", None, 200),
    ("GET", "/v1/me/plan", None, 200),
    ("GET", "/v1/me/appeals", None, 200),
    ("GET", "/v1/me/prompt/automation", None, 200),
    ("PUT", "/v1/me/prompt/automation", {"on": False}, 200),
    ("PUT", "/v1/me/prompt/automation", {"on": True}, 200),
    ("GET", "/v1/me/access-log", None, 200),
    ("GET", "/v1/me/access-log/export", None, 200),
    ("GET", "/v1/me/export", None, 200),
    ("GET", "/v1/me/export?format=fhir", None, 200),
    ("GET", "/v1/me/export?format=csv", None, 200),
    ("GET", "/v1/me/doctors", None, 200),
    ("GET", "/v1/me/children", None, 200),
    ("GET", "/v1/me/guardians", None, 200),
    ("GET", "/v1/me/contract", None, 404),
    ("GET", "/v1/me/recovery-codes", None, 200),
    ("POST", "/v1/me/recovery-codes", None, 201),
    ("DELETE", "/v1/me", None, 200),
)


def test_refusing_everything_leaves_the_own_functions_working(here: Town) -> None:
    lin = here.resident()
    put = here.doors.put("/v1/me/deny-all", json={"on": True}, headers=lin.headers)
    assert ok(put) == {"on": True}
    assert ok(here.doors.get("/v1/me/deny-all", headers=lin.headers)) == {"on": True}
    for method, address, body, status in OWN_OPERATIONS:
        more = {} if body is None else {"json": body}
        answer = here.doors.request(method, address, headers=lin.headers, **more)
        assert answer.status_code == status, (method, address, answer.text)


def test_every_own_reading_operation_is_in_the_deny_all_list(here: Town) -> None:
    """A new own function has to join the list above: nothing optional may be a condition of it."""
    document = ok(here.doors.get("/openapi.json"))
    own = {
        address
        for address, doors in document["paths"].items()
        if address.startswith("/v1/me/") and "get" in doors and "{" not in address
    }
    tried = {
        address.partition("?")[0] for method, address, _, _ in OWN_OPERATIONS if method == "GET"
    }
    assert own - tried <= {"/v1/me/deny-all", "/v1/me/contributions"}


def test_the_switch_takes_a_boolean_and_nothing_else(here: Town) -> None:
    lin = here.resident()
    for on in (1, "true", None, [True]):
        answer = here.doors.put("/v1/me/deny-all", json={"on": on}, headers=lin.headers)
        problem(answer, 422, "invalid")
    assert ok(here.doors.get("/v1/me/deny-all", headers=lin.headers)) == {"on": False}
