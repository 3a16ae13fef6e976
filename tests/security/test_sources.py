"""Who may say that a practitioner entered something: a practitioner, and nobody else."""

from collections.abc import Iterator
from typing import Any

import pytest

from service.kit.settings import Settings
from tests.conftest import MovingClock
from tests.family_room import begin, ok
from tests.house_room import Person, Town, town
from tests.record_room import pressure
from tests.standing_room import CLASSES

CLAIM = {"kind": "practitioner", "name": "周医生"}
FAULT = ("/records/0/source/kind", "source-of-staff")


@pytest.fixture
def here(settings: Settings, clock: MovingClock) -> Iterator[Town]:
    with town(settings, clock) as opened:
        yield opened


def logged(here: Town, who: Person, record: Any, path: str = "/v1/me") -> dict[str, Any]:
    answer = here.doors.post(f"{path}/records", json={"records": [record]}, headers=who.headers)
    found: dict[str, Any] = ok(answer)["results"][0]
    return found


def fault(result: dict[str, Any]) -> tuple[str, str]:
    (one,) = result["problem"]["errors"]
    return one["pointer"], one["code"]


def entered(here: Town, lin: Person) -> dict[str, Any]:
    """A record as the resident reads it, which their doctor entered."""
    zhou = here.doctor()
    wish = {"doctor_id": zhou.id, "package": "basic", "data_classes": CLASSES}
    ok(here.doors.post("/v1/me/contract", json=wish, headers=lin.headers), 201)
    patient = f"/v1/doctor/patients/{lin.id}"
    assert logged(here, zhou, pressure(168, 104), patient)["status"] == "created"
    (record,) = ok(here.doors.get("/v1/me/records", headers=lin.headers))["items"]
    assert record["source"] == CLAIM
    return dict(record)


def test_a_resident_claims_no_practitioner_for_a_record_or_a_series(here: Town) -> None:
    lin = here.resident("lin")
    result = logged(here, lin, pressure(118, 76, source=CLAIM))
    assert (result["status"], fault(result)) == ("rejected", FAULT)
    day = {"measure": "heart_rate", "day": "2026-11-19", "t": [60], "v": [71], "source": CLAIM}
    answer = here.doors.post("/v1/me/series", json={"series": [day]}, headers=lin.headers)
    (one,) = ok(answer)["results"]
    assert (one["status"], fault(one)) == (
        "rejected",
        ("/series/0/source/kind", "source-of-staff"),
    )
    assert ok(here.doors.get("/v1/me/records", headers=lin.headers))["items"] == []


def test_a_guardian_claims_none_for_a_child(here: Town) -> None:
    mei = here.resident("mei")
    child = begin(here, mei)
    result = logged(here, mei, pressure(118, 76, source=CLAIM), f"/v1/me/children/{child.id}")
    assert (result["status"], fault(result)) == ("rejected", FAULT)


def test_an_alarm_is_not_ended_by_who_it_is_about(here: Town) -> None:
    """A clinician's entry ends an alarm: a resident could have silenced their own."""
    lin = here.resident("lin")
    assert logged(here, lin, pressure(192, 118))["status"] == "created"
    assert ok(here.doors.get("/v1/me/prompt", headers=lin.headers))["level"] == 5
    later = "2026-11-20T08:30:00+08:00"
    forged = {"kind": "medication", "code": "antihypertensive", "start": later, "source": CLAIM}
    assert logged(here, lin, forged)["status"] == "rejected"
    assert ok(here.doors.get("/v1/me/prompt", headers=lin.headers))["level"] == 5


def test_what_a_practitioner_entered_is_sent_back_as_it_is_and_changed_as_ones_own(
    here: Town,
) -> None:
    lin = here.resident("lin")
    record = entered(here, lin)
    rev = record.pop("rev")
    address = f"/v1/me/records/{record['id']}"
    headers = {**lin.headers, "if-match": f'"{rev}"'}
    assert logged(here, lin, record)["status"] == "unchanged"
    assert ok(here.doors.put(address, json=record, headers=headers))["source"] == CLAIM
    better = {**record, "values": {"systolic_bp": 118, "diastolic_bp": 76}}
    assert fault(logged(here, lin, better)) == FAULT
    refused = ok(here.doors.put(address, json=better, headers=headers), 422)
    (one,) = refused["errors"]
    assert (one["pointer"], one["code"]) == ("/source/kind", "source-of-staff")
    own = {**better, "source": {"kind": "manual", "name": None}}
    assert ok(here.doors.put(address, json=own, headers=headers))["source"]["kind"] == "manual"
