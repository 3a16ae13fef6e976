"""Grants to clinics, refusals and counted uses over HTTP."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx
import pytest

from service.identity import store as identity
from service.kit.settings import Settings
from tests.conftest import MovingClock
from tests.house_room import Person, Town, town


@pytest.fixture
def here(settings: Settings, clock: MovingClock) -> Iterator[Town]:
    with town(settings, clock) as opened:
        yield opened


def ok(answer: httpx.Response, status: int = 200) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    document: dict[str, Any] = answer.json()
    return document


def clinic_of(here: Town, doctor: Person) -> str:
    known = here.house.db.read(lambda conn: identity.practitioner(conn, UUID(doctor.id)))
    assert known is not None
    return str(known.clinic_id)


def sign(here: Town, who: Person, doctor: Person) -> dict[str, Any]:
    body = {"doctor_id": doctor.id, "package": "basic", "data_classes": ["body"]}
    return ok(here.doors.post("/v1/me/contract", json=body, headers=who.headers), 201)


def give(here: Town, who: Person, kind: str, id: str, **terms: Any) -> httpx.Response:
    wish = {
        "grantee": {"kind": kind, "id": id},
        "purposes": ["care"],
        "data_classes": ["profile"],
    }
    return here.doors.post("/v1/me/grants", json=wish | terms, headers=who.headers)


def patient(here: Town, doctor: Person, who: Person) -> httpx.Response:
    return here.doors.get(f"/v1/doctor/patients/{who.id}", headers=doctor.headers)


def log_of(here: Town, who: Person) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = ok(here.doors.get("/v1/me/access-log", headers=who.headers))[
        "items"
    ]
    return items


def test_a_colleague_looks_under_the_clinics_grant_and_is_named(here: Town) -> None:
    lin, zhou, wang = here.resident(), here.doctor(), here.doctor("dr.wang")
    sign(here, lin, zhou)
    # A colleague knows nobody before the clinic was given something.
    assert patient(here, wang, lin).status_code == 404
    clinic = clinic_of(here, wang)
    given = ok(give(here, lin, "clinic", clinic), 201)
    assert (given["grantee"], given["deny"]) == ({"kind": "clinic", "id": clinic}, False)
    seen = ok(patient(here, wang, lin))
    assert seen["profile"]["name"] == "林梅"
    assert {one["data_class"] for one in seen["withheld"]} >= {"body"}
    entry = log_of(here, lin)[0]
    assert (entry["actor"]["id"], entry["actor"]["on_behalf_of"]) == (wang.id, "河街卫生站")
    assert (entry["rule"], entry["grant_id"]) == ("clinic-grant", given["id"])
    panel = ok(here.doors.get("/v1/doctor/panel", headers=wang.headers))["items"]
    assert [row["patient_id"] for row in panel] == [lin.id]
    ok(here.doors.delete(f"/v1/me/grants/{given['id']}", headers=lin.headers))
    refused = ok(patient(here, wang, lin), 403)
    assert (refused["rule"], bool(refused["detail"])) == ("withdrawn", True)
    assert ok(here.doors.get("/v1/doctor/panel", headers=wang.headers))["items"] == []


def test_a_refusal_wins_on_the_next_request_until_it_is_taken_back(here: Town) -> None:
    lin, zhou = here.resident(), here.doctor()
    sign(here, lin, zhou)
    ok(patient(here, zhou, lin))
    empty: dict[str, Any] = {"purposes": [], "data_classes": [], "deny": True}
    wish = {"grantee": {"kind": "clinic", "id": clinic_of(here, zhou)}, **empty}
    asked = here.doors.post("/v1/me/grants/simulate", json={"grant": wish}, headers=lin.headers)
    doctor = next(one for one in ok(asked)["items"] if one["grantee"]["id"] == zhou.id)
    assert (doctor["data_classes"], {one["rule"] for one in doctor["withheld"]}) == (
        [],
        {"explicit-deny"},
    )
    ok(patient(here, zhou, lin))
    deny = ok(here.doors.post("/v1/me/grants", json=wish, headers=lin.headers), 201)
    assert (deny["deny"], deny["purposes"], deny["status"]) == (True, [], "active")
    refused = ok(patient(here, zhou, lin), 403)
    assert refused["rule"] == "explicit-deny"
    # Who refuses agrees to nothing, so nothing can be receipted.
    receipt = f"/v1/me/grants/{deny['id']}/receipt"
    assert here.doors.get(receipt, headers=lin.headers).status_code == 404
    ok(here.doors.delete(f"/v1/me/grants/{deny['id']}", headers=lin.headers))
    ok(patient(here, zhou, lin))


def test_a_refusal_of_one_class_leaves_the_others_open(here: Town) -> None:
    lin, zhou = here.resident(), here.doctor()
    sign(here, lin, zhou)
    terms = {"purposes": [], "data_classes": ["body"], "deny": True}
    ok(give(here, lin, "practitioner", zhou.id, **terms), 201)
    seen = ok(patient(here, zhou, lin))
    assert {one["data_class"]: one["rule"] for one in seen["withheld"]}["body"] == "explicit-deny"
    assert seen["profile"]["name"] == "林梅"


def test_uses_count_down_and_a_failed_look_takes_none(here: Town) -> None:
    lin, zhou = here.resident(), here.doctor()
    signed = sign(here, lin, zhou)
    ok(here.doors.delete(f"/v1/me/grants/{signed['grant_id']}", headers=lin.headers))
    given = ok(give(here, lin, "practitioner", zhou.id, uses=2), 201)
    address = f"/v1/me/grants/{given['id']}"
    assert given["uses_left"] == 2
    ok(patient(here, zhou, lin))
    broken = here.doors.get(
        f"/v1/doctor/patients/{lin.id}/records?cursor=nonsense", headers=zhou.headers
    )
    assert broken.status_code == 400
    assert ok(here.doors.get(address, headers=lin.headers))["uses_left"] == 1
    ok(patient(here, zhou, lin))
    assert ok(patient(here, zhou, lin), 403)["rule"] == "no-uses-left"
    kept = ok(here.doors.get(address, headers=lin.headers))
    assert (kept["uses_left"], kept["status"]) == (0, "used-up")
    assert [one["decision"] for one in log_of(here, lin)] == ["deny", "allow", "allow", "allow"]


@pytest.mark.parametrize("uses", [0, 1001, 1.5, True, "2", -1])
def test_odd_numbers_of_uses_are_refused(here: Town, uses: Any) -> None:
    lin, zhou = here.resident(), here.doctor()
    told = ok(give(here, lin, "practitioner", zhou.id, uses=uses), 422)
    assert [fault["pointer"] for fault in told["errors"]] == ["/uses"]


def test_the_last_use_goes_to_one_of_many_who_ask_at_once(here: Town) -> None:
    lin, zhou = here.resident(), here.doctor()
    signed = sign(here, lin, zhou)
    ok(here.doors.delete(f"/v1/me/grants/{signed['grant_id']}", headers=lin.headers))
    ok(give(here, lin, "practitioner", zhou.id, uses=3), 201)
    call = ("GET", f"/v1/doctor/patients/{lin.id}", {"headers": zhou.headers})
    answers = here.doors.together([call] * 12)
    assert sorted(one.status_code for one in answers) == [200] * 3 + [403] * 9
