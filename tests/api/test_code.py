"""P8: the code says nothing about the level, works once, and ends after a minute."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest

from service.healthcode import actions
from service.kit.settings import Settings
from tests.conftest import MovingClock
from tests.house_room import Person, Town, another_process, town
from tests.meanwhile import ONE_WRITER, Meanwhile

LEVELS = {1: (112, 70), 5: (192, 118)}


@pytest.fixture
def here(settings: Settings, clock: MovingClock) -> Iterator[Town]:
    with town(settings, clock) as opened:
        yield opened


def at_level(here: Town, login: str, level: int) -> Person:
    systolic, diastolic = LEVELS[level]
    person = here.resident(login, name="林梅", birth_date="1960-05-17")
    values = {"systolic_bp": systolic, "diastolic_bp": diastolic, "smoking_status": "never"}
    records = [
        {"kind": "observation", "start": f"2026-11-20T08:0{minute}:00+08:00", "values": values}
        for minute in (0, 1)
    ]
    answer = here.doors.post("/v1/me/records", json={"records": records}, headers=person.headers)
    assert answer.json()["results"][0]["status"] == "created", answer.text
    return person


def code(here: Town, who: Person) -> dict[str, Any]:
    answer = here.doors.get("/v1/me/code", headers=who.headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    shown: dict[str, Any] = answer.json()
    return shown


def verify(here: Town, token: str) -> httpx.Response:
    return here.doors.post("/v1/verify", json={"token": token})


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    claims = jwt.decode(token, options={"verify_signature": False})
    return jwt.get_unverified_header(token), claims


def test_level_one_and_level_five_look_alike(here: Town) -> None:
    low, high = at_level(here, "low", 1), at_level(here, "high", 5)
    levels = [
        here.doors.get("/v1/me/prompt", headers=one.headers).json()["level"] for one in (low, high)
    ]
    assert levels[1] == 5
    assert levels[0] != 5
    one, other = code(here, low), code(here, high)
    assert one.keys() == other.keys() == {"token", "qr_svg", "expires_at"}
    assert one["expires_at"] == other["expires_at"]
    assert len(one["token"]) == len(other["token"])
    (head, claims), (other_head, other_claims) = parts(one["token"]), parts(other["token"])
    # But for the random number the two tokens say the very same.
    assert head == other_head
    assert claims | {"jti": ""} == other_claims | {"jti": ""}
    assert set(claims) == {"iss", "exp", "jti"}
    size = re.compile(r'width="(\d+)" height="(\d+)"')
    pictures = [size.search(shown["qr_svg"]) for shown in (one, other)]
    assert None not in pictures
    assert len({found.groups() for found in pictures if found is not None}) == 1
    # Neither the picture's colours nor its words know a level.
    for shown in (one, other):
        assert set(re.findall(r'(?:stroke|fill)="([^"]*)"', shown["qr_svg"])) == {"#000"}
    answers = [verify(here, shown["token"]) for shown in (one, other)]
    assert answers[0].content == answers[1].content
    assert answers[0].json()["valid"] is True


def test_the_answer_has_one_form_whatever_the_token(here: Town, clock: MovingClock) -> None:
    lin = here.resident()
    first = code(here, lin)["token"]
    second = code(here, lin)["token"]
    good = verify(here, second).json()
    head, claims, signature = second.split(".")
    other = "A" if signature[9] != "A" else "B"
    late = code(here, lin)["token"]
    clock.advance(timedelta(seconds=61))
    for token in (
        first,
        second,
        late,
        f"{head}.{claims}.{signature[:9]}{other}{signature[10:]}",
        lin.access,
        "nonsense",
        "a.b.c",
        "é" * 40,
    ):
        answer = verify(here, token)
        assert answer.status_code == 200
        assert answer.json() == {"valid": False, "issuer": good["issuer"], "expires_at": None}
    assert good.keys() == answer.json().keys()


def test_a_code_works_once_and_only_for_a_minute(here: Town, clock: MovingClock) -> None:
    lin = here.resident()
    token = code(here, lin)["token"]
    clock.advance(timedelta(seconds=59))
    assert verify(here, token).json()["valid"] is True
    assert verify(here, token).json()["valid"] is False
    token = code(here, lin)["token"]
    clock.advance(timedelta(seconds=60))
    assert verify(here, token).json()["valid"] is False


def test_of_two_verifiers_at_once_one_is_told(here: Town) -> None:
    token = code(here, here.resident())["token"]
    calls = [("POST", "/v1/verify", {"json": {"token": token}})] * 8
    told = [answer.json()["valid"] for answer in here.doors.together(calls)]
    assert sorted(told) == [False] * 7 + [True]


def test_of_two_codes_asked_for_at_once_one_is_good(
    here: Town, clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process is asked for one while one has kept its own and not yet committed."""
    if here.beneath.dialect.name == "sqlite":
        pytest.skip(ONE_WRITER)
    lin = here.resident()
    with another_process(here.house, clock) as there:
        second = Meanwhile(here.beneath, lambda: there.get("/v1/me/code", headers=lin.headers))
        monkeypatch.setattr(actions, "_picture", second.before(actions._picture))
        tokens = [code(here, lin)["token"], second.result().json()["token"]]
    assert [verify(here, token).json()["valid"] for token in tokens] == [False, True]


def test_an_erased_residents_code_is_not_good(here: Town) -> None:
    lin = here.resident()
    token = code(here, lin)["token"]
    assert here.doors.delete("/v1/me", headers=lin.headers).status_code == 200
    assert verify(here, token).json()["valid"] is False


def test_a_doctor_scans_a_name_and_never_a_level(here: Town) -> None:
    low, high, zhou = at_level(here, "low", 1), at_level(here, "high", 5), here.doctor()

    def scan(token: str) -> httpx.Response:
        address = "/v1/doctor/codes/resolve"
        return here.doors.post(address, json={"token": token}, headers=zhou.headers)

    answers = [scan(code(here, one)["token"]) for one in (low, high)]
    documents = [answer.json() for answer in answers]
    assert [document.pop("patient_id") for document in documents] == [low.id, high.id]
    assert documents[0] == documents[1]
    assert len(answers[0].content) == len(answers[1].content)
    assert documents[0]["name"] == "林梅"
    assert documents[0]["invitation"]["doctor_id"] == zhou.id
    assert documents[0]["invitation"]["signed"] is False
    assert "level" not in json.dumps(documents)
    log = here.doors.get("/v1/me/access-log", headers=low.headers).json()["items"]
    assert [(one["data_classes"], one["rule"], one["actor"]["id"]) for one in log] == [
        (["profile"], "named-doctor", zhou.id)
    ]
    spent = code(here, low)["token"]
    assert scan(spent).status_code == 200
    assert scan(spent).status_code == scan("nonsense").status_code == 404
    # Holding up a code lets nobody in beyond the name.
    assert here.doors.get(f"/v1/doctor/patients/{low.id}", headers=zhou.headers).status_code == 404


def test_somebody_who_shut_everybody_out_shows_a_code_in_vain(here: Town) -> None:
    lin, zhou = here.resident(), here.doctor()
    here.doors.put("/v1/me/deny-all", json={"on": True}, headers=lin.headers)
    token = code(here, lin)["token"]
    answer = here.doors.post(
        "/v1/doctor/codes/resolve", json={"token": token}, headers=zhou.headers
    )
    assert answer.status_code == 404
    log = here.doors.get("/v1/me/access-log", headers=lin.headers).json()["items"]
    assert [(one["decision"], one["rule"]) for one in log] == [("deny", "deny-all")]
