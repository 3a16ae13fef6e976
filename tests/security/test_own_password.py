"""Changing one's password: what it needs, what it ends, and that it is no place to guess from."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from service.identity import own_password
from service.identity.attempts import PLACE
from service.kit.audience import speaking_for
from service.kit.errors import NotFound
from service.kit.settings import Settings
from tests.authenticator import Authenticator
from tests.conftest import MovingClock
from tests.house_room import PASSWORD, Person, Town, town
from tests.passkey_room import TURNED_AWAY, asked, enrolled, entered, refused
from tests.standing_room import everything_logged

NEW = "a newer horse 新的"


@pytest.fixture
def here(settings: Settings, clock: MovingClock) -> Iterator[Town]:
    limited = settings.model_copy(update={"rate_limits": True})
    with town(limited, clock) as opened:
        yield opened


def changed(here: Town, who: Person, old: str = PASSWORD, new: str = NEW) -> httpx.Response:
    wish = {"password": old, "new_password": new}
    return here.doors.post("/v1/auth/password", json=wish, headers=who.headers)


def knocked(here: Town, login: str, password: str) -> int:
    return here.token(grant_type="password", username=login, password=password).status_code


def refreshed(here: Town, who: Person) -> int:
    token = who.refresh or ""
    return here.token(grant_type="refresh_token", refresh_token=token).status_code


def strong(here: Town, who: Person, device: Authenticator) -> Person:
    return here.person(who.login, entered(here, device.get(asked(here))).json())


def test_a_new_password_opens_and_the_old_one_does_not(here: Town) -> None:
    lin = here.resident("lin")
    assert changed(here, lin).status_code == 200
    assert (knocked(here, "lin", PASSWORD), knocked(here, "lin", NEW)) == (401, 200)


def test_every_other_sign_in_ends_and_this_one_goes_on_no_fresher(
    here: Town, clock: MovingClock
) -> None:
    elsewhere = here.resident("lin")
    lin, mei = here.sign_in("lin"), here.resident("mei")
    began = clock.now
    clock.advance(timedelta(minutes=6))
    after = here.person("lin", changed(here, lin).json())
    for ended in (elsewhere, lin):
        refused(here.doors.get("/v1/me", headers=ended.headers), 401, "unauthenticated")
        assert refreshed(here, ended) == 401
    assert here.doors.get("/v1/me", headers=after.headers).status_code == 200
    known = here.house.tokens.verify(after.access, audience="resident", now=clock.now)
    assert (known.auth_time, known.acr) == (began, 1)
    assert refreshed(here, after) == 200
    assert refreshed(here, mei) == 200


def test_a_resident_is_told(here: Town) -> None:
    lin = here.resident("lin")
    after = here.person("lin", changed(here, lin).json())
    told = here.doors.get("/v1/me/notices", headers=after.headers).json()["items"]
    assert [one["kind"] for one in told] == ["password-changed"]


def test_a_practitioner_changes_theirs(here: Town) -> None:
    zhou = here.doctor("zhou")
    refused(changed(here, zhou), 401, TURNED_AWAY)
    given = reset(here, "zhou")
    zhou = here.sign_in("zhou", given)
    assert changed(here, zhou, given).status_code == 200
    assert (knocked(here, "zhou", given), knocked(here, "zhou", NEW)) == (401, 200)


def test_a_wrong_old_password_changes_nothing_and_is_held_back(
    here: Town, clock: MovingClock
) -> None:
    lin = here.resident("lin")
    for _ in range(PLACE.free):
        refused(changed(here, lin, "a wrong guess"), 401, TURNED_AWAY)
    refused(changed(here, lin), 429, "rate-limited")
    clock.advance(timedelta(seconds=1))
    assert knocked(here, "lin", PASSWORD) == 200
    # What was guessed here is guessed at the other door of the same sign-in, too.
    refused(changed(here, lin, "a wrong guess"), 401, TURNED_AWAY)
    wish = {"json": {"password": PASSWORD}, "headers": lin.headers}
    refused(here.doors.post("/v1/auth/step-up", **wish), 429, "rate-limited")


def test_who_has_a_passkey_proves_it_first(here: Town, clock: MovingClock) -> None:
    lin, device = here.resident("lin"), Authenticator()
    enrolled(here, lin, device)
    refused(changed(here, lin), 403, "stronger-sign-in-required")
    proven = strong(here, lin, device)
    clock.advance(timedelta(minutes=6))
    refused(changed(here, proven), 403, "step-up-required")
    after = here.person("lin", changed(here, strong(here, lin, device)).json())
    known = here.house.tokens.verify(after.access, audience="resident", now=clock.now)
    assert (known.auth_time, known.acr) == (clock.now, 2)


@pytest.mark.parametrize("new", ["short 7", "x" * 257])
def test_a_new_password_is_as_strong_as_at_sign_up_and_never_repeated(here: Town, new: str) -> None:
    lin = here.resident("lin")
    with everything_logged() as pages:
        answer = changed(here, lin, new=new)
    document: dict[str, Any] = answer.json()
    assert (answer.status_code, document["code"]) == (422, "invalid")
    assert [fault["pointer"] for fault in document["errors"]] == ["/new_password"]
    for secret in (new, PASSWORD):
        assert secret not in answer.text
        assert secret not in pages.getvalue()
    assert knocked(here, "lin", PASSWORD) == 200


def test_nobody_changes_a_password_without_a_sign_in(here: Town) -> None:
    wish = {"password": PASSWORD, "new_password": NEW}
    for headers in ({}, here.city().headers):
        answer = here.doors.post("/v1/auth/password", json=wish, headers=headers)
        refused(answer, 401, "unauthenticated")


def reset(here: Town, login: str) -> str:
    """What `kangma people reset-password` does; the one-time password."""
    house = here.house
    with speaking_for("operator"):
        made = house.db.write(
            lambda conn: own_password.reset(
                conn, house.system, login=login, passwords=house.passwords, now=house.clock()
            )
        )
    return made["password"]


def test_an_operator_helps_a_practitioner_and_never_enters_as_a_resident(here: Town) -> None:
    here.resident("lin")
    zhou = here.doctor("zhou")
    given = reset(here, "zhou")
    refused(here.doors.get("/v1/doctor/panel", headers=zhou.headers), 401, "unauthenticated")
    assert refreshed(here, zhou) == 401
    assert UUID(here.sign_in("zhou", given).id) == UUID(zhou.id)
    for other in ("lin", "nobody"):
        with pytest.raises(NotFound):
            reset(here, other)
    assert knocked(here, "lin", PASSWORD) == 200
