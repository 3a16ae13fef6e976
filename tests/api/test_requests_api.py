"""Asking for consent over HTTP: one question at a time, and rest after a no."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.conftest import MovingClock
from tests.house_room import Person, Town, town
from tests.standing_room import settings

REST = timedelta(days=90)
_logins = iter(range(1000))


@pytest.fixture
def clock() -> Iterator[MovingClock]:
    """The clock of the module's town, put back after each test."""
    start = CLOCK.now
    yield CLOCK
    CLOCK.now = start


CLOCK = MovingClock(datetime(2026, 11, 20, 1, 0, tzinfo=UTC))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def here(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Town]:
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp("requests")
        yield stack.enter_context(town(settings(folder, request.param, stack), CLOCK))


@pytest.fixture
def lin(here: Town) -> Person:
    return here.resident(f"lin-{next(_logins)}")


class Staff:
    """A doctor whose password is known, so that they can sign in again later."""

    def __init__(self, here: Town) -> None:
        self._here = here
        self._person = here.doctor(f"dr-{next(_logins)}")
        self.id = self._person.id

    @property
    def headers(self) -> dict[str, str]:
        return self._here.strong(self._person).headers


@pytest.fixture
def doctor(here: Town) -> Staff:
    return Staff(here)


def ok(answer: httpx.Response, status: int = 200) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    document: dict[str, Any] = answer.json()
    return document


def ask(here: Town, doctor: Staff, subject: str, *classes: str) -> httpx.Response:
    body = {"data_classes": list(classes) or ["lifestyle"]}
    address = f"/v1/doctor/patients/{subject}/requests"
    return here.doors.post(address, json=body, headers=doctor.headers)


def meet(here: Town, who: Person, doctor: Staff) -> None:
    """The resident holds up their code."""
    code = ok(here.doors.get("/v1/me/code", headers=who.headers))["token"]
    body = {"token": code}
    ok(here.doors.post("/v1/doctor/codes/resolve", json=body, headers=doctor.headers))


def asked_of(here: Town, who: Person) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = ok(here.doors.get("/v1/me/requests", headers=who.headers))[
        "items"
    ]
    return items


def answer(here: Town, who: Person, request: str, what: str, **body: Any) -> httpx.Response:
    options: dict[str, Any] = {"headers": who.headers}
    if what == "accept":
        options["json"] = body
    return here.doors.post(f"/v1/me/requests/{request}/{what}", **options)


def test_only_who_met_the_resident_may_ask(here: Town, lin: Person, doctor: Staff) -> None:
    there, nowhere = ask(here, doctor, lin.id), ask(here, doctor, str(uuid4()))
    assert there.status_code == nowhere.status_code == 404
    assert there.json()["detail"] == nowhere.json()["detail"]
    meet(here, lin, doctor)
    ok(ask(here, doctor, lin.id), 201)
    other = Staff(here)
    assert ask(here, other, lin.id).status_code == 404


def test_asking_in_a_loop_is_asking_once(here: Town, lin: Person, doctor: Staff) -> None:
    meet(here, lin, doctor)
    ids = {ok(ask(here, doctor, lin.id, one), 201)["request_id"] for one in ("body", "lifestyle")}
    headers = doctor.headers
    call = (
        "POST",
        f"/v1/doctor/patients/{lin.id}/requests",
        {"json": {"data_classes": ["mental"]}, "headers": headers},
    )
    ids |= {ok(one, 201)["request_id"] for one in here.doors.together([call] * 8)}
    (request,) = asked_of(here, lin)
    assert ids == {request["id"]}
    assert (request["data_classes"], request["status"]) == (["body"], "pending")
    told = ok(here.doors.get("/v1/me/notices", headers=lin.headers))["items"]
    assert [one["kind"] for one in told] == ["consent-asked"]


def test_many_first_questions_at_once_are_one(here: Town, lin: Person, doctor: Staff) -> None:
    meet(here, lin, doctor)
    options = {"json": {"data_classes": ["lifestyle"]}, "headers": doctor.headers}
    call = ("POST", f"/v1/doctor/patients/{lin.id}/requests", options)
    answers = here.doors.together([call] * 8)
    assert {one.status_code for one in answers} == {201}
    assert len(asked_of(here, lin)) == 1


