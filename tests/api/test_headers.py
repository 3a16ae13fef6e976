"""What every answer tells browsers and caches, whatever operation and whatever outcome."""

from collections.abc import Iterator

import httpx
import pytest

from tests.security.asks import asks
from tests.standing_room import Standing, standing

ELSEWHERE = "https://attacker.example"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    with standing(tmp_path_factory.mktemp("headers")) as opened:
        yield opened


@pytest.fixture(scope="module")
def answers(here: Standing) -> list[httpx.Response]:
    """Every operation asked from a page of somebody else's, with and without a token."""
    found = []
    for ask in asks(here, "none"):
        options = dict(ask.options)
        person = here.person(ask.audience)
        sent = {"origin": ELSEWHERE, "cookie": "session=1", **options.pop("headers", {})}
        found.append(here.town.doors.request(ask.method, ask.path, headers=sent, **options))
        if person is not None:
            sent |= person.headers
            found.append(here.town.doors.request(ask.method, ask.path, headers=sent, **options))
    return found


def test_no_other_origin_is_ever_let_in(answers: list[httpx.Response]) -> None:
    assert len(answers) > 100
    for answer in answers:
        named = [name for name in answer.headers if name.startswith("access-control-")]
        assert named == [], answer.request.url
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"


def test_a_preflight_finds_no_door(here: Standing) -> None:
    for path in ("/v1/me/records", "/v1/me", "/v1/doctor/panel", "/v1/auth/token"):
        answer = here.town.doors.request(
            "OPTIONS",
            path,
            headers={
                "origin": ELSEWHERE,
                "access-control-request-method": "POST",
                "access-control-request-headers": "authorization",
            },
        )
        assert answer.status_code == 405
        assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_a_cookie_opens_nothing(here: Standing) -> None:
    """Nothing is kept in cookies, so no other site can ride on one."""
    token = here.resident.access
    for name in ("session", "access_token", "Authorization", "token"):
        answer = here.town.doors.get("/v1/me", headers={"cookie": f"{name}={token}"})
        assert answer.status_code == 401
        assert "set-cookie" not in answer.headers


def test_no_answer_sets_a_cookie(answers: list[httpx.Response]) -> None:
    assert not [answer for answer in answers if "set-cookie" in answer.headers]


def test_a_persons_answers_are_stored_nowhere(answers: list[httpx.Response]) -> None:
    for answer in answers:
        path = answer.request.url.path
        stored = answer.headers.get("cache-control", "")
        if (path + "/").startswith(("/v1/me/", "/v1/doctor/", "/v1/auth/", "/v1/verify/")):
            assert stored == "no-store", path
        if answer.status_code >= 400:
            assert stored == "no-store", path


def test_every_answer_is_fenced(answers: list[httpx.Response]) -> None:
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'self'")
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert "server" not in answer.headers
