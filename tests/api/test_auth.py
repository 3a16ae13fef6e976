"""Sign-up, sign-in and the own profile over HTTP, on both databases."""

import base64
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from typing import Any

import httpx
import jwt
import pytest
from sqlalchemy import func, select

from service.identity.tables import logins, refresh_tokens
from service.keys.tables import keyrings, tombstones
from service.kit.settings import Settings
from service.residents.tables import residents
from tests.conftest import MovingClock
from tests.house_room import COMMUNITY, PASSWORD, Town, town


@pytest.fixture
def here(settings: Settings, clock: MovingClock) -> Iterator[Town]:
    with town(settings, clock) as opened:
        yield opened


def count(here: Town, table: Any) -> int:
    return here.house.db.read(
        lambda conn: conn.execute(select(func.count(table.c[0]))).scalar_one()
    )


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["code"] == code
    return document


def test_from_sign_up_to_the_own_profile(here: Town) -> None:
    answer = here.register("13800138000")
    assert answer.status_code == 201
    lin = here.sign_in("+86 138 0013 8000")
    assert answer.json() == {"resident_id": lin.id}
    me = here.doors.get("/v1/me", headers=lin.headers)
    assert me.json() == {
        "resident_id": lin.id,
        "name": "林梅",
        "birth_date": "1980-05-17",
        "sex": "female",
        "region": COMMUNITY,
        "zone": "Asia/Shanghai",
        "language": "zh",
        "contact": None,
    }
    assert me.headers["cache-control"] == "no-store"


def test_a_taken_login_answers_like_a_free_one_and_changes_nothing(here: Town) -> None:
    lin = here.resident("lin")
    rows = (count(here, residents), count(here, logins))
    taken = here.register(" LIN ", name="别人", password="another password")
    free = here.register("zhao", name="别人", password="another password")
    assert taken.status_code == free.status_code == 201
    assert taken.json().keys() == free.json().keys()
    assert len(taken.content) == len(free.content)
    assert taken.headers.keys() == free.headers.keys()
    assert (count(here, residents), count(here, logins)) == (rows[0] + 1, rows[1] + 1)
    refused(
        here.token(grant_type="password", username="lin", password="another password"),
        401,
        "invalid-credentials",
    )
    assert here.doors.get("/v1/me", headers=lin.headers).json()["name"] == "林梅"


@pytest.mark.parametrize(
    ("changes", "pointers"),
    [
        ({"password": "short"}, {"/password"}),
        ({"login": " "}, {"/login"}),
        ({"region": "nowhere", "password": "short"}, {"/password", "/region"}),
        ({"birth_date": "2026-11-21"}, {"/birth_date"}),
        ({"birth_date": "1880-01-01"}, {"/birth_date"}),
        ({"birth_date": "1980-02-30"}, {"/birth_date"}),
        ({"birth_date": 19800517}, {"/birth_date"}),
        ({"sex": "other"}, {"/sex"}),
        ({"sex": True}, {"/sex"}),
        ({"name": ""}, {"/name"}),
        ({"name": 5}, {"/name"}),
        ({"role": "admin"}, {"/role"}),
    ],
)
def test_a_wish_that_cannot_be_granted(
    here: Town, changes: dict[str, Any], pointers: set[str]
) -> None:
    document = refused(here.register("lin", **changes), 422, "invalid")
    assert {fault["pointer"] for fault in document["errors"]} == pointers
    assert count(here, residents) == count(here, logins) == 0


