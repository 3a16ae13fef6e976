"""Break-glass over HTTP, and attacks on it: what an emergency opens, to whom, and until when."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.conftest import MovingClock
from tests.emergency_room import (
    HOURS,
    LOGINS,
    REASON,
    RECORD,
    again,
    break_glass,
    clinic_of,
    entries,
    look,
    notices,
    ok,
    without_id,
)
from tests.house_room import Person, Town

DAY = timedelta(hours=24)


def test_an_emergency_opens_the_record_and_the_resident_hears_of_it(
    here: Town, lin: Person, doctor: Person
) -> None:
    assert look(here, doctor, lin.id).status_code == 404
    opened = ok(break_glass(here, doctor, lin.id), 201)
    assert opened["patient_id"] == lin.id
    assert opened["closed_at"] is None
    seen = ok(look(here, doctor, lin.id))
    assert (seen["profile"]["name"], seen["prompt"]["level"]) == ("林梅", 5)
    assert ok(look(here, doctor, lin.id, "/series/heart_rate"))["v"] == [171]
    page = ok(look(here, doctor, lin.id, "/records"))
    assert page["items"][0]["values"] == {"systolic_bp": 192, "diastolic_bp": 118}
    (told,) = notices(here, lin)
    assert (told["kind"], told["about"], told["read"]) == (
        "emergency-opened",
        opened["session_id"],
        False,
    )
    assert all(REASON in told["text"][tongue] for tongue in ("zh", "en"))
    assert "周医生" in told["text"]["zh"]
    logged = entries(here, lin)
    assert [one["purpose"] for one in logged] == ["emergency"] * 4 + ["care"]
    assert {one["rule"] for one in logged[:4]} == {"break-glass"}
    assert [one["data_classes"] for one in logged][3] == []
    mode = ok(here.doors.get("/v1/me/emergency", headers=lin.headers))
    assert mode["allowed"] is True
    (session,) = mode["sessions"]
    assert (session["session_id"], session["reason"]) == (opened["session_id"], REASON)


def test_a_notice_is_read_once_and_stays(here: Town, lin: Person, doctor: Person) -> None:
    ok(break_glass(here, doctor, lin.id), 201)
    (told,) = notices(here, lin)
    for _ in range(2):
        address = f"/v1/me/notices/{told['id']}/read"
        assert ok(here.doors.post(address, headers=lin.headers))["read"] is True
    assert [one["read"] for one in notices(here, lin)] == [True]
    other = here.resident(f"lin-{next(LOGINS)}")
    assert here.doors.post(address, headers=other.headers).status_code == 404
    assert notices(here, other) == []


def test_grade_5_stays_closed_in_an_emergency(here: Town, lin: Person, doctor: Person) -> None:
    ok(break_glass(here, doctor, lin.id), 201)
    for rest in ("", "/records"):
        answer = look(here, doctor, lin.id, rest)
        closed = {one["data_class"]: one["rule"] for one in ok(answer)["withheld"]}
        assert closed == {"infectious": "break-glass-grade-5", "genetic": "break-glass-grade-5"}
        assert "hiv" not in answer.text
    asked = look(here, doctor, lin.id, "/records?measure=hiv_screen")
    assert ok(asked, 403)["rule"] == "break-glass-grade-5"


def test_nothing_is_written_in_an_emergency(here: Town, lin: Person, doctor: Person) -> None:
    ok(break_glass(here, doctor, lin.id), 201)
    written = here.doors.post(
        f"/v1/doctor/patients/{lin.id}/records", json={"records": [RECORD]}, headers=doctor.headers
    )
    assert ok(written, 403)["rule"] == "no-grant"
    kept = ok(here.doors.get("/v1/me/records", headers=lin.headers))["items"]
    assert len(kept) == 1


def test_the_four_hours_end_to_the_second(
    here: Town, lin: Person, doctor: Person, clock: MovingClock
) -> None:
    start = clock.now
    try:
        ok(break_glass(here, doctor, lin.id), 201)
        clock.now = start + HOURS - timedelta(seconds=1)
        ok(look(here, here.strong(doctor), lin.id))
        clock.now = start + HOURS
        late = here.strong(doctor)
        refused = ok(look(here, late, lin.id), 403)
        assert refused["rule"] == "break-glass-over"
        assert refused["detail"]
        assert refused["advice"]
        # Opening anew is a new emergency: told, reviewed, four hours from then on.
        ok(break_glass(here, late, lin.id), 201)
        ok(look(here, late, lin.id))
        assert len(notices(here, again(here, clock, lin))) == 2
    finally:
        clock.now = start


def test_a_second_opening_neither_prolongs_nor_hides_the_first(
    here: Town, lin: Person, doctor: Person, clock: MovingClock
) -> None:
    start = clock.now
    try:
        first = ok(break_glass(here, doctor, lin.id), 201)
        clock.now = start + timedelta(hours=3)
        twice = ok(break_glass(here, here.strong(doctor), lin.id, REASON[::-1]), 409)
        assert twice["code"] == "emergency-open"
        logged = entries(here, again(here, clock, lin))
        assert [(one["actor"]["id"], one["purpose"]) for one in logged] == [
            (doctor.id, "emergency")
        ] * 2
        (session,) = ok(
            here.doors.get("/v1/me/emergency", headers=again(here, clock, lin).headers)
        )["sessions"]
        assert (session["ends_at"], session["reason"]) == (first["ends_at"], REASON)
    finally:
        clock.now = start


def test_a_password_alone_breaks_no_glass_and_learns_of_nobody(here: Town, lin: Person) -> None:
    weak = here.doctor(f"dr-{next(LOGINS)}")
    there, nowhere = break_glass(here, weak, lin.id), break_glass(here, weak, str(uuid4()))
    assert ok(there, 403)["rule"] == "break-glass-needs-acr"
    assert without_id(there) == without_id(nowhere)
    assert notices(here, lin) == []
    assert [(one["decision"], one["rule"]) for one in entries(here, lin)] == [
        ("deny", "break-glass-needs-acr")
    ]


def test_a_session_is_of_no_use_to_a_weaker_sign_in(
    here: Town, lin: Person, doctor: Person
) -> None:
    """A thief of the password opens nothing in the session that the doctor opened properly."""
    ok(break_glass(here, doctor, lin.id), 201)
    token = here.house.tokens.issue(
        subject=UUID(doctor.id),
        audience="doctor",
        scope=frozenset({"patients"}),
        auth_time=here.house.clock(),
        acr=1,
        family=uuid4(),
        now=here.house.clock(),
    )
    weak = Person(doctor.id, doctor.login, token, None)
    assert ok(look(here, weak, lin.id), 403)["rule"] == "break-glass-needs-acr"


def test_nobody_and_somebody_erased_look_alike(here: Town, lin: Person, doctor: Person) -> None:
    gone = here.resident(f"lin-{next(LOGINS)}")
    ok(here.doors.delete("/v1/me", headers=gone.headers))
    erased, nobody = break_glass(here, doctor, gone.id), break_glass(here, doctor, str(uuid4()))
    assert erased.status_code == 404
    assert without_id(erased) == without_id(nobody)
    assert break_glass(here, doctor, "no-id").status_code == 404


def test_not_even_in_an_emergency(here: Town, lin: Person, doctor: Person) -> None:
    ok(break_glass(here, doctor, lin.id), 201)
    ok(look(here, doctor, lin.id))
    mode = ok(here.doors.put("/v1/me/emergency", json={"allowed": False}, headers=lin.headers))
    assert mode == {"allowed": False, "sessions": []}
    assert ok(look(here, doctor, lin.id), 403)["rule"] == "no-grant"
    assert ok(break_glass(here, doctor, lin.id), 403)["rule"] == "break-glass-refused"
    # Allowing it again does not bring the old session back.
    ok(here.doors.put("/v1/me/emergency", json={"allowed": True}, headers=lin.headers))
    assert ok(look(here, doctor, lin.id), 403)["rule"] == "no-grant"
    ok(break_glass(here, doctor, lin.id), 201)
    ok(look(here, doctor, lin.id))


def test_an_old_sign_in_opens_nothing_however_strong_it_was(
    here: Town, lin: Person, doctor: Person, clock: MovingClock
) -> None:
    """So a stolen refresh token of a strong sign-in is no key to everybody's record."""
    start = clock.now
    try:
        clock.now = start + timedelta(minutes=5)
        first = ok(break_glass(here, doctor, lin.id), 201)
        clock.now = start + timedelta(minutes=5, seconds=1)
        # A session that was opened properly goes on without a proof every five minutes.
        ok(look(here, doctor, lin.id))
        ok(here.doors.delete(f"/v1/doctor/patients/{lin.id}/emergency", headers=doctor.headers))
        there, nowhere = break_glass(here, doctor, lin.id), break_glass(here, doctor, str(uuid4()))
        assert ok(there, 403)["code"] == "step-up-required"
        assert without_id(there) == without_id(nowhere)
        assert "max_age" in there.headers["www-authenticate"]
        logged = entries(here, lin)
        assert (logged[0]["decision"], logged[0]["rule"]) == ("deny", "break-glass-needs-step-up")
        (told,) = notices(here, lin)
        assert told["about"] == first["session_id"]
    finally:
        clock.now = start


