"""429 at the doors: by person, by address, and by name; and whose word counts for an address."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from starlette.requests import Request

from service.api.address import SOMEWHERE, address_of
from service.identity.attempts import PLACE
from service.kit.limits import LIMITS
from service.kit.settings import Settings
from tests.conftest import MovingClock
from tests.house_room import PASSWORD, Town, town

PROXY = "127.0.0.1"


@pytest.fixture
def here(tmp_path: Path, clock: MovingClock) -> Iterator[Town]:
    settings = Settings(
        data=tmp_path / "data",
        kek=f"file:{tmp_path / 'keys' / 'kek.json'}",
        profile="test",
        rate_limits=True,
        trusted_proxies=PROXY,
    )
    with town(settings, clock) as opened:
        yield opened


def from_(address: str) -> dict[str, str]:
    return {"x-forwarded-for": address}


def limited(answer: httpx.Response) -> int:
    """Check a 429; the seconds it asks to wait."""
    assert (answer.status_code, answer.json()["code"]) == (429, "rate-limited"), answer.text
    return int(answer.headers["retry-after"])


def test_one_person_comes_so_often_and_another_is_not_held_back(
    here: Town, clock: MovingClock
) -> None:
    lin, zhao = here.resident("lin"), here.resident("zhao")
    calls = [("GET", "/v1/auth/passkeys", {"headers": lin.headers})] * (
        LIMITS["subject"].burst + 10
    )
    statuses = [answer.status_code for answer in here.doors.together(calls)]
    assert statuses.count(200) == LIMITS["subject"].burst
    wait = limited(here.doors.get("/v1/me", headers=lin.headers))
    assert here.doors.get("/v1/me", headers=zhao.headers).status_code == 200
    clock.advance(timedelta(seconds=wait))
    assert here.doors.get("/v1/me", headers=lin.headers).status_code == 200


@pytest.mark.parametrize(
    ("name", "path", "body"),
    [
        ("code", "/v1/verify", {"token": "x"}),
        ("door", "/v1/auth/passkeys/challenge", None),
    ],
)
def test_one_address_knocks_so_often(here: Town, name: str, path: str, body: Any) -> None:
    headers = from_("198.51.100.7")
    calls = [("POST", path, {"json": body, "headers": headers})] * (LIMITS[name].burst + 5)
    statuses = [answer.status_code for answer in here.doors.together(calls)]
    assert statuses.count(200) == LIMITS[name].burst
    assert statuses.count(429) == 5
    again = here.doors.post(path, json=body, headers=from_("198.51.100.8"))
    assert again.status_code == 200


def test_scanning_codes_is_limited_too(here: Town) -> None:
    doctor = here.doctor()
    wish = {"json": {"token": "x"}, "headers": doctor.headers}
    calls = [("POST", "/v1/doctor/codes/resolve", wish)] * (LIMITS["code"].burst + 5)
    statuses = [answer.status_code for answer in here.doors.together(calls)]
    assert (statuses.count(404), statuses.count(429)) == (LIMITS["code"].burst, 5)


@pytest.mark.parametrize(
    ("name", "path"), [("sign-up", "/v1/me/children"), ("door", "/v1/auth/step-up")]
)
def test_work_that_costs_much_is_limited_for_the_signed_in_too(
    here: Town, name: str, path: str
) -> None:
    lin = here.resident("lin")
    sent = {"json": {}, "headers": lin.headers | from_("198.51.100.7")}
    calls = [("POST", path, sent)] * (LIMITS[name].burst + 5)
    statuses = [answer.status_code for answer in here.doors.together(calls)]
    assert (statuses.count(422), statuses.count(429)) == (LIMITS[name].burst, 5)


def guess(
    here: Town, login: str, password: str = "a wrong guess", **headers: str
) -> httpx.Response:
    form = {"grant_type": "password", "username": login, "password": password}
    return here.doors.post("/v1/auth/token", data=form, headers=headers)


@pytest.mark.parametrize("login", ["lin", "nobody"])
def test_failed_passwords_are_held_back_known_or_not(
    here: Town, clock: MovingClock, login: str
) -> None:
    """The right password is not looked at either, so the wait tells nothing about the guess."""
    here.resident("lin")
    for _ in range(PLACE.free):
        assert guess(here, login).status_code == 401
    held = guess(here, login, PASSWORD)
    assert limited(held) == 1
    document = held.json()
    document.pop("request_id")
    assert document == {
        "type": "https://kangma.local/problems/rate-limited",
        "title": "Too Many Requests",
        "status": 429,
        "detail": "请求过于频繁。",
        "code": "rate-limited",
    }
    clock.advance(timedelta(seconds=1))
    assert guess(here, login, PASSWORD).status_code == (200 if login == "lin" else 401)


def test_a_guesser_elsewhere_does_not_lock_the_owner_out(here: Town) -> None:
    here.resident("lin")
    for _ in range(PLACE.free):
        guess(here, "lin", **from_("203.0.113.9"))
    limited(guess(here, "lin", **from_("203.0.113.9")))
    assert guess(here, "lin", PASSWORD, **from_("198.51.100.7")).status_code == 200


def test_a_step_up_is_no_better_place_to_guess(here: Town) -> None:
    lin = here.resident("lin")
    wish = {"json": {"password": "a wrong guess"}, "headers": lin.headers}
    for _ in range(PLACE.free):
        assert here.doors.post("/v1/auth/step-up", **wish).status_code == 401
    limited(here.doors.post("/v1/auth/step-up", **wish))


def asked(peer: str | None, proxies: str, *forwarded: str) -> str:
    """What `address_of` makes of a request from `peer` with these headers."""
    scope = {
        "type": "http",
        "client": None if peer is None else (peer, 1),
        "headers": [(b"x-forwarded-for", one.encode()) for one in forwarded],
        "app": SimpleNamespace(state=SimpleNamespace(settings=Settings(trusted_proxies=proxies))),
    }
    return address_of(Request(scope))


def test_only_a_trusted_proxy_is_believed_and_only_about_its_own_caller() -> None:
    assert asked("203.0.113.9", "", "1.2.3.4") == "203.0.113.9"
    assert asked("203.0.113.9", "10.0.0.0/8", "1.2.3.4") == "203.0.113.9"
    assert asked("10.0.0.1", "10.0.0.0/8", "1.2.3.4") == "1.2.3.4"
    # What the caller made up stands further left than what the proxy added.
    assert asked("10.0.0.1", "10.0.0.0/8", "6.6.6.6, 1.2.3.4") == "1.2.3.4"
    assert asked("10.0.0.1", "10.0.0.0/8", "6.6.6.6", "1.2.3.4, 10.0.0.2") == "1.2.3.4"
    assert asked("10.0.0.1", "10.0.0.0/8", "1.2.3.4, junk") == "10.0.0.1"
    assert asked("10.0.0.1", "10.0.0.0/8") == "10.0.0.1"
    assert asked(None, "10.0.0.0/8", "1.2.3.4") == SOMEWHERE


def test_one_customer_of_a_network_of_version_six_is_one_address() -> None:
    assert asked("2001:db8:1:2:aaaa::1", "") == asked("2001:db8:1:2:bbbb::2", "")
    assert asked("2001:db8:1:2::1", "") != asked("2001:db8:1:3::1", "")
    assert asked("::ffff:198.51.100.7", "") == "198.51.100.7"
