"""Every forged token is turned away at a door of each audience, and nobody is asked about it.

The refusals are one document for all tricks, and no name is looked up and no connection opened
meanwhile: an audit hook of the interpreter hears every socket of this process.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.contract.validated import Validated
from tests.house_room import Person
from tests.security.forgeries import FORGERIES, Target
from tests.standing_room import NOW, Standing, standing

DOORS = {"resident": "/v1/me", "doctor": "/v1/doctor/panel", "city": "/v1/city/releases"}
OUTBOUND = {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}
_heard: list[str] | None = None


def _hear(event: str, _: Any) -> None:
    if _heard is not None and event in OUTBOUND:
        _heard.append(event)


sys.addaudithook(_hear)


@contextmanager
def listening() -> Iterator[list[str]]:
    """The outbound requests of this process meanwhile."""
    global _heard
    _heard = heard = []
    try:
        yield heard
    finally:
        _heard = None


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    with standing(tmp_path_factory.mktemp("forged")) as opened:
        yield opened


@pytest.fixture(scope="module")
def others(here: Standing) -> dict[str, str]:
    """A genuine token of every other kind this service hands out."""
    doors, lin = here.town.doors, here.resident
    gone = here.town.resident("gone")

    def got(path: str, member: str, who: Person = lin) -> str:
        answer = doors.get(path, headers=who.headers)
        assert answer.status_code == 200, answer.text
        return str(answer.json()[member])

    erased = doors.delete("/v1/me", headers=gone.headers)
    return {
        "refresh": str(lin.refresh),
        "receipt": got(f"/v1/me/grants/{here.grant}/receipt", "receipt"),
        "erasure": str(erased.json()["receipt"]),
        "code": got("/v1/me/code", "token"),
        "audit": got("/v1/me/access-log/export", "export"),
        "release": got(f"/v1/city/releases/{here.release}/signature", "jws", here.city),
    }


def target(here: Standing, audience: str, others: dict[str, str]) -> Target:
    person = here.person(audience)
    assert person is not None
    signing = here.town.house.system.signing_key("jwt")
    known = here.town.house.tokens.verify(person.access, audience=audience, now=NOW)
    return Target(
        issuer=here.town.house.settings.issuer,
        audience=audience,
        subject=person.id,
        family=str(known.family),
        kid=signing.kid,
        key=signing.private,
        seconds=int(NOW.timestamp()),
        others=others,
    )


@pytest.mark.parametrize("audience", DOORS)
def test_a_hand_made_token_opens_so_that_the_refusals_below_mean_something(
    audience: str, here: Standing, others: dict[str, str]
) -> None:
    made = target(here, audience, others).signed()
    headers = {"authorization": f"Bearer {made}"}
    assert here.town.doors.get(DOORS[audience], headers=headers).status_code == 200


@pytest.mark.parametrize("audience", DOORS)
def test_no_forged_token_opens_a_door_or_asks_another_machine(
    audience: str, here: Standing, others: dict[str, str]
) -> None:
    aimed = target(here, audience, others)
    answers: dict[str, tuple[int, Any, str | None]] = {}
    assert isinstance(here.town.doors, Validated)
    doors = here.town.doors.inner
    with listening() as heard:
        for name, forge in FORGERIES.items():
            raw = f"Bearer {forge(aimed)}".encode("utf-8", "surrogatepass")
            answer = doors.get(DOORS[audience], headers=[(b"authorization", raw)])
            document = answer.json()
            document.pop("request_id", None)
            challenge = answer.headers.get("www-authenticate")
            answers[name] = (answer.status_code, document, challenge)
    opened = [name for name, (status, _, _) in answers.items() if status != 401]
    assert opened == []
    assert len({str(answer) for answer in answers.values()}) == 1, "the refusals tell apart"
    assert heard == []
    assert len(answers) > 150


def test_the_ear_hears_a_connection() -> None:
    import socket

    with listening() as heard, socket.socket() as knocking:
        knocking.settimeout(0.01)
        with pytest.raises(OSError):
            knocking.connect(("127.0.0.1", 1))
    assert heard == ["socket.connect"]