@pytest.mark.parametrize("reason", ["🚑" * 500, "\u0001" * 500])
def test_the_longest_reason_fits(here: Town, lin: Person, doctor: Person, reason: str) -> None:
    ok(break_glass(here, doctor, lin.id, reason), 201)
    (session,) = ok(here.doors.get("/v1/me/emergency", headers=lin.headers))["sessions"]
    assert session["reason"] == reason


@pytest.mark.parametrize("who", ["resident", "doctor"])
def test_either_ends_it_on_the_next_request(
    here: Town, lin: Person, doctor: Person, who: str
) -> None:
    opened = ok(break_glass(here, doctor, lin.id), 201)
    ok(look(here, doctor, lin.id))
    mine = f"/v1/me/emergency/{opened['session_id']}"
    if who == "resident":
        for _ in range(2):
            assert ok(here.doors.delete(mine, headers=lin.headers))["closed_at"] is not None
    else:
        address = f"/v1/doctor/patients/{lin.id}/emergency"
        ok(here.doors.delete(address, headers=doctor.headers))
        assert here.doors.delete(address, headers=doctor.headers).status_code == 404
    assert ok(look(here, doctor, lin.id), 403)["rule"] == "no-grant"
    assert ok(here.doors.get("/v1/me/emergency", headers=lin.headers))["sessions"] == []