def test_wrong_sign_ins_look_alike(here: Town) -> None:
    here.resident("lin")
    wrong = here.token(grant_type="password", username="lin", password="not the password")
    unknown = here.token(grant_type="password", username="nobody", password="not the password")
    documents = [refused(answer, 401, "invalid-credentials") for answer in (wrong, unknown)]
    for document in documents:
        assert document.pop("request_id")
    assert documents[0] == documents[1]
    assert documents[0]["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({}, 422, None),
        ({"grant_type": "magic"}, 400, "unsupported_grant_type"),
        ({"grant_type": "password"}, 400, "invalid_request"),
        ({"grant_type": "password", "username": "lin"}, 400, "invalid_request"),
        ({"grant_type": "refresh_token"}, 400, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, 401, "invalid_grant"),
        ({"grant_type": "client_credentials"}, 401, "invalid_client"),
        (
            {"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"},
            401,
            "invalid_client",
        ),
    ],
)
def test_a_token_request_that_fails(
    here: Town, form: dict[str, str], status: int, error: str | None
) -> None:
    answer = here.doors.post("/v1/auth/token", data=form)
    assert answer.status_code == status
    assert answer.json().get("error") == error


def test_the_token_answer_has_the_shape_of_the_contract(here: Town) -> None:
    here.resident("lin")
    answer = here.token(grant_type="password", username="lin", password=PASSWORD)
    assert answer.json().keys() == {
        "access_token",
        "token_type",
        "expires_in",
        "refresh_token",
        "scope",
        "device_token",
    }
    assert (answer.json()["token_type"], answer.json()["expires_in"]) == ("Bearer", 600)
    assert answer.headers["cache-control"] == "no-store"


def test_a_published_key_verifies_an_access_token(here: Town) -> None:
    lin = here.resident("lin")
    published = here.doors.get("/.well-known/jwks.json").json()["keys"]
    kid = jwt.get_unverified_header(lin.access)["kid"]
    key = jwt.PyJWK(next(one for one in published if one["kid"] == kid))
    claims = jwt.decode(
        lin.access,
        key,
        algorithms=["EdDSA"],
        audience="resident",
        options={"verify_exp": False, "verify_iat": False},
    )
    assert claims["sub"] == lin.id
    known = here.doors.get("/.well-known/oauth-authorization-server").json()
    assert known["issuer"] == claims["iss"]
    assert known["jwks_uri"].endswith("/.well-known/jwks.json")


def test_an_access_token_ends_and_refresh_goes_on(here: Town, clock: MovingClock) -> None:
    lin = here.resident("lin")
    clock.advance(timedelta(minutes=11))
    refused(here.doors.get("/v1/me", headers=lin.headers), 401, "unauthenticated")
    answer = here.token(grant_type="refresh_token", refresh_token=lin.refresh or "")
    again = here.person("lin", answer.json())
    assert here.doors.get("/v1/me", headers=again.headers).status_code == 200
    assert again.refresh != lin.refresh


def test_a_stolen_refresh_token_ends_the_sign_in(here: Town) -> None:
    lin = here.resident("lin")
    other = here.sign_in("lin")
    thief = here.person(
        "lin", here.token(grant_type="refresh_token", refresh_token=lin.refresh or "").json()
    )
    assert here.doors.get("/v1/me", headers=thief.headers).status_code == 200
    again = here.token(grant_type="refresh_token", refresh_token=lin.refresh or "")
    refused(again, 401, "invalid-credentials")
    # The access tokens of the family are void at once, the thief's as well as the owner's.
    for caught in (thief, lin):
        refused(here.doors.get("/v1/me", headers=caught.headers), 401, "unauthenticated")
    refused(
        here.token(grant_type="refresh_token", refresh_token=thief.refresh or ""),
        401,
        "invalid-credentials",
    )
    assert here.doors.get("/v1/me", headers=other.headers).status_code == 200


@pytest.mark.parametrize("kind", ["access", "refresh"])
def test_revoking_ends_the_sign_in(here: Town, kind: str) -> None:
    lin = here.resident("lin")
    answer = here.doors.post("/v1/auth/revoke", data={"token": getattr(lin, kind)})
    assert answer.status_code == 200
    refused(here.doors.get("/v1/me", headers=lin.headers), 401, "unauthenticated")
    refused(
        here.token(grant_type="refresh_token", refresh_token=lin.refresh or ""),
        401,
        "invalid-credentials",
    )
    here.sign_in("lin")


