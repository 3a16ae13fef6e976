"""Guardians over HTTP: the same operations for a child, and nobody else's."""

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from service.kit.settings import Settings
from tests.conftest import MovingClock
from tests.family_room import Child, begin, claim, ok, refused, wish
from tests.house_room import Town, town
from tests.record_room import pressure

LOOKS = ("", "/records", "/prompt", "/prompts", "/grants", "/access-log", "/guardians", "/code")


@pytest.fixture
def here(settings: Settings, clock: MovingClock) -> Iterator[Town]:
    with town(settings, clock) as opened:
        yield opened


@pytest.fixture
def child(here: Town) -> Child:
    return begin(here, here.resident("mother", name="林梅"))


def faults(answer: Any) -> set[tuple[str, str]]:
    return {(one["pointer"], one["code"]) for one in ok(answer, 422)["errors"]}


def test_a_guardian_keeps_the_childs_record_with_the_operations_of_an_owner(child: Child) -> None:
    assert ok(child.ask("GET"))["name"] == "林小乐"
    batch = {"records": [pressure(98, 62, "2026-11-19T08:00:00+08:00")]}
    logged = ok(child.ask("POST", "/records", batch))
    assert logged["results"][0]["status"] == "created"
    kept = ok(child.ask("GET", "/records"))["items"]
    assert kept[0]["values"] == {"systolic_bp": 98, "diastolic_bp": 62}
    record = f"/records/{kept[0]['id']}"
    changed = {**kept[0], "note": "午睡后"}
    put = child.ask("PUT", record, changed, headers={"if-match": f'"{kept[0]["rev"]}"'})
    rev = ok(put)["rev"]
    assert ok(child.ask("GET", record))["note"] == "午睡后"
    ok(child.ask("DELETE", record, headers={"if-match": f'"{rev}"'}), 204)
    day = {"measure": "heart_rate", "day": "2026-11-19", "t": [60], "v": [88]}
    ok(child.ask("POST", "/series", {"series": [day]}))
    assert ok(child.ask("GET", "/series/heart_rate"))["v"] == [88]
    assert ok(child.ask("PUT", "/deny-all", {"on": True})) == {"on": True}
    mine = child.town.doors.get("/v1/me/records", headers=child.guardian.headers)
    assert ok(mine)["items"] == []


def test_a_childs_prompt_says_it_is_a_childs(child: Child) -> None:
    before = ok(child.ask("GET", "/prompt"))
    assert before["level"] is None
    values = {"systolic_bp": 188, "diastolic_bp": 115, "body_weight": 41, "body_height": 139}
    batch = {"records": [{"kind": "observation", "start": "2026-11-19T08:00:00+08:00",
                          "values": values}]}  # fmt: skip
    ok(child.ask("POST", "/records", batch))
    prompt = ok(child.ask("GET", "/prompt"))
    assert prompt["life_stage"] == "youth"
    adult = {"china_par", "cn_bp_grade_and_cv_stratification", "ncdrs"}
    assert not adult & {model["model"] for model in prompt["models"]}
    ok(child.ask("POST", "/prompt/what-if", {"values": {"systolic_bp": 110, "diastolic_bp": 60}}))


def test_nobody_but_a_guardian_learns_that_there_is_a_child(here: Town, child: Child) -> None:
    stranger = here.resident("stranger")
    doctor = here.doctor()
    for rest in LOOKS:
        real = child.by(stranger).ask("GET", rest)
        ghost = Child(str(uuid4()), here, stranger).ask("GET", rest)
        bodies = [ok(answer, 404) for answer in (real, ghost)]
        for body in bodies:
            body.pop("request_id")
        assert bodies[0] == bodies[1]
        ok(child.by(doctor).ask("GET", rest), 401)
    for method, rest, body in (
        ("DELETE", "", None),
        ("DELETE", "/file", None),
        ("POST", "/guardians", None),
        ("POST", "/handover", None),
        ("PATCH", "", {"name": "别人"}),
        ("POST", "/records", {"records": [pressure()]}),
    ):
        ok(child.by(stranger).ask(method, rest, body), 404)
    unsigned = here.doors.get(f"/v1/doctor/patients/{child.id}", headers=doctor.headers)
    ok(unsigned, 404)
    # A guardian is guardian of this child, not of any resident.
    ok(child.by(child.guardian).ask("GET"))
    ok(Child(stranger.id, here, child.guardian).ask("GET"), 404)
    ok(Child(child.guardian.id, here, child.guardian).ask("GET"), 404)