def test_a_session_opens_nothing_of_anybody_else_and_to_nobody_else(
    here: Town, lin: Person, doctor: Person
) -> None:
    opened = ok(break_glass(here, doctor, lin.id), 201)
    wei = here.resident(f"lin-{next(LOGINS)}")
    colleague = here.strong(here.doctor(f"dr-{next(LOGINS)}"))
    assert look(here, doctor, wei.id).status_code == 404
    assert look(here, colleague, lin.id).status_code == 404
    address = f"/v1/doctor/patients/{lin.id}/emergency"
    assert here.doors.delete(address, headers=colleague.headers).status_code == 404
    stopped = here.doors.delete(f"/v1/me/emergency/{opened['session_id']}", headers=wei.headers)
    assert stopped.status_code == 404
    ok(look(here, doctor, lin.id))


@pytest.mark.parametrize("how", ["deny-all", "clinic", "care only"])
def test_a_refusal_wins_over_an_emergency(
    here: Town, lin: Person, doctor: Person, how: str
) -> None:
    ok(break_glass(here, doctor, lin.id), 201)
    if how == "deny-all":
        ok(here.doors.put("/v1/me/deny-all", json={"on": True}, headers=lin.headers))
    else:
        purposes = ["care"] if how == "care only" else []
        deny = {"purposes": purposes, "data_classes": [], "deny": True}
        grantee = {"kind": "practitioner", "id": doctor.id}
        if how == "clinic":
            known = ok(here.doors.get("/v1/me/doctors?limit=1000", headers=lin.headers))["items"]
            assert doctor.id in {one["id"] for one in known}
            grantee = {"kind": "clinic", "id": clinic_of(here, doctor)}
        wish = {"grantee": grantee, **deny}
        ok(here.doors.post("/v1/me/grants", json=wish, headers=lin.headers), 201)
    rule = "deny-all" if how == "deny-all" else "explicit-deny"
    assert ok(look(here, doctor, lin.id), 403)["rule"] == rule
    other = here.strong(here.doctor(f"dr-{next(LOGINS)}"))
    if how != "care only":
        assert ok(break_glass(here, other, lin.id), 403)["rule"] == rule


def test_a_signed_doctor_sees_more_in_an_emergency_and_no_less_after_it(
    here: Town, lin: Person, doctor: Person
) -> None:
    wish = {"doctor_id": doctor.id, "package": "basic", "data_classes": ["lifestyle"]}
    ok(here.doors.post("/v1/me/contract", json=wish, headers=lin.headers), 201)
    assert ok(look(here, doctor, lin.id))["prompt"]["level"] is None
    ok(break_glass(here, doctor, lin.id), 201)
    assert ok(look(here, doctor, lin.id))["prompt"]["level"] == 5
    address = f"/v1/doctor/patients/{lin.id}/emergency"
    ok(here.doors.delete(address, headers=doctor.headers))
    assert ok(look(here, doctor, lin.id))["prompt"]["level"] is None
    rules = [one["rule"] for one in entries(here, lin)]
    assert rules == ["signed-doctor", "break-glass", "break-glass", "signed-doctor"]


@pytest.mark.parametrize("reason", ["too short", " " * 40, "x" * 501, 7, None])
def test_an_emergency_needs_a_reason(here: Town, lin: Person, doctor: Person, reason: Any) -> None:
    told = break_glass(here, doctor, lin.id, reason)
    assert told.status_code == 422
    assert notices(here, lin) == []
    assert look(here, doctor, lin.id).status_code == 404


def test_two_openings_at_once_are_one(here: Town, lin: Person, doctor: Person) -> None:
    address = f"/v1/doctor/patients/{lin.id}/emergency"
    call = ("POST", address, {"json": {"reason": REASON}, "headers": doctor.headers})
    answers = here.doors.together([call] * 6)
    assert sorted(one.status_code for one in answers) == [201, *[409] * 5]
    assert len(notices(here, lin)) == 1