def test_revoking_something_unknown_is_no_error(here: Town) -> None:
    answer = here.doors.post("/v1/auth/revoke", data={"token": "what is this"})
    assert (answer.status_code, answer.json()) == (200, {})


def test_a_machine_client_signs_in_by_form_and_by_header(here: Town) -> None:
    client = here.client()
    form = here.token(grant_type="client_credentials", **client)
    pair = f"{client['client_id']}:{client['client_secret']}".encode()
    basic = here.doors.post(
        "/v1/auth/token",
        data={"grant_type": "client_credentials"},
        headers={"authorization": f"Basic {base64.b64encode(pair).decode()}"},
    )
    for answer in (form, basic):
        assert answer.status_code == 200
        assert "refresh_token" not in answer.json()
    spoilt = here.doors.post(
        "/v1/auth/token",
        data={"grant_type": "client_credentials"},
        headers={"authorization": "Basic !!!"},
    )
    refused(spoilt, 401, "invalid-credentials")


def test_each_door_opens_to_its_audience_only(here: Town) -> None:
    lin, doctor, city = here.resident("lin"), here.doctor(), here.city()
    assert here.doors.get("/v1/me", headers=lin.headers).status_code == 200
    for other in (doctor, city):
        refused(here.doors.get("/v1/me", headers=other.headers), 401, "unauthenticated")


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", "Basic eDp5", "bearer x.y.z", "Bearer " + "x" * 5000],
)
def test_without_a_token_there_is_no_door(here: Town, authorization: str | None) -> None:
    headers = {} if authorization is None else {"authorization": authorization}
    answer = here.doors.get("/v1/me", headers=headers)
    refused(answer, 401, "unauthenticated")
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_amending_the_profile(here: Town) -> None:
    lin = here.resident("lin")
    answer = here.doors.patch(
        "/v1/me", json={"name": "林小梅", "contact": "微信 lin"}, headers=lin.headers
    )
    assert answer.status_code == 200
    assert here.doors.get("/v1/me", headers=lin.headers).json() == answer.json()
    assert (answer.json()["name"], answer.json()["contact"]) == ("林小梅", "微信 lin")
    cleared = here.doors.patch("/v1/me", json={"contact": None}, headers=lin.headers).json()
    assert (cleared["name"], cleared["contact"]) == ("林小梅", None)
    unchanged = here.doors.patch("/v1/me", json={}, headers=lin.headers)
    assert unchanged.json() == cleared


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"region": "nowhere"}, "/region"),
        ({"name": None}, "/name"),
        ({"birth_date": None}, "/birth_date"),
        ({"birth_date": "2090-01-01"}, "/birth_date"),
        ({"resident_id": "x"}, "/resident_id"),
        ({"zone": "Nowhere/None"}, "/zone"),
    ],
)
def test_an_amendment_that_cannot_be(here: Town, changes: dict[str, Any], pointer: str) -> None:
    lin = here.resident("lin")
    before = here.doors.get("/v1/me", headers=lin.headers).json()
    document = refused(
        here.doors.patch("/v1/me", json=changes, headers=lin.headers), 422, "invalid"
    )
    assert [fault["pointer"] for fault in document["errors"]] == [pointer]
    assert here.doors.get("/v1/me", headers=lin.headers).json() == before


def test_erasure_needs_a_fresh_password(here: Town, clock: MovingClock) -> None:
    lin = here.resident("lin")
    clock.advance(timedelta(minutes=6))
    refused(here.doors.delete("/v1/me", headers=lin.headers), 403, "step-up-required")
    answer = here.token(grant_type="refresh_token", refresh_token=lin.refresh or "")
    refreshed = here.person("lin", answer.json())
    refused(here.doors.delete("/v1/me", headers=refreshed.headers), 403, "step-up-required")
    fresh = here.sign_in("lin")
    assert here.doors.delete("/v1/me", headers=fresh.headers).status_code == 200