def test_both_guardians_see_in_the_log_what_each_did(here: Town, child: Child) -> None:
    father = child.joined_by(here.resident("father", name="陈伟"))
    ok(father.ask("GET", "/records"))
    ok(child.by(here.resident("stranger")).ask("GET"), 404)
    entries = ok(child.ask("GET", "/access-log"))["items"]
    stranger, look, joined, invited, begun = entries
    assert [(one["actor"]["name"], one["decision"]) for one in (begun, invited, joined, look)] == [
        ("林梅", "allow"),
        ("林梅", "allow"),
        ("陈伟", "allow"),
        ("陈伟", "allow"),
    ]
    assert look["actor"]["id"] == father.guardian.id
    assert look["actor"]["on_behalf_of"] == child.id
    assert (look["action"], look["rule"]) == ("read", "guardian")
    assert "监护人陈伟" in look["text"]["zh"]
    assert stranger["decision"] == "deny"
    assert stranger["actor"]["name"] is None
    named = ok(father.ask("GET", "/guardians"))["items"]
    assert {one["name"] for one in named} == {"林梅", "陈伟"}
    export = ok(father.ask("GET", "/access-log/export"))["export"]
    claims = json.loads(base64.urlsafe_b64decode(export.split(".")[1] + "=="))
    assert claims["sub"] == child.id
    assert claims["entries"][0]["actor"]["name"] == "林梅"


def test_receipts_name_the_guardian_who_consented(here: Town, child: Child) -> None:
    doctor = here.doctor()
    wished = {"doctor_id": doctor.id, "package": "basic", "data_classes": ["body"]}
    grant = ok(child.ask("POST", "/contract", wished), 201)["grant_id"]
    father = child.joined_by(here.resident("father", name="陈伟"))
    ok(father.ask("DELETE", f"/grants/{grant}"))
    receipt = ok(child.ask("GET", f"/grants/{grant}/receipt"))["receipt"]
    text = base64.urlsafe_b64decode(receipt.split(".")[1] + "==").decode()
    claims = json.loads(text)
    entities = [event["entity_id"] for event in claims["events"]]
    assert entities == [child.guardian.id, father.guardian.id]


def test_a_doctor_signed_for_a_child_sees_a_patient(here: Town, child: Child) -> None:
    doctor = here.doctor()
    ok(here.doors.get(f"/v1/doctor/patients/{child.id}", headers=doctor.headers), 404)
    wished = {"doctor_id": doctor.id, "package": "basic", "data_classes": ["body"]}
    ok(child.ask("POST", "/contract", wished), 201)
    rows = ok(here.doors.get("/v1/doctor/panel", headers=doctor.headers))["items"]
    assert [(row["patient_id"], row["name"]) for row in rows] == [(child.id, "林小乐")]
    seen = ok(here.doors.get(f"/v1/doctor/patients/{child.id}", headers=doctor.headers))
    assert seen["profile"]["birth_date"] == "2016-03-09"
    token = ok(child.ask("GET", "/code"))["token"]
    resolve = here.doors.post(
        "/v1/doctor/codes/resolve", json={"token": token}, headers=doctor.headers
    )
    assert ok(resolve)["patient_id"] == child.id
    ok(child.ask("DELETE", "/contract"))
    refused(
        here.doors.get(f"/v1/doctor/patients/{child.id}", headers=doctor.headers), 403, "withdrawn"
    )


def test_guardian_changes_need_a_fresh_sign_in(
    here: Town, child: Child, clock: MovingClock
) -> None:
    clock.advance(timedelta(minutes=6))
    stale = {"birth_date": "2016-03-10"}
    for method, rest, body in (
        ("POST", "/guardians", None),
        ("POST", "/handover", None),
        ("DELETE", "", None),
        ("DELETE", "/file", None),
        ("PATCH", "", stale),
    ):
        assert ok(child.ask(method, rest, body), 403)["code"] == "step-up-required", (method, rest)
    for path, wished in (("/v1/me/children", wish()), ("/v1/me/children/join", {"code": "x"})):
        answer = here.doors.post(path, json=wished, headers=child.guardian.headers)
        assert ok(answer, 403)["code"] == "step-up-required"
    ok(child.ask("PATCH", "", {"contact": "13800138000"}))


def test_the_only_guardian_stays(here: Town, child: Child) -> None:
    assert ok(child.ask("DELETE"), 409)["code"] == "only-guardian"
    me = here.doors.delete("/v1/me", headers=child.guardian.headers)
    assert ok(me, 409)["code"] == "only-guardian"
    father = child.joined_by(here.resident("father"))
    ok(child.ask("DELETE"), 204)
    assert refused(child.ask("GET"), 403, "no-rule")
    assert refused(child.ask("GET", "/grants"), 403, "owner-only")
    assert ok(father.ask("DELETE"), 409)["code"] == "only-guardian"
    mine = here.doors.get("/v1/me/children", headers=child.guardian.headers)
    assert ok(mine)["items"] == []


