"""Proving oneself afresh inside a sign-in, with a password or a passkey."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.authenticator import Authenticator
from tests.conftest import MovingClock
from tests.house_room import PASSWORD, Person, Town
from tests.passkey_room import TURNED_AWAY, asked, enrolled, refused


@pytest.fixture
def device(here: Town, lin: Person) -> Authenticator:
    made = Authenticator()
    enrolled(here, lin, made)
    return made


def stepped(here: Town, person: Person, **proof: Any) -> httpx.Response:
    return here.doors.post("/v1/auth/step-up", json=proof, headers=person.headers)


def test_a_password_steps_up_inside_the_sign_in(
    here: Town, lin: Person, clock: MovingClock
) -> None:
    clock.advance(timedelta(minutes=6))
    refused(here.doors.delete("/v1/me", headers=lin.headers), 403, "step-up-required")
    answer = stepped(here, lin, password=PASSWORD)
    assert answer.status_code == 200, answer.text
    assert "refresh_token" not in answer.json()
    fresh = here.person("lin", answer.json())
    before, after = (
        here.house.tokens.verify(one.access, audience="resident", now=clock.now)
        for one in (lin, fresh)
    )
    assert (before.family, before.subject) == (after.family, after.subject)
    assert (after.auth_time, after.acr) == (clock.now, 1)
    # Going on with the refresh token is no proof: it falls back to the sign-in's own time.
    more = here.token(grant_type="refresh_token", refresh_token=lin.refresh or "")
    old = here.person("lin", more.json())
    refused(here.doors.delete("/v1/me", headers=old.headers), 403, "step-up-required")
    assert here.doors.delete("/v1/me", headers=fresh.headers).status_code == 200


def test_a_step_up_ends_with_its_sign_in(here: Town, lin: Person) -> None:
    fresh = here.person("lin", stepped(here, lin, password=PASSWORD).json())
    here.doors.post("/v1/auth/revoke", data={"token": lin.refresh or ""})
    refused(here.doors.get("/v1/me", headers=fresh.headers), 401, "unauthenticated")
    refused(stepped(here, fresh, password=PASSWORD), 401, "unauthenticated")


def test_a_passkey_steps_up_and_only_ones_own(
    here: Town, lin: Person, device: Authenticator, clock: MovingClock
) -> None:
    clock.advance(timedelta(minutes=6))
    answer = stepped(here, lin, passkey=device.get(asked(here)))
    fresh = here.person("lin", answer.json())
    known = here.house.tokens.verify(fresh.access, audience="resident", now=clock.now)
    assert (known.acr, known.auth_time) == (2, clock.now)
    zhao = here.resident(f"zhao-{uuid4()}")
    refused(stepped(here, zhao, passkey=device.get(asked(here))), 401, TURNED_AWAY)


@pytest.mark.parametrize(
    "proof", [{"password": "not the password"}, {}, {"password": PASSWORD, "passkey": None, "x": 1}]
)
def test_a_step_up_without_a_proof_is_refused(
    here: Town, lin: Person, proof: dict[str, Any]
) -> None:
    answer = stepped(here, lin, **proof)
    assert answer.status_code == (401 if proof.get("password") == "not the password" else 422)


def test_nobody_steps_up_without_a_sign_in(here: Town) -> None:
    city = here.city()
    for headers in ({}, city.headers):
        answer = here.doors.post("/v1/auth/step-up", json={"password": "x"}, headers=headers)
        refused(answer, 401, "unauthenticated")
