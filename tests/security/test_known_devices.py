"""A device that its owner signed in from gets in, however many others guess the name elsewhere."""

import base64
from collections.abc import Iterator
from datetime import timedelta
from itertools import cycle

import httpx
import pytest

from service.identity.attempts import NAME, PLACE
from service.identity.devices import LONGEST, REMEMBERED
from service.kit.settings import Settings
from tests.conftest import MovingClock
from tests.house_room import PASSWORD, Town, town

HOME, OUT = "198.51.100.7", "198.51.100.8"
GUESSERS = [f"203.0.113.{number}" for number in range(12)]
SECOND = timedelta(seconds=1)


@pytest.fixture
def here(settings: Settings, clock: MovingClock) -> Iterator[Town]:
    with town(settings.model_copy(update={"trusted_proxies": "127.0.0.1"}), clock) as opened:
        yield opened


def tried(
    here: Town, login: str, password: str, address: str, device: str | None = None
) -> httpx.Response:
    form = {"grant_type": "password", "username": login, "password": password}
    if device is not None:
        form["device_token"] = device
    headers = {"x-forwarded-for": address}
    return here.doors.post("/v1/auth/token", data=form, headers=headers)


def at_home(here: Town, login: str = "lin") -> str:
    """The token of a device from which somebody new signed in."""
    assert here.register(login).status_code == 201
    answer = tried(here, login, PASSWORD, HOME)
    assert answer.status_code == 200, answer.text
    token: str = answer.json()["device_token"]
    assert len(token) <= LONGEST
    return token


def besieged(here: Town, clock: MovingClock, device: str | None, login: str = "lin") -> list[int]:
    """What the owner is answered, every tenth second, while a dozen addresses guess each second."""
    guessers, owner = cycle(GUESSERS), []
    for second in range(60):
        tried(here, login, "a wrong guess", next(guessers))
        if second % 10 == 9:
            owner.append(tried(here, login, PASSWORD, HOME, device).status_code)
        clock.advance(SECOND)
    return owner


def test_a_known_device_always_gets_in_under_a_siege(here: Town, clock: MovingClock) -> None:
    device = at_home(here)
    for address in GUESSERS * 3:
        tried(here, "lin", "a wrong guess", address)
    assert besieged(here, clock, device) == [200] * 6
    # And what was guessed elsewhere is not given back by it: the siege is as slow as before.
    assert tried(here, "lin", "a wrong guess", OUT).status_code == 429


def test_without_the_token_the_siege_holds_as_it_did(here: Town, clock: MovingClock) -> None:
    at_home(here)
    for address in GUESSERS * 3:
        tried(here, "lin", "a wrong guess", address)
    assert 429 in besieged(here, clock, None)


def test_a_device_is_no_better_place_to_guess_from(here: Town, clock: MovingClock) -> None:
    """Whoever stole it has the tries of one address, wherever they send it from."""
    device = at_home(here)
    places = cycle(GUESSERS)
    for _ in range(PLACE.free):
        assert tried(here, "lin", "a wrong guess", next(places), device).status_code == 401
    assert tried(here, "lin", "a wrong guess", next(places), device).status_code == 429
    # The owner elsewhere is not held back by it.
    assert tried(here, "lin", PASSWORD, OUT).status_code == 200


def test_one_device_keeps_one_token(here: Town) -> None:
    device = at_home(here)
    again = tried(here, "lin", PASSWORD, OUT, device).json()
    assert again["device_token"] == device
    assert tried(here, "lin", PASSWORD, HOME).json()["device_token"] != device


def bent(token: str) -> str:
    text = bytearray(base64.urlsafe_b64decode(token))
    text[-1] ^= 1
    return base64.urlsafe_b64encode(text).decode()


@pytest.mark.parametrize("login", ["lin", "nobody"])
@pytest.mark.parametrize("what", ["bent", "short", "no base64", "of another name", "old"])
def test_a_token_that_is_not_of_this_name_is_as_good_as_none(
    here: Town, clock: MovingClock, login: str, what: str
) -> None:
    """Known or not, the name is held back as ever, and the answers are the same."""
    device, of_mei = at_home(here), at_home(here, "mei")
    sent = {
        "bent": bent(device),
        "short": device[:20],
        "no base64": "密" * 8,
        "of another name": of_mei,
        "old": device,
    }[what]
    if what == "old":
        clock.advance(REMEMBERED)
    statuses = [
        tried(here, login, "a wrong guess", f"203.0.113.{number}", sent).status_code
        for number in range(NAME.free + 1)
    ]
    assert statuses == [401] * NAME.free + [429]


def test_a_new_password_ends_every_token(here: Town) -> None:
    """Somebody who once knew the password may have kept many: each would be tries of its own."""
    device = at_home(here)
    lin = here.sign_in("lin")
    wish = {"password": PASSWORD, "new_password": "a newer horse 新的"}
    changed = here.doors.post("/v1/auth/password", json=wish, headers=lin.headers)
    assert changed.status_code == 200
    answer = tried(here, "lin", "a newer horse 新的", HOME, device)
    assert answer.json()["device_token"] != device


def test_only_a_password_brings_one(here: Town) -> None:
    at_home(here)
    lin = here.sign_in("lin")
    more = here.token(grant_type="refresh_token", refresh_token=lin.refresh or "")
    machine = here.token(grant_type="client_credentials", **here.client())
    for answer in (more, machine):
        assert answer.status_code == 200
        assert "device_token" not in answer.json()
