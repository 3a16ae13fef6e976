"""Objecting to a level, and switching levels off, over HTTP on both stores."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from service.jobs import appeals as job
from service.kit.audience import speaking_for
from tests.appeal_room import LOGINS, REASON, Pair, a_clock, a_pair, high, moving_town, put_back
from tests.conftest import MovingClock
from tests.family_room import begin, ok
from tests.house_room import Town
from tests.record_room import observation, pressure

CLOCK = a_clock()


@pytest.fixture
def clock() -> Iterator[MovingClock]:
    with put_back(CLOCK) as mine:
        yield mine


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def here(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Town]:
    with moving_town(request.param, tmp_path_factory.mktemp("appeals"), CLOCK) as opened:
        yield opened


@pytest.fixture
def pair(here: Town, clock: MovingClock) -> Pair:
    return a_pair(here)


def test_an_appeal_goes_to_the_signed_doctor_and_back(pair: Pair, clock: MovingClock) -> None:
    prompt = high(pair)
    filed = pair.appeal(explanation=prompt["explanation"])
    assert (filed["state"], filed["overdue"], filed["reason"]) == ("open", False, REASON)
    assert filed["about"] == {
        "kind": "explanation",
        "id": prompt["explanation"],
        "from_level": None,
        "to_level": prompt["level"],
        "at": filed["about"]["at"],
    }
    # Fifteen days after the day it was opened, at the end of that day.
    assert filed["deadline"] == "2026-12-06T00:00:00+08:00"
    assert pair.appeal(409, explanation=prompt["explanation"])["code"] == "appeal-open"
    (waiting,) = pair.worklist()
    assert (waiting["reason"], waiting["name"]) == (REASON, "林梅")
    assert waiting["about"] == filed["about"]
    answered = ok(pair.answer(filed["id"]))
    assert answered["answer"]["outcome"] == "upheld"
    assert pair.worklist() == []
    assert ok(pair.answer(filed["id"]), 409)["code"] == "already-answered"
    assert pair.ask(pair.resident, "DELETE", f"/v1/me/appeals/{filed['id']}").status_code == 409
    mine = pair.me("GET", f"/appeals/{filed['id']}")
    assert (mine["state"], mine["answer"]["reason"]) == ("answered", "请换大袖带复测。")
    assert mine["answer"]["name"] == "周医生"
    told = pair.me("GET", "/notices")["items"]
    assert [one["kind"] for one in told] == ["appeal-answered"]


def test_an_upheld_level_is_marked_until_it_changes(pair: Pair, clock: MovingClock) -> None:
    prompt = high(pair)
    assert prompt["review"] is None
    filed = pair.appeal(explanation=prompt["explanation"])
    ok(pair.answer(filed["id"]))
    marked = pair.me("GET", "/prompt")
    assert marked | {"review": None} == prompt
    assert marked["review"]["answer"] == "请换大袖带复测。"
    assert marked["review"]["appeal_id"] == filed["id"]
    assert "not to be relied on" in marked["review"]["text"]["en"]
    told = pair.me("GET", f"/explanations/{prompt['explanation']}")
    assert told["review"] == marked["review"]
    clock.advance(timedelta(minutes=1))
    # An alarming reading makes another level, to which nobody has objected.
    pair.log(pressure(190, 121, clock.now.isoformat()))
    other = pair.me("GET", "/prompt")
    assert other["level"] > prompt["level"]
    assert other["review"] is None


def test_a_rejected_appeal_marks_nothing(pair: Pair) -> None:
    prompt = high(pair)
    filed = pair.appeal(explanation=prompt["explanation"])
    ok(pair.answer(filed["id"], "rejected"))
    assert pair.me("GET", "/prompt") == prompt
    assert pair.me("GET", f"/appeals/{filed['id']}")["answer"]["outcome"] == "rejected"
    # It may be objected to again, with better reasons.
    pair.appeal(explanation=prompt["explanation"])


def test_an_appeal_on_a_record_leaves_the_record_to_its_owner(pair: Pair) -> None:
    record = pair.log(pressure(165, 102, CLOCK.now.isoformat()))["results"][0]
    filed = pair.appeal(record=record["id"])
    assert filed["about"]["kind"] == "record"
    ok(pair.answer(filed["id"]))
    kept = pair.ask(pair.resident, "GET", f"/v1/me/records/{record['id']}")
    assert kept.json()["rev"] == record["rev"]
    assert pair.me("GET", "/prompt")["review"] is None


@pytest.mark.parametrize(
    ("about", "pointer"),
    [
        ({"record": str(uuid4())}, "/about/record"),
        ({"explanation": str(uuid4())}, "/about/explanation"),
        ({}, "/about"),
        ({"record": str(uuid4()), "explanation": str(uuid4())}, "/about"),
        ({"record": "mine"}, "/about/record"),
    ],
)
def test_what_an_appeal_is_about_must_be_there(
    pair: Pair, about: dict[str, str], pointer: str
) -> None:
    told = pair.appeal(422, **about)
    assert [fault["pointer"] for fault in told["errors"]] == [pointer]
    for value in about.values():
        assert value not in str(told)


def test_without_leave_the_doctor_sees_nothing(pair: Pair) -> None:
    prompt = high(pair)
    filed = pair.appeal(explanation=prompt["explanation"], for_doctor=False)
    assert pair.worklist() == []
    assert pair.answer(filed["id"]).status_code == 404


def test_other_doctors_and_former_ones_see_and_answer_nothing(pair: Pair) -> None:
    filed = pair.appeal(explanation=high(pair)["explanation"])
    other = pair.town.doctor(f"dr-{next(LOGINS)}")
    assert pair.worklist(other) == []
    assert pair.answer(filed["id"], doctor=other).status_code == 404
    # Somebody with a grant and no contract looks and does not answer.
    grant = {
        "grantee": {"kind": "practitioner", "id": other.id},
        "purposes": ["care"],
        "data_classes": ["profile"],
        "separate_consent": True,
    }
    pair.me("POST", "/grants", grant, 201)
    assert pair.worklist(other) == []
    assert pair.answer(filed["id"], doctor=other).status_code == 403
    pair.me("DELETE", "/contract")
    assert pair.worklist() == []
    assert pair.answer(filed["id"]).status_code in {403, 404}
    # Whoever is signed with next may answer it.
    wish = {"doctor_id": other.id, "package": "basic", "data_classes": ["profile"]}
    pair.me("POST", "/contract", wish, 201)
    assert [one["appeal_id"] for one in pair.worklist(other)] == [filed["id"]]
    ok(pair.answer(filed["id"], doctor=other))


def test_an_emergency_opens_a_record_and_answers_no_appeal(pair: Pair) -> None:
    filed = pair.appeal(explanation=high(pair)["explanation"])
    stranger = pair.town.strong(pair.town.doctor(f"dr-{next(LOGINS)}"))
    path = f"/v1/doctor/patients/{pair.resident.id}/emergency"
    ok(pair.ask(stranger, "POST", path, {"reason": "unconscious in the street"}), 201)
    assert pair.worklist(stranger) == []
    assert pair.answer(filed["id"], doctor=stranger).status_code == 404
    assert pair.me("GET", f"/appeals/{filed['id']}")["state"] == "open"


def test_shutting_everybody_out_shuts_out_answers_too(pair: Pair) -> None:
    filed = pair.appeal(explanation=high(pair)["explanation"])
    pair.me("PUT", "/deny-all", {"on": True})
    assert pair.worklist() == []
    assert ok(pair.answer(filed["id"]), 403)["rule"] == "deny-all"
    # The resident's own part goes on (P10).
    assert pair.me("GET", f"/appeals/{filed['id']}")["state"] == "open"
    assert pair.me("DELETE", f"/appeals/{filed['id']}")["state"] == "withdrawn"


def test_looking_at_an_appeal_is_in_the_access_log(pair: Pair) -> None:
    def looks() -> list[Any]:
        found: list[Any] = pair.me("GET", "/access-log?limit=100")["items"]
        return found

    filed = pair.appeal(explanation=high(pair)["explanation"])
    assert looks() == []
    pair.worklist()
    ok(pair.answer(filed["id"]))
    ok(pair.answer(filed["id"]), 409)
    found = looks()
    assert len(found) == 3
    assert {(one["actor"]["name"], one["decision"]) for one in found} == {("周医生", "allow")}
    assert {tuple(one["data_classes"]) for one in found} == {("profile",)}


def test_withdrawing_twice_is_withdrawing_once(pair: Pair) -> None:
    filed = pair.appeal(explanation=high(pair)["explanation"])
    once = pair.me("DELETE", f"/appeals/{filed['id']}")
    assert once["state"] == "withdrawn"
    assert pair.me("DELETE", f"/appeals/{filed['id']}") == once
    assert pair.worklist() == []
    assert ok(pair.answer(filed["id"]), 409)["code"] == "already-answered"
    wei = pair.town.resident(f"wei-{next(LOGINS)}")
    for method in ("GET", "DELETE"):
        assert pair.ask(wei, method, f"/v1/me/appeals/{filed['id']}").status_code == 404


def test_appeals_are_listed_page_by_page(pair: Pair, clock: MovingClock) -> None:
    ids = []
    for number in range(5):
        clock.advance(timedelta(seconds=1))
        record = pair.log(pressure(120 + number, 80, clock.now.isoformat()))["results"][0]["id"]
        ids.append(pair.appeal(record=record)["id"])
    for who, path, name, order in (
        (pair.resident, "/v1/me/appeals", "id", ids[::-1]),
        (pair.doctor, "/v1/doctor/appeals", "appeal_id", ids),
    ):
        found: list[str] = []
        cursor = ""
        while cursor is not None:
            page = ok(pair.ask(who, "GET", f"{path}?limit=2{cursor}"))
            found += [one[name] for one in page["items"]]
            cursor = None if page["next"] is None else f"&cursor={page['next']}"
        assert found == order
        assert pair.ask(who, "GET", f"{path}?cursor=nonsense").status_code == 400


def test_the_operator_counts_what_is_overdue_and_reads_nothing(
    pair: Pair, clock: MovingClock
) -> None:
    house = pair.town.house

    def counted() -> tuple[int, ...]:
        with speaking_for("operator"):
            return tuple(job.standing(house, now=clock.now))

    def more(before: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(now - then for now, then in zip(counted(), before, strict=True))

    start = counted()
    prompt = high(pair)
    filed = pair.appeal(explanation=prompt["explanation"])
    record = pair.log(pressure(140, 85, clock.now.isoformat()))["results"][0]["id"]
    pair.appeal(record=record, for_doctor=False)
    assert more(start) == (2, 0, 0)
    begun = clock.now
    clock.now = datetime(2026, 12, 5, 15, 59, 59, tzinfo=UTC)
    late = counted()[1]
    clock.now = datetime(2026, 12, 5, 16, 0, tzinfo=UTC)
    assert counted()[1] - late >= 2
    clock.now = begun
    ok(pair.answer(filed["id"]))
    assert more(start) == (1, 0, 0)
    clock.now = datetime(2026, 12, 5, 16, 0, tzinfo=UTC)
    lin = pair.town.sign_in(pair.resident.login)
    (mine,) = [
        one for one in ok(pair.ask(lin, "GET", "/v1/me/appeals"))["items"] if one["state"] == "open"
    ]
    assert mine["overdue"]
    clock.now = begun
    # An erased person leaves no appeal behind that would be overdue for good.
    erased = pair.town.sign_in(pair.resident.login)
    assert pair.town.doors.delete("/v1/me", headers=erased.headers).status_code == 200
    assert more(start) == (0, 0, 0)


def test_switched_off_everything_else_works(pair: Pair) -> None:
    prompt = high(pair)
    off = pair.me("PUT", "/prompt/automation", {"on": False})
    assert off == pair.me("GET", "/prompt/automation")
    assert off["on"] is False
    found = pair.me("GET", "/prompt")
    assert (found["level"], found["colour"], found["index"]) == (None, None, None)
    assert found["reason"] == off["text"]
    assert found["automation"] is False
    logged = pair.log(pressure(185, 112, CLOCK.now.isoformat()))
    assert logged["results"][0]["status"] == "created"
    assert logged["prompt"] == {"level": None, "colour": None, "changed": False}
    assert pair.me("GET", "/prompt")["urgent"]["reading"] == "blood_pressure"
    for path in ("", "/records", "/prompts", "/grants", "/contract", "/access-log", "/code"):
        pair.me("GET", path)
    plan = pair.me("GET", "/plan")
    assert plan["due"]
    assert plan["messages"]
    # An earlier level is still explained and may still be objected to.
    assert pair.me("GET", f"/explanations/{prompt['explanation']}")["to_level"] == prompt["level"]
    pair.appeal(explanation=prompt["explanation"])
    # A question asked by hand is answered.
    imagined = pair.me("POST", "/prompt/what-if", {"values": {"systolic_bp": 118}})
    assert imagined["level"] is not None
    pair.me("PUT", "/prompt/automation", {"on": True})
    assert pair.me("GET", "/prompt")["level"] == 5


def test_the_doctor_is_told_that_levels_are_switched_off(pair: Pair) -> None:
    high(pair)
    pair.me("PUT", "/prompt/automation", {"on": False})
    panel = ok(pair.ask(pair.doctor, "GET", "/v1/doctor/panel"))["items"]
    (row,) = [one for one in panel if one["patient_id"] == pair.resident.id]
    assert (row["level"], row["automation"], row["level_change"]) == (None, False, None)
    seen = ok(pair.ask(pair.doctor, "GET", f"/v1/doctor/patients/{pair.resident.id}"))
    assert (seen["prompt"]["level"], seen["prompt"]["automation"]) == (None, False)
    assert "switched" in seen["prompt"]["reason"]["en"]


def test_a_code_looks_alike_whether_levels_are_switched_off(pair: Pair, here: Town) -> None:
    """P8: whoever is shown the code learns nothing of it, byte for byte."""
    high(pair)
    seen = []
    for on in (True, False):
        pair.me("PUT", "/prompt/automation", {"on": on})
        shown = pair.me("GET", "/code")
        answer = here.doors.post("/v1/verify", json={"token": shown["token"]})
        seen.append((answer.content, len(shown["token"]), len(shown["qr_svg"]) // 1000))
    assert seen[0][0] == seen[1][0]
    assert seen[0][1] == seen[1][1]


def test_a_guardian_appeals_for_a_child(pair: Pair) -> None:
    child = begin(pair.town, pair.resident)
    reading = observation({"body_weight": 33}, CLOCK.now.isoformat())
    record = ok(child.ask("POST", "/records", {"records": [reading]}))["results"][0]["id"]
    body = {"about": {"record": record}, "reason": REASON, "for_doctor": False}
    filed = ok(child.ask("POST", "/appeals", body), 201)
    assert ok(child.ask("GET", "/appeals"))["items"] == [filed]
    assert ok(child.ask("PUT", "/prompt/automation", {"on": False}))["on"] is False
    assert ok(child.ask("GET", "/prompt"))["automation"] is False
    assert child.ask("GET", f"/explanations/{uuid4()}").status_code == 404
    # Another resident is nobody to this child.
    wei = pair.town.resident(f"wei-{next(LOGINS)}")
    assert child.by(wei).ask("GET", "/appeals").status_code == 404
    entries = ok(child.ask("GET", "/access-log?limit=100"))["items"]
    assert len([one for one in entries if one["action"] == "write"]) >= 3