def test_agreeing_gives_the_grant(here: Town, lin: Person, doctor: Staff) -> None:
    wish = {"doctor_id": doctor.id, "package": "basic", "data_classes": ["lifestyle"]}
    ok(here.doors.post("/v1/me/contract", json=wish, headers=lin.headers), 201)
    request = ok(ask(here, doctor, lin.id, "body", "mental"), 201)["request_id"]
    told = ok(answer(here, lin, request, "accept", separate_consent=["body"]), 422)
    assert told["errors"][0]["pointer"] == "/separate_consent"
    agreed = ok(answer(here, lin, request, "accept", separate_consent=["body", "mental"]))
    assert agreed["status"] == "accepted"
    grant = ok(here.doors.get(f"/v1/me/grants/{agreed['grant_id']}", headers=lin.headers))
    assert (grant["data_classes"], grant["actions"]) == (["body", "mental"], ["read"])
    for what in ("accept", "refuse"):
        assert ok(answer(here, lin, request, what), 409)["code"] == "already-answered"


def test_after_a_refusal_there_is_rest_to_the_second(
    here: Town, lin: Person, doctor: Staff, clock: MovingClock
) -> None:
    meet(here, lin, doctor)
    request = ok(ask(here, doctor, lin.id), 201)["request_id"]
    for _ in range(2):
        assert ok(answer(here, lin, request, "refuse"))["status"] == "refused"
    start = clock.now
    clock.now = start + REST - timedelta(seconds=1)
    told = ok(ask(here, doctor, lin.id, "body"), 403)
    assert (told["code"], told["rule"]) == ("refused", "cool-down")
    assert told["detail"]
    assert told["advice"]
    other = Staff(here)
    clock.now = start + REST
    ok(ask(here, doctor, lin.id), 201)
    assert ask(here, other, lin.id).status_code == 404


@pytest.mark.parametrize("how", ["withdraw", "end", "clinic"])
def test_a_withdrawal_is_not_followed_by_asking(
    here: Town, lin: Person, doctor: Staff, how: str, clock: MovingClock
) -> None:
    wish = {"doctor_id": doctor.id, "package": "basic", "data_classes": ["lifestyle"]}
    signed = ok(here.doors.post("/v1/me/contract", json=wish, headers=lin.headers), 201)
    grant = signed["grant_id"]
    if how == "clinic":
        clinic = next(
            one["clinic_id"]
            for one in ok(here.doors.get("/v1/me/doctors?limit=1000", headers=lin.headers))["items"]
            if one["id"] == doctor.id
        )
        body = {
            "grantee": {"kind": "clinic", "id": clinic},
            "purposes": ["care"],
            "data_classes": ["profile"],
        }
        grant = ok(here.doors.post("/v1/me/grants", json=body, headers=lin.headers), 201)["id"]
    address = "/v1/me/contract" if how == "end" else f"/v1/me/grants/{grant}"
    ok(here.doors.delete(address, headers=lin.headers))
    assert ok(ask(here, doctor, lin.id), 403)["rule"] == "cool-down"
    clock.advance(REST)
    ok(ask(here, doctor, lin.id), 201)


def test_who_is_shut_out_does_not_ask(here: Town, lin: Person, doctor: Staff) -> None:
    meet(here, lin, doctor)
    ok(here.doors.put("/v1/me/deny-all", json={"on": True}, headers=lin.headers))
    assert ok(ask(here, doctor, lin.id), 403)["rule"] == "deny-all"
    ok(here.doors.put("/v1/me/deny-all", json={"on": False}, headers=lin.headers))
    body = {
        "grantee": {"kind": "practitioner", "id": doctor.id},
        "purposes": [],
        "data_classes": [],
        "deny": True,
    }
    ok(here.doors.post("/v1/me/grants", json=body, headers=lin.headers), 201)
    assert ok(ask(here, doctor, lin.id), 403)["rule"] == "explicit-deny"
    assert asked_of(here, lin) == []


def test_nobody_answers_for_somebody_else(here: Town, lin: Person, doctor: Staff) -> None:
    meet(here, lin, doctor)
    request = ok(ask(here, doctor, lin.id), 201)["request_id"]
    wei = here.resident(f"lin-{next(_logins)}")
    for what in ("accept", "refuse"):
        assert answer(here, wei, request, what).status_code == 404
    assert asked_of(here, wei) == []
    assert [one["status"] for one in asked_of(here, lin)] == ["pending"]