def test_a_guardian_may_be_erased_once_another_remains(here: Town, child: Child) -> None:
    father = child.joined_by(here.resident("father", name="陈伟"))
    ok(here.doors.delete("/v1/me", headers=child.guardian.headers))
    named = ok(father.ask("GET", "/guardians"))["items"]
    assert {(one["name"], one["ended_at"] is None) for one in named} == {
        (None, False),
        ("陈伟", True),
    }


def test_a_codes_work_once_and_end(here: Town, child: Child, clock: MovingClock) -> None:
    father, aunt = here.resident("father"), here.resident("aunt")
    first = ok(child.ask("POST", "/guardians"), 201)["code"]
    second = ok(child.ask("POST", "/guardians"), 201)["code"]

    def join(code: str, who: Any) -> Any:
        return here.doors.post("/v1/me/children/join", json={"code": code}, headers=who.headers)

    assert faults(join(first, father)) == {("/code", "unknown-code")}
    ok(join(second, child.guardian), 409)
    ok(join(f" {second.upper().replace('-', ' ')} ", father), 201)
    assert faults(join(second, aunt)) == {("/code", "unknown-code")}
    third = ok(child.ask("POST", "/guardians"), 201)["code"]
    clock.advance(timedelta(days=2))
    assert faults(join(third, here.sign_in("aunt"))) == {("/code", "unknown-code")}
    # A hand-over is not an invitation.
    again = child.by(here.sign_in("mother"))
    handover = ok(again.ask("POST", "/handover"), 201)["code"]
    assert faults(join(handover, here.sign_in("aunt"))) == {("/code", "unknown-code")}


def test_four_guardians_and_twelve_children_are_enough(here: Town, child: Child) -> None:
    for name in ("father", "aunt", "uncle"):
        child.joined_by(here.resident(name))
    assert ok(child.ask("POST", "/guardians"), 409)["code"] == "too-many"
    for number in range(11):
        begin(here, child.guardian, name=f"孩子{number}")
    many = here.doors.post("/v1/me/children", json=wish(), headers=child.guardian.headers)
    assert ok(many, 409)["code"] == "too-many"
    mine = ok(here.doors.get("/v1/me/children", headers=child.guardian.headers))["items"]
    assert len({one["resident_id"] for one in mine}) == 12


def test_who_needs_a_guardian_and_who_may_be_one(here: Town) -> None:
    mother = here.resident("mother")
    assert faults(here.register("kid", birth_date="2012-11-21")) == {
        ("/birth_date", "guardian-needed")
    }
    ok(here.register("teen", birth_date="2012-11-20"), 201)
    teen = here.sign_in("teen")
    young = here.doors.post("/v1/me/children", json=wish(), headers=teen.headers)
    assert ok(young, 409)["code"] == "conflict"
    grown = here.doors.post(
        "/v1/me/children", json=wish(birth_date="2012-11-20"), headers=mother.headers
    )
    assert faults(grown) == {("/birth_date", "not-a-child")}
    back = here.doors.patch("/v1/me", json={"birth_date": "2013-01-01"}, headers=teen.headers)
    assert faults(back) == {("/birth_date", "guardian-needed")}


def test_erasing_a_child_leaves_nothing_of_it(here: Town, child: Child) -> None:
    father = child.joined_by(here.resident("father"))
    receipt = ok(child.ask("DELETE", "/file"))
    assert receipt["resident_id"] == child.id
    for guardian in (child, father):
        ok(guardian.ask("GET"), 404)
        mine = here.doors.get("/v1/me/children", headers=guardian.guardian.headers)
        assert ok(mine)["items"] == []
    ok(here.doors.get("/v1/me", headers=child.guardian.headers))
    assert ok(claim(here, "abcde-fghjk-mnpqr-stuvw", "kid"), 422)


def test_what_belongs_to_one_child_is_not_found_under_another(here: Town, child: Child) -> None:
    """The guardian may see both; an id or a cursor of one still opens nothing of the other."""
    second = begin(here, child.guardian, name="林小米")
    logged = ok(child.ask("POST", "/records", {"records": [pressure(99, 61)]}))
    record = f"/records/{logged['results'][0]['id']}"
    ok(child.ask("GET", record))
    ok(second.ask("GET", record), 404)
    ok(here.doors.get(f"/v1/me{record}", headers=child.guardian.headers), 404)
    ok(second.ask("DELETE", record, headers={"if-match": '"1"'}), 404)
    page = ok(child.ask("GET", "/access-log?limit=1"))
    assert ok(second.ask("GET", f"/access-log?cursor={page['next']}"), 400)["code"] == "bad-cursor"
    doctor = here.doctor()
    wished = {"doctor_id": doctor.id, "package": "basic", "data_classes": ["body"]}
    grant = f"/grants/{ok(child.ask('POST', '/contract', wished), 201)['grant_id']}"
    ok(second.ask("GET", grant), 404)
    ok(second.ask("DELETE", grant), 404)
    assert ok(child.ask("GET", grant))["status"] == "active"
