"""The rates of a panel over HTTP: numbers, who is behind them, and who is told of the look."""

from collections.abc import Iterator
from typing import Any

import pytest

from service.api.doctor import indicators
from service.kit.settings import Settings
from tests.conftest import MovingClock
from tests.family_room import ok
from tests.house_room import Person, Town, town

CLASSES = ["body", "screening", "conditions"]
QUARTERS = ("2026-02-03", "2026-05-06", "2026-08-04", "2026-11-05")


@pytest.fixture
def here(settings: Settings, clock: MovingClock) -> Iterator[Town]:
    with town(settings, clock) as opened:
        yield opened


def sign(here: Town, who: Person, doctor: Person, classes: list[str]) -> str:
    wish = {"doctor_id": doctor.id, "package": "basic", "data_classes": classes}
    signed = ok(here.doors.post("/v1/me/contract", json=wish, headers=who.headers), 201)
    return str(signed["grant_id"])


def ill(here: Town, login: str, name: str, code: str = "hypertension") -> Person:
    person = here.resident(login, name=name, birth_date="1970-05-17")
    stated = {"kind": "condition", "code": code, "start": "2019-01-01T08:00:00+08:00"}
    ok(here.doors.post("/v1/me/records", json={"records": [stated]}, headers=person.headers))
    return person


def visit(here: Town, doctor: Person, who: Person, day: str, **values: float) -> None:
    record = {"kind": "observation", "start": f"{day}T09:00:00+08:00", "values": values}
    address = f"/v1/doctor/patients/{who.id}/records"
    found = ok(here.doors.post(address, json={"records": [record]}, headers=doctor.headers))
    assert found["results"][0]["status"] == "created", found


def shares(here: Town, doctor: Person, **query: Any) -> dict[str, Any]:
    answer = here.doors.get("/v1/doctor/indicators", params=query, headers=doctor.headers)
    return ok(answer)


def of(found: dict[str, Any], condition: str) -> dict[str, Any]:
    (one,) = (one for one in found["conditions"] if one["condition"] == condition)
    return dict(one)


def looks(here: Town, who: Person) -> list[dict[str, Any]]:
    items = ok(here.doors.get("/v1/me/access-log", headers=who.headers))["items"]
    return [one for one in items if one["action"] == "read"]


@pytest.mark.parametrize("at_once", [1, 20])
def test_numbers_come_with_the_people_behind_them(
    here: Town, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(indicators, "AT_ONCE", at_once)
    zhou = here.doctor()
    good, rare = ill(here, "good", "安一"), ill(here, "rare", "白二")
    for who in (good, rare):
        sign(here, who, zhou, CLASSES)
    well = here.resident("well", name="陈三")
    sign(here, well, zhou, CLASSES)
    for day in QUARTERS:
        visit(here, zhou, good, day, systolic_bp=126, diastolic_bp=80)
    visit(here, zhou, rare, "2026-03-03", systolic_bp=128, diastolic_bp=82)
    visit(here, zhou, rare, "2026-09-09", systolic_bp=166, diastolic_bp=98)
    # What is measured at home is no follow-up.
    home = {
        "kind": "observation",
        "start": "2026-11-18T08:00:00+08:00",
        "values": {"systolic_bp": 120, "diastolic_bp": 76},
    }
    ok(here.doors.post("/v1/me/records", json={"records": [home]}, headers=rare.headers))
    found = shares(here, zhou)
    assert (found["year"], found["patients"]) == (2026, 3)
    pressure = of(found, "hypertension")
    assert pressure["norm_rate"] == {"numerator": 1, "denominator": 2, "value": 0.5}
    assert pressure["control_rate"] == {"numerator": 1, "denominator": 2, "value": 0.5}
    assert [
        (one["name"], one["visits"], one["managed_to_norm"], one["controlled"])
        for one in pressure["patients"]
    ] == [("安一", 4, True, True), ("白二", 2, False, False)]
    assert pressure["source"]
    assert pressure["untold"] == 0
    glucose = of(found, "diabetes")
    assert glucose["norm_rate"] == {"numerator": 0, "denominator": 0, "value": None}
    earlier = of(shares(here, zhou, year=2025), "hypertension")
    assert earlier["norm_rate"]["numerator"] == 0
    assert [one["visits"] for one in earlier["patients"]] == [0, 0]


def test_whose_grant_does_not_tell_is_in_no_number(here: Town) -> None:
    zhou = here.doctor()
    closed, windowed = ill(here, "closed", "安一"), ill(here, "windowed", "白二")
    sign(here, closed, zhou, ["body"])
    grant = sign(here, windowed, zhou, CLASSES)
    body = {
        "grantee": {"kind": "practitioner", "id": zhou.id},
        "purposes": ["care"],
        "data_classes": ["profile", *CLASSES],
        "separate_consent": True,
        "observations_from": "2026-10-01",
    }
    ok(here.doors.put(f"/v1/me/grants/{grant}", json=body, headers=windowed.headers))
    found = of(shares(here, zhou), "hypertension")
    assert (found["untold"], found["patients"]) == (2, [])


def test_everybody_looked_through_is_told_and_nobody_else_is_seen(here: Town) -> None:
    zhou, other = here.doctor(), here.doctor("dr.wang")
    mine, theirs = ill(here, "mine", "安一"), ill(here, "theirs", "白二")
    sign(here, mine, zhou, CLASSES)
    contract = sign(here, theirs, other, CLASSES)
    assert contract
    before = [len(looks(here, who)) for who in (mine, theirs)]
    found = shares(here, zhou)
    assert found["patients"] == 1
    assert [len(looks(here, who)) for who in (mine, theirs)] == [before[0] + 1, before[1]]
    entry = looks(here, mine)[0]
    assert {"conditions", "body"} <= set(entry["data_classes"])
    # What is taken back is gone with the next request.
    ok(here.doors.delete("/v1/me/contract", headers=mine.headers))
    assert shares(here, zhou)["patients"] == 0


def test_a_year_out_of_range_is_refused(here: Town) -> None:
    zhou = here.doctor()
    for year in ("1999", "x", "99999"):
        answer = here.doors.get(
            "/v1/doctor/indicators", params={"year": year}, headers=zhou.headers
        )
        assert answer.status_code == 400, answer.text
