"""When what a purpose means changes, older consent ends at its date until it is given again."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest

from service.grants import notices
from service.kit.settings import Settings
from tests.conftest import MovingClock
from tests.house_room import Person, Town, town

Publish = Callable[..., None]


@pytest.fixture
def here(settings: Settings, clock: MovingClock) -> Iterator[Town]:
    with town(settings, clock) as opened:
        yield opened


@pytest.fixture
def publish(monkeypatch: pytest.MonkeyPatch) -> Publish:
    """Put one more version of the care notice on the shelf, as a release of the service would."""

    def put(*, material: bool, effective: datetime | None = None) -> None:
        known = dict(notices.editions())
        newest = known["care"][-1]
        added = newest._replace(version="next", material=material, effective=effective)
        known["care"] = (*known["care"], added)
        monkeypatch.setattr(notices, "editions", lambda: known)

    return put


def ok(answer: httpx.Response, status: int = 200) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    document: dict[str, Any] = answer.json()
    return document


def signed(here: Town) -> tuple[Person, Person, dict[str, Any]]:
    """A resident who signed with a doctor, and the grant that came with it."""
    lin, zhou = here.resident(), here.doctor()
    contract = {"doctor_id": zhou.id, "package": "basic", "data_classes": ["body"]}
    ok(here.doors.post("/v1/me/contract", json=contract, headers=lin.headers), 201)
    return lin, zhou, ok(here.doors.get("/v1/me/grants", headers=lin.headers))["items"][0]


def grant_of(here: Town, lin: Person, grant: dict[str, Any]) -> dict[str, Any]:
    return ok(here.doors.get(f"/v1/me/grants/{grant['id']}", headers=lin.headers))


def look(here: Town, zhou: Person, lin: Person) -> httpx.Response:
    return here.doors.get(f"/v1/doctor/patients/{lin.id}/records", headers=zhou.headers)


def renew(here: Town, lin: Person, grant: dict[str, Any]) -> httpx.Response:
    return here.doors.post(f"/v1/me/grants/{grant['id']}/renew", headers=lin.headers)


def test_a_material_change_ends_a_grant_at_its_date_until_it_is_renewed(
    here: Town, clock: MovingClock, publish: Publish
) -> None:
    lin, zhou, grant = signed(here)
    assert (grant["needs_renewal"], grant["renew_by"]) == (False, None)
    date = clock() + timedelta(minutes=3)
    publish(material=True, effective=date)
    told = grant_of(here, lin, grant)
    assert told["needs_renewal"] is True
    assert datetime.fromisoformat(told["renew_by"]) == date
    assert told["status"] == "active"
    assert look(here, zhou, lin).status_code == 200

    clock.advance(timedelta(minutes=3))
    refused = look(here, zhou, lin)
    assert refused.status_code == 403
    assert refused.json()["rule"] == "notice-outdated"
    assert grant_of(here, lin, grant)["status"] == "outdated"

    again = ok(renew(here, lin, grant))
    assert (again["needs_renewal"], again["renew_by"], again["status"]) == (False, None, "active")
    assert again["notice_version"] == "next"
    assert again["data_classes"] == grant["data_classes"]
    assert look(here, zhou, lin).status_code == 200


def test_the_receipt_shows_under_which_version_it_was_renewed(
    here: Town, clock: MovingClock, publish: Publish
) -> None:
    lin, _, grant = signed(here)
    publish(material=True, effective=clock())
    ok(renew(here, lin, grant))
    answer = ok(here.doors.get(f"/v1/me/grants/{grant['id']}/receipt", headers=lin.headers))
    claims = jwt.decode(answer["receipt"], options={"verify_signature": False})
    assert claims["processing"]["privacy_notice"]["version"] == "next"
    assert [event["event_type"] for event in claims["events"]] == ["given", "renewed"]


def test_a_change_that_is_not_material_does_nothing(
    here: Town, clock: MovingClock, publish: Publish
) -> None:
    lin, zhou, grant = signed(here)
    publish(material=False, effective=clock())
    assert grant_of(here, lin, grant) == grant
    assert look(here, zhou, lin).status_code == 200
    assert ok(renew(here, lin, grant)) == grant


def test_replacing_the_terms_is_agreeing_again(
    here: Town, clock: MovingClock, publish: Publish
) -> None:
    lin, zhou = here.resident(), here.doctor()
    contract = {"doctor_id": zhou.id, "package": "basic", "data_classes": ["lifestyle"]}
    ok(here.doors.post("/v1/me/contract", json=contract, headers=lin.headers), 201)
    terms = {
        "grantee": {"kind": "practitioner", "id": zhou.id},
        "purposes": ["care"],
        "data_classes": ["body"],
        "separate_consent": True,
    }
    given = ok(here.doors.post("/v1/me/grants", json=terms, headers=lin.headers), 201)
    publish(material=True, effective=clock())
    assert grant_of(here, lin, given)["status"] == "outdated"
    address = f"/v1/me/grants/{given['id']}"
    changed = ok(here.doors.put(address, json=terms, headers=lin.headers))
    assert (changed["status"], changed["notice_version"]) == ("active", "next")


def test_what_was_withdrawn_is_not_renewed(
    here: Town, clock: MovingClock, publish: Publish
) -> None:
    lin, _, grant = signed(here)
    ok(here.doors.delete(f"/v1/me/grants/{grant['id']}", headers=lin.headers))
    publish(material=True, effective=clock())
    answer = renew(here, lin, grant)
    assert (answer.status_code, answer.json()["code"]) == (409, "already-withdrawn")
    assert grant_of(here, lin, grant)["needs_renewal"] is False


def test_renewing_grade_5_needs_a_fresh_sign_in(
    here: Town, clock: MovingClock, publish: Publish
) -> None:
    lin, zhou = here.resident(), here.doctor()
    terms = {
        "grantee": {"kind": "practitioner", "id": zhou.id},
        "purposes": ["care"],
        "data_classes": ["infectious"],
        "separate_consent": True,
    }
    given = ok(here.doors.post("/v1/me/grants", json=terms, headers=lin.headers), 201)
    publish(material=True, effective=clock())
    clock.advance(timedelta(minutes=6))
    answer = renew(here, lin, given)
    assert (answer.status_code, answer.json()["code"]) == (403, "step-up-required")
    assert grant_of(here, lin, given)["status"] == "outdated"


def test_nobody_renews_for_somebody_else(here: Town, clock: MovingClock, publish: Publish) -> None:
    _, _, grant = signed(here)
    publish(material=True, effective=clock())
    assert renew(here, here.resident("wang"), grant).status_code == 404


def test_every_version_can_be_read_by_anybody(here: Town) -> None:
    items = ok(here.doors.get("/v1/notices"))["items"]
    assert [(one["id"], one["version"]) for one in items if one["current"]] == [
        (one.id, one.version) for one in notices.notice_texts().values()
    ]
    assert len(items) == sum(len(known) for known in notices.editions().values())
