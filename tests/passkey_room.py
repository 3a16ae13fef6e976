"""Asking for passkeys and showing them, as a browser does."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx

from service.kit.settings import Settings
from tests.authenticator import Authenticator
from tests.conftest import MovingClock, stores
from tests.house_room import Person, Town, town

ROOT = "/v1/auth/passkeys"
TURNED_AWAY = "invalid-credentials"


def refused(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


def enrolled(here: Town, person: Person, device: Authenticator) -> str:
    """Add a passkey on the device; its id here."""
    answer = added(here, person, device.create(begun(here, person)))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def begun(here: Town, person: Person) -> dict[str, Any]:
    answer = here.doors.post(f"{ROOT}/registration", headers=person.headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def added(here: Town, person: Person, credential: dict[str, Any]) -> httpx.Response:
    return here.doors.post(ROOT, json={"passkey": credential}, headers=person.headers)


def asked(here: Town) -> dict[str, Any]:
    found: dict[str, Any] = here.doors.post(f"{ROOT}/challenge").json()
    return found


def entered(here: Town, credential: dict[str, Any]) -> httpx.Response:
    return here.doors.post(f"{ROOT}/token", json={"passkey": credential})


def stronger(here: Town, person: Person, device: Authenticator) -> Person:
    """The same person, signed in with a passkey that they have on the device."""
    return here.person(person.login, entered(here, device.get(asked(here))).json())


@contextmanager
def passkey_town(folder: Path, clock: MovingClock, *, dialect: str = "sqlite") -> Iterator[Town]:
    """A town of its own for a file of tests."""
    kek = f"file:{folder / 'keys' / 'kek.json'}"
    with ExitStack() as stack:
        there = stores(dialect, stack)
        settings = Settings(data=folder / "data", kek=kek, profile="test", **there)  # type: ignore[arg-type]
        yield stack.enter_context(town(settings, clock))
