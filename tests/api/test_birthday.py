"""The fourteenth birthday: to the microsecond, where the child lives, and never moved away."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from service.kit.settings import Settings
from tests.conftest import MovingClock
from tests.family_room import Child, begin, claim, ok, refused
from tests.house_room import Town, town
from tests.record_room import pressure

MICROSECOND = timedelta(microseconds=1)
RESTS = ("", "/records", "/prompt", "/grants", "/access-log", "/code")


@pytest.fixture
def here(settings: Settings, clock: MovingClock) -> Iterator[Town]:
    with town(settings, clock) as opened:
        yield opened


def midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, datetime.min.time(), ZoneInfo(zone)).astimezone(UTC)


@pytest.mark.parametrize(
    ("born", "zone", "birthday"),
    [
        ("2012-11-25", "Asia/Shanghai", date(2026, 11, 25)),
        ("2012-11-25", "America/New_York", date(2026, 11, 25)),
        # Born on a leap day: the birthday of a common year is 1 March.
        ("2016-02-29", "Asia/Shanghai", date(2030, 3, 1)),
    ],
)
def test_a_guardian_is_one_until_the_very_midnight(
    here: Town, clock: MovingClock, born: str, zone: str, birthday: date
) -> None:
    here.resident("mother")
    child = begin(here, here.sign_in("mother"), birth_date=born, zone=zone)
    end = midnight(birthday, zone)
    assert child.until() == end
    clock.now = end - MICROSECOND
    child = child.by(here.sign_in("mother"))
    ok(child.ask("POST", "/records", {"records": [pressure(99, 61, "2026-11-19T08:00:00+08:00")]}))
    clock.now = end
    for rest in RESTS:
        problem = refused(child.ask("GET", rest), 403, "guardian-ended")
        assert problem["detail"].startswith("孩子已满十四周岁")
    for method, rest in (("DELETE", "/file"), ("POST", "/guardians"), ("DELETE", "")):
        refused(child.ask(method, rest), 403, "guardian-ended")
    # A record that is refused changes nothing: what was kept is there for the young person.
    refused(child.ask("POST", "/records", {"records": [pressure()]}), 403, "guardian-ended")
    (mine,) = ok(here.doors.get("/v1/me/children", headers=child.guardian.headers))["items"]
    assert mine["of_age"] is True


def begun(here: Town, clock: MovingClock) -> Child:
    """A child of thirteen, one minute before the birthday, with a record in the file."""
    here.resident("mother", name="林梅")
    child = begin(here, here.sign_in("mother"), birth_date="2012-11-25")
    ok(child.ask("POST", "/records", {"records": [pressure(99, 61, "2026-11-19T08:00:00+08:00")]}))
    clock.now = midnight(date(2026, 11, 25), "Asia/Shanghai") - timedelta(minutes=1)
    return child.by(here.sign_in("mother"))


def test_the_young_person_takes_over_what_was_kept(here: Town, clock: MovingClock) -> None:
    child = begun(here, clock)
    # A code that was made before the birthday opens nothing before it.
    code = ok(child.ask("POST", "/handover"), 201)["code"]
    early = ok(claim(here, code, "le"), 422)["errors"]
    assert [(one["pointer"], one["code"]) for one in early] == [("/code", "too-young")]
    clock.advance(timedelta(minutes=1))
    assert ok(claim(here, code, "le"), 201)["resident_id"] == child.id
    young = here.sign_in("le")
    assert young.id == child.id
    own = here.doors.get("/v1/me/records", headers=young.headers)
    assert [one["values"]["systolic_bp"] for one in ok(own)["items"]] == [99]
    assert ok(here.doors.get("/v1/me/guardians", headers=young.headers))["items"][0]["ended_at"]
    ok(here.doors.patch("/v1/me", json={"contact": "1"}, headers=young.headers))
    names = {
        one["actor"]["name"]
        for one in ok(here.doors.get("/v1/me/access-log", headers=young.headers))["items"]
    }
    assert names == {"林梅"}
    # The guardian hears why, has nothing left, and the code is spent.
    refused(child.ask("GET"), 403, "guardian-ended")
    mine = here.doors.get("/v1/me/children", headers=child.guardian.headers)
    assert ok(mine)["items"] == []
    ok(child.ask("POST", "/handover"), 404)
    ok(claim(here, code, "somebody"), 422)


def test_a_former_guardian_can_hand_over_and_nothing_else(here: Town, clock: MovingClock) -> None:
    child = begun(here, clock)
    father = child.joined_by(here.resident("father"))
    clock.advance(timedelta(days=400))
    child, father = child.by(here.sign_in("mother")), father.by(here.sign_in("father"))
    refused(father.ask("GET"), 403, "guardian-ended")
    ok(child.by(here.resident("stranger")).ask("POST", "/handover"), 404)
    first = ok(child.ask("POST", "/handover"), 201)["code"]
    second = ok(father.ask("POST", "/handover"), 201)["code"]
    # The newest code is the one that works.
    ok(claim(here, first, "le"), 422)
    # A login that is taken looks like success, and the code stays good.
    assert ok(claim(here, second, "mother"), 201) == {"resident_id": child.id}
    assert here.sign_in("mother").id == child.guardian.id
    ok(claim(here, second, "le"), 201)
    young = here.sign_in("le")
    log = ok(here.doors.get("/v1/me/access-log", headers=young.headers))["items"]
    made = [one for one in log if one["action"] == "manage" and one["decision"] == "allow"]
    assert {child.guardian.id, father.guardian.id} <= {one["actor"]["id"] for one in made}


def test_no_guardian_stays_longer_by_another_birth_date(here: Town, clock: MovingClock) -> None:
    here.resident("mother")
    child = begin(here, here.sign_in("mother"), birth_date="2016-03-09")
    first = child.until()

    def amended(**changes: str) -> datetime:
        ok(child.ask("PATCH", "", changes))
        return child.until()

    for later in ({"birth_date": "2020-03-09"}, {"birth_date": "2016-03-10"}):
        assert amended(**later) == first
    assert ok(child.ask("GET"))["birth_date"] == "2016-03-10"
    # West of the city the day begins later; that is no way to stay guardian either.
    assert amended(zone="America/Los_Angeles") == first
    # It may end earlier, and a slip of the pen may be taken back up to the first date.
    assert amended(zone="Asia/Shanghai", birth_date="2015-03-09") == first.replace(year=2029)
    assert amended(birth_date="2016-03-09") == first
    grown = child.ask("PATCH", "", {"birth_date": "2012-01-01"})
    assert [one["code"] for one in ok(grown, 422)["errors"]] == ["not-a-child"]
    assert child.until() == first
    # Another guardian inherits the same end.
    assert child.joined_by(here.resident("father")).until() == first
    clock.now = first
    refused(child.by(here.sign_in("mother")).ask("GET"), 403, "guardian-ended")


def test_a_doctor_keeps_the_childs_grant_until_the_young_person_decides(
    here: Town, clock: MovingClock
) -> None:
    child = begun(here, clock)
    doctor = here.doctor()
    wished = {"doctor_id": doctor.id, "package": "basic", "data_classes": ["body"]}
    ok(child.ask("POST", "/contract", wished), 201)
    code = ok(child.ask("POST", "/handover"), 201)["code"]
    clock.advance(timedelta(minutes=2))
    patient = f"/v1/doctor/patients/{child.id}"
    ok(here.doors.get(patient, headers=doctor.headers))
    ok(claim(here, code, "le"), 201)
    ok(here.doors.get(patient, headers=doctor.headers))
    ended = here.doors.delete("/v1/me/contract", headers=here.sign_in("le").headers)
    assert ok(ended)["status"] == "ended"
    refused(here.doors.get(patient, headers=doctor.headers), 403, "withdrawn")