def test_erasure_ends_everything_and_is_signed_for(here: Town) -> None:
    lin, zhao = here.resident("lin"), here.resident("zhao")
    answer = here.doors.delete("/v1/me", headers=lin.headers)
    assert answer.status_code == 200
    said = answer.json()
    assert said["resident_id"] == lin.id
    refused(here.doors.get("/v1/me", headers=lin.headers), 401, "unauthenticated")
    refused(
        here.token(grant_type="refresh_token", refresh_token=lin.refresh or ""),
        401,
        "invalid-credentials",
    )
    refused(
        here.token(grant_type="password", username="lin", password=PASSWORD),
        401,
        "invalid-credentials",
    )
    assert here.doors.get("/v1/me", headers=zhao.headers).json()["name"] == "林梅"
    with here.house.keystore.engine.connect() as conn:
        rings = [str(row.resident_id) for row in conn.execute(select(keyrings))]
        stones = [str(row.resident_id) for row in conn.execute(select(tombstones))]
    assert lin.id not in rings
    assert zhao.id in rings
    assert stones == [lin.id]
    assert count(here, refresh_tokens) == 1


def test_an_erasure_receipt_is_checked_with_the_published_key(here: Town) -> None:
    lin = here.resident("lin")
    said = here.doors.delete("/v1/me", headers=lin.headers).json()
    header = jwt.get_unverified_header(said["receipt"])
    published = here.doors.get("/.well-known/jwks.json").json()["keys"]
    key = jwt.PyJWK(next(one for one in published if one["kid"] == header["kid"]))
    claims = jwt.decode(said["receipt"], key, algorithms=["EdDSA"], options={"verify_iat": False})
    assert (claims["sub"], claims["event"]) == (lin.id, "erased")
    assert claims["final_at"] > claims["erased_at"]
    first, payload, signature = said["receipt"].split(".")
    forged = json.loads(base64.urlsafe_b64decode(payload + "=="))
    forged["sub"] = "somebody else"
    other = base64.urlsafe_b64encode(json.dumps(forged).encode()).rstrip(b"=").decode()
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(
            f"{first}.{other}.{signature}",
            key,
            algorithms=["EdDSA"],
            options={"verify_iat": False},
        )


def test_the_same_name_may_begin_again_after_erasure(here: Town) -> None:
    lin = here.resident("lin")
    here.doors.delete("/v1/me", headers=lin.headers)
    again = here.resident("lin")
    assert again.id != lin.id
    assert here.doors.get("/v1/me", headers=again.headers).status_code == 200


def test_status_doors(here: Town) -> None:
    assert here.doors.get("/healthz").json() == {"status": "ok"}
    assert here.doors.get("/readyz").json() == {"status": "ready"}
    assert here.doors.get("/version").json()["name"] == "kangma"
    assert "kangma_requests_total" in here.doors.get("/metrics").text
    forwarded = here.doors.get("/metrics", headers={"x-forwarded-for": "10.0.0.1"})
    refused(forwarded, 404, "not-found")


def test_the_documentation_needs_no_other_machine(here: Town) -> None:
    page = here.doors.get("/docs")
    assert page.status_code == 200
    assert "http://" not in page.text
    assert "https://" not in page.text
    script = here.doors.get("/static-offline-docs/swagger-ui-bundle.js")
    assert script.status_code == 200


@pytest.mark.parametrize("path", ["/docs", "/docs/oauth2-redirect", "/redoc"])
def test_the_documentation_runs_its_own_scripts_and_no_others(here: Town, path: str) -> None:
    page = here.doors.get(path)
    policy = dict(
        part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";")
    )
    allowed = policy["script-src"].split()
    own = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)
    assert len(own) == page.text.count("<script") - page.text.count(" src=")
    hashes = [base64.b64encode(sha256(one.encode()).digest()).decode() for one in own]
    assert allowed == ["'self'", *(f"'sha256-{one}'" for one in hashes)]


def test_what_is_only_called_like_the_documentation_has_the_policy_of_all(here: Town) -> None:
    for path in ("/docsanything", "/v1/nothing", "/static-offline-docs/swagger-ui.css"):
        policy = here.doors.get(path).headers["content-security-policy"]
        assert "unsafe" not in policy
