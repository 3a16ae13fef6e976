"""Nothing of one person grows without a bound: each cap at its edge, with the number made small."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, cast

import httpx
import pytest

from service.kit import caps
from service.kit.settings import Settings
from tests.authenticator import Authenticator
from tests.conftest import MovingClock
from tests.family_room import ok
from tests.house_room import Person, Town, town
from tests.passkey_room import added, begun, enrolled, refused, stronger
from tests.record_room import observation

MUCH = "too-many"


@pytest.fixture
def here(settings: Settings, clock: MovingClock) -> Iterator[Town]:
    with town(settings, clock) as opened:
        yield opened


@pytest.fixture
def small(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cap of the test's parameter, made two."""
    thing = cast("caps.Thing", request.param)
    monkeypatch.setitem(caps.CAPS, thing, caps.CAPS[thing]._replace(most=2))


def of(thing: caps.Thing) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("small", [thing], indirect=True)


def give(here: Town, who: Person, doctor: Person, **more: Any) -> httpx.Response:
    wish: dict[str, Any] = {
        "grantee": {"kind": "practitioner", "id": doctor.id},
        "purposes": ["care"],
        "data_classes": ["lifestyle"],
        "separate_consent": True,
    }
    return here.doors.post("/v1/me/grants", json=wish | more, headers=who.headers)


def test_every_cap_is_a_number_above_nothing_with_words_in_both_languages() -> None:
    for cap in caps.CAPS.values():
        assert cap.most > 1
        assert cap.sentence.zh
        assert cap.sentence.en


@of("grants")
@pytest.mark.usefixtures("small")
def test_of_grants_in_force_the_next_one_is_refused_until_one_is_withdrawn(here: Town) -> None:
    lin, zhou = here.resident("lin"), here.doctor()
    first, _ = (ok(give(here, lin, zhou), 201) for _ in range(2))
    refused(give(here, lin, zhou), 409, MUCH)
    ok(here.doors.delete(f"/v1/me/grants/{first['id']}", headers=lin.headers))
    ok(give(here, lin, zhou), 201)
    # One that closes is kept beyond it.
    ok(give(here, lin, zhou, deny=True, purposes=[], data_classes=["mental"]), 201)


@of("grants-kept")
@pytest.mark.usefixtures("small")
def test_giving_and_withdrawing_in_a_loop_comes_to_an_end(here: Town) -> None:
    lin, zhou, mei = here.resident("lin"), here.doctor(), here.resident("mei")
    for _ in range(2):
        made = ok(give(here, lin, zhou), 201)
        ok(here.doors.delete(f"/v1/me/grants/{made['id']}", headers=lin.headers))
    refused(give(here, lin, zhou), 409, MUCH)
    refused(give(here, lin, zhou, deny=True, purposes=[]), 409, MUCH)
    wish = {"doctor_id": zhou.id, "package": "basic", "data_classes": ["lifestyle"]}
    refused(here.doors.post("/v1/me/contract", json=wish, headers=lin.headers), 409, MUCH)
    assert here.doors.get("/v1/me/contract", headers=lin.headers).status_code == 404
    # Shutting everybody out is always possible, and others are not concerned.
    ok(here.doors.put("/v1/me/deny-all", json={"on": True}, headers=lin.headers))
    ok(give(here, mei, zhou), 201)


def ask(here: Town, who: Person, doctor: Person) -> httpx.Response:
    """A doctor to whom somebody holds up their code asks for a grant."""
    code = ok(here.doors.get("/v1/me/code", headers=who.headers))["token"]
    shown = {"json": {"token": code}, "headers": doctor.headers}
    ok(here.doors.post("/v1/doctor/codes/resolve", **shown))
    address = f"/v1/doctor/patients/{who.id}/requests"
    wish = {"data_classes": ["lifestyle"]}
    return here.doors.post(address, json=wish, headers=doctor.headers)


@of("requests")
@pytest.mark.usefixtures("small")
def test_a_resident_is_not_asked_by_everybody_at_once(here: Town) -> None:
    lin = here.resident("lin")
    zhou, wu, he = (here.doctor(f"dr.{name}") for name in ("zhou", "wu", "he"))
    first = ok(ask(here, lin, zhou), 201)
    ok(ask(here, lin, wu), 201)
    refused(ask(here, lin, he), 409, MUCH)
    # Whose question is open already has it for an answer, and answering makes room.
    assert ok(ask(here, lin, zhou), 201)["request_id"] == first["request_id"]
    address = f"/v1/me/requests/{first['request_id']}/refuse"
    ok(here.doors.post(address, headers=lin.headers))
    ok(ask(here, lin, he), 201)


def object_(here: Town, who: Person) -> httpx.Response:
    """Log a record and object to it."""
    logged = {"records": [observation({"sleep_duration": 6.0})]}
    made = ok(here.doors.post("/v1/me/records", json=logged, headers=who.headers))["results"][0]
    wish = {"about": {"record": made["id"]}, "reason": "the watch was off", "for_doctor": False}
    return here.doors.post("/v1/me/appeals", json=wish, headers=who.headers)


def withdraw(here: Town, who: Person, appeal: str) -> None:
    ok(here.doors.delete(f"/v1/me/appeals/{appeal}", headers=who.headers))


@of("appeals")
@pytest.mark.usefixtures("small")
def test_of_open_appeals_the_next_one_is_refused_until_one_is_withdrawn(here: Town) -> None:
    lin = here.resident("lin")
    first, _ = (ok(object_(here, lin), 201) for _ in range(2))
    refused(object_(here, lin), 409, MUCH)
    withdraw(here, lin, first["id"])
    ok(object_(here, lin), 201)


@of("appeals-kept")
@pytest.mark.usefixtures("small")
def test_objecting_and_withdrawing_in_a_loop_comes_to_an_end(here: Town) -> None:
    lin = here.resident("lin")
    for _ in range(2):
        withdraw(here, lin, ok(object_(here, lin), 201)["id"])
    refused(object_(here, lin), 409, MUCH)


@of("passkeys")
@pytest.mark.usefixtures("small")
def test_of_passkeys_the_next_one_is_refused_before_and_after_the_authenticator(
    here: Town,
) -> None:
    device, third = Authenticator(), Authenticator()
    first = enrolled(here, here.resident("lin"), device)
    lin = stronger(here, here.sign_in("lin"), device)
    early = third.create(begun(here, lin))
    enrolled(here, lin, Authenticator())
    refused(added(here, lin, early), 409, MUCH)
    registration = "/v1/auth/passkeys/registration"
    refused(here.doors.post(registration, headers=lin.headers), 409, MUCH)
    address = f"/v1/auth/passkeys/{first}"
    assert here.doors.delete(address, headers=lin.headers).status_code == 204
    enrolled(here, lin, Authenticator())


@of("sign-ins")
@pytest.mark.usefixtures("small")
def test_of_sign_ins_the_oldest_ends_and_nobody_is_kept_out(here: Town, clock: MovingClock) -> None:
    people = [here.resident("lin")]
    mei = here.resident("mei")
    for _ in range(2):
        clock.advance(timedelta(seconds=1))
        people.append(here.sign_in("lin"))
    clock.advance(timedelta(seconds=1))
    looks = [here.doors.get("/v1/me", headers=one.headers).status_code for one in (*people, mei)]
    assert looks == [401, 200, 200, 200]
    refreshed = [
        here.token(grant_type="refresh_token", refresh_token=one.refresh or "").status_code
        for one in (*people, mei)
    ]
    assert refreshed == [401, 200, 200, 200]
