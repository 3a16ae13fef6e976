"""The level a doctor sees is held like the resident's, and what is held tells of nothing closed."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from service.kit.settings import Settings
from tests.conftest import MovingClock
from tests.house_room import Person, Town, town

CALM, HIGH = (118, 76), (165, 102)
CLASSES = ["body", "screening", "lifestyle", "conditions"]
WINDOW_FROM = "2020-01-01"


@pytest.fixture
def here(settings: Settings, clock: MovingClock) -> Iterator[Town]:
    with town(settings, clock) as opened:
        yield opened


def log(here: Town, who: Person, clock: MovingClock, **record: Any) -> str:
    """A record of now; its id."""
    whole = {"id": str(uuid4()), "kind": "observation", "start": clock().isoformat(), **record}
    answer = here.doors.post("/v1/me/records", json={"records": [whole]}, headers=who.headers)
    assert answer.json()["results"][0]["status"] in ("created", "updated"), answer.text
    return str(whole["id"])


def pressure(pair: tuple[int, int]) -> dict[str, int]:
    return dict(zip(("systolic_bp", "diastolic_bp"), pair, strict=True))


def measure(here: Town, who: Person, clock: MovingClock, pair: tuple[int, int]) -> list[str]:
    """A pressure of now as it is to be taken: two readings, and their ids."""
    earlier = (clock() - timedelta(minutes=1)).isoformat()
    return [
        log(here, who, clock, values=pressure(pair), start=earlier),
        log(here, who, clock, values=pressure(pair)),
    ]


def sign(here: Town, who: Person, doctor: Person, classes: list[str]) -> dict[str, Any]:
    wish = {"doctor_id": doctor.id, "package": "basic", "data_classes": classes}
    answer = here.doors.post("/v1/me/contract", json=wish, headers=who.headers)
    assert answer.status_code == 201, answer.text
    signed: dict[str, Any] = answer.json()
    return signed


def unchanged(here: Town, who: Person, record: str) -> dict[str, str]:
    """Headers under which a record may be corrected."""
    answer = here.doors.get(f"/v1/me/records/{record}", headers=who.headers)
    return who.headers | {"if-match": answer.headers["etag"]}


def remove(here: Town, who: Person, record: str) -> None:
    headers = unchanged(here, who, record)
    answer = here.doors.delete(f"/v1/me/records/{record}", headers=headers)
    assert answer.status_code == 204, answer.text


def own(here: Town, who: Person) -> int | None:
    level: int | None = here.doors.get("/v1/me/prompt", headers=who.headers).json()["level"]
    return level


def seen(here: Town, doctor: Person, who: Person) -> int | None:
    """The level on the panel, which the page of the patient must tell too."""
    (row,) = here.doors.get("/v1/doctor/panel", headers=doctor.headers).json()["items"]
    page = here.doors.get(f"/v1/doctor/patients/{who.id}", headers=doctor.headers).json()
    assert page["prompt"]["level"] == row["level"]
    assert page["prompt"]["explanation"] is None
    level: int | None = row["level"]
    return level


def test_a_doctor_sees_the_level_held_until_it_falls_for_the_resident(
    here: Town, clock: MovingClock
) -> None:
    lin, zhou = here.resident(), here.doctor()
    sign(here, lin, zhou, CLASSES)
    measure(here, lin, clock, HIGH)
    high = own(here, lin)
    assert seen(here, zhou, lin) == high
    clock.advance(timedelta(days=10))
    lin, zhou = here.sign_in("lin"), here.strong(zhou)
    measure(here, lin, clock, CALM)
    assert own(here, lin) == seen(here, zhou, lin) == high
    page = here.doors.get(f"/v1/doctor/patients/{lin.id}", headers=zhou.headers).json()
    assert page["prompt"]["pending"]["level"] < high
    clock.advance(timedelta(days=14))
    lin, zhou = here.sign_in("lin"), here.strong(zhou)
    fallen = own(here, lin)
    assert fallen == seen(here, zhou, lin)
    assert fallen is not None
    assert high is not None
    assert fallen < high


@pytest.mark.parametrize("how", ["delete", "replace", "log-again"])
def test_a_correction_ends_the_hold_for_the_doctor_too(
    here: Town, clock: MovingClock, how: str
) -> None:
    lin, zhou = here.resident(), here.doctor()
    sign(here, lin, zhou, CLASSES)
    start = clock().isoformat()
    wrong = measure(here, lin, clock, HIGH)
    high = seen(here, zhou, lin)
    clock.advance(timedelta(days=10))
    lin, zhou = here.sign_in("lin"), here.strong(zhou)
    measure(here, lin, clock, CALM)
    assert seen(here, zhou, lin) == high
    for one in wrong:
        right = {"id": one, "kind": "observation", "start": start, "values": pressure(CALM)}
        if how == "delete":
            remove(here, lin, one)
        elif how == "replace":
            headers = unchanged(here, lin, one)
            answer = here.doors.put(f"/v1/me/records/{one}", json=right, headers=headers)
            assert answer.status_code == 200, answer.text
        else:
            log(here, lin, clock, **right)
    assert own(here, lin) == seen(here, zhou, lin)
    assert seen(here, zhou, lin) != high


def test_what_a_closed_class_made_worse_is_held_for_nobody_but_the_resident(
    here: Town, clock: MovingClock
) -> None:
    lin, zhou = here.resident(), here.doctor()
    sign(here, lin, zhou, ["body"])
    measure(here, lin, clock, CALM)
    plain = seen(here, zhou, lin)
    wrong = log(here, lin, clock, values={"glucose_fasting": 9.5, "hba1c": 9.0})
    worse = own(here, lin)
    assert worse is not None
    assert plain is None or worse > plain
    assert seen(here, zhou, lin) == plain
    # The closed class gets better, and is corrected: the doctor sees none of it.
    clock.advance(timedelta(days=5))
    lin, zhou = here.sign_in("lin"), here.strong(zhou)
    log(here, lin, clock, values={"glucose_fasting": 5.0, "hba1c": 5.2})
    assert own(here, lin) == worse
    assert seen(here, zhou, lin) == plain
    remove(here, lin, wrong)
    assert seen(here, zhou, lin) == plain


def test_a_correction_in_a_closed_class_does_not_end_what_an_open_one_holds(
    here: Town, clock: MovingClock
) -> None:
    lin, zhou = here.resident(), here.doctor()
    sign(here, lin, zhou, ["body"])
    hidden = log(here, lin, clock, values={"glucose_fasting": 9.5})
    measure(here, lin, clock, HIGH)
    high = seen(here, zhou, lin)
    clock.advance(timedelta(days=10))
    lin, zhou = here.sign_in("lin"), here.strong(zhou)
    measure(here, lin, clock, CALM)
    remove(here, lin, hidden)
    # The fall would tell of the correction.
    assert seen(here, zhou, lin) == high


@pytest.mark.parametrize("window", [False, True])
def test_a_changed_grant_holds_nothing_of_what_it_opened_before(
    here: Town, clock: MovingClock, window: bool
) -> None:
    lin, zhou = here.resident(), here.doctor()
    grant = sign(here, lin, zhou, ["body", "screening"])["grant_id"]
    measure(here, lin, clock, CALM)
    log(here, lin, clock, values={"glucose_fasting": 9.5, "hba1c": 9.0})
    worse = seen(here, zhou, lin)
    clock.advance(timedelta(days=5))
    lin, zhou = here.sign_in("lin"), here.strong(zhou)
    log(here, lin, clock, values={"glucose_fasting": 5.0, "hba1c": 5.2})
    assert seen(here, zhou, lin) == worse
    body: dict[str, Any] = {
        "grantee": {"kind": "practitioner", "id": zhou.id},
        "purposes": ["care"],
        "data_classes": ["profile", "body", *(["screening"] if window else [])],
        "separate_consent": True,
    }
    if window:
        body["observations_from"] = WINDOW_FROM
    answer = here.doors.put(f"/v1/me/grants/{grant}", json=body, headers=lin.headers)
    assert answer.status_code == 200, answer.text
    assert own(here, lin) == worse
    assert seen(here, zhou, lin) != worse


def test_within_a_window_nothing_is_held(here: Town, clock: MovingClock) -> None:
    """Else a fall before its time would tell that a reading outside was corrected."""
    lin, zhou = here.resident(), here.doctor()
    grant = sign(here, lin, zhou, ["body"])["grant_id"]
    body = {
        "grantee": {"kind": "practitioner", "id": zhou.id},
        "purposes": ["care"],
        "data_classes": ["profile", "body"],
        "separate_consent": True,
        "observations_from": WINDOW_FROM,
    }
    answer = here.doors.put(f"/v1/me/grants/{grant}", json=body, headers=lin.headers)
    assert answer.status_code == 200, answer.text
    measure(here, lin, clock, HIGH)
    high = seen(here, zhou, lin)
    assert own(here, lin) == high
    clock.advance(timedelta(days=10))
    lin, zhou = here.sign_in("lin"), here.strong(zhou)
    measure(here, lin, clock, CALM)
    assert own(here, lin) == high
    assert seen(here, zhou, lin) != high
