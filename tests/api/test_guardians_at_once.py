"""Somebody erases their account while they become a guardian: they are none, and no child is alone.

Both take the rows of the guardian and of the child, in one order.
"""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from service.api.me import children
from service.appeals import actions as appeals
from service.guardians import actions as guardians
from service.kit.settings import Settings
from tests.asgi import Doors
from tests.conftest import MovingClock
from tests.family_room import begin, ok, wish
from tests.house_room import Person, Town, town
from tests.meanwhile import Meanwhile


@pytest.fixture
def here(settings: Settings, clock: MovingClock) -> Iterator[Town]:
    with town(settings, clock) as opened:
        yield opened


def posting(
    here: Town, there: Doors, who: Person, path: str, body: dict[str, Any]
) -> Meanwhile[httpx.Response]:
    return Meanwhile(here.beneath, lambda: there.post(path, json=body, headers=who.headers))


def test_who_is_just_being_erased_begins_no_file(
    here: Town, there: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    zhao = here.resident("zhao")
    begun = posting(here, there, zhao, "/v1/me/children", wish())
    # Every guardianship there is by then has ended.
    monkeypatch.setattr(appeals, "forget", begun.before(appeals.forget))
    assert here.doors.delete("/v1/me", headers=zhao.headers).status_code == 200
    assert begun.result().status_code == 404


def test_who_is_just_being_erased_joins_nobody(
    here: Town, there: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    child, zhao = begin(here, here.resident("lin")), here.resident("zhao")
    code = ok(child.ask("POST", "/guardians"), 201)
    joined = posting(here, there, zhao, "/v1/me/children/join", {"code": code["code"]})
    monkeypatch.setattr(appeals, "forget", joined.before(appeals.forget))
    assert here.doors.delete("/v1/me", headers=zhao.headers).status_code == 200
    assert joined.result().status_code == 404
    (left,) = ok(child.ask("GET", "/guardians"))["items"]
    assert left["resident_id"] == child.guardian.id


def test_an_erasure_waits_for_who_just_begins_a_file_and_is_refused(
    here: Town, there: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had found no child before it waited."""
    zhao = here.resident("zhao")
    erasure = Meanwhile(here.beneath, lambda: there.delete("/v1/me", headers=zhao.headers))
    monkeypatch.setattr(children, "open_file", erasure.before(children.open_file))
    ok(here.doors.post("/v1/me/children", json=wish(), headers=zhao.headers), 201)
    refused = erasure.result()
    assert (refused.status_code, refused.json()["rule"]) == (403, "withdrawn")
    again = here.doors.delete("/v1/me", headers=zhao.headers)
    assert (again.status_code, again.json()["code"]) == (409, "only-guardian")


def test_a_guardian_to_whom_a_child_came_just_now_asks_again(
    here: Town, there: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The child's row could only be taken out of order."""
    child, zhao = begin(here, here.resident("lin")), here.resident("zhao")
    code = ok(child.ask("POST", "/guardians"), 201)
    joined = posting(here, there, zhao, "/v1/me/children/join", {"code": code["code"]})
    monkeypatch.setattr(guardians, "hold", joined.before(guardians.hold))
    refused = here.doors.delete("/v1/me", headers=zhao.headers)
    assert joined.result().status_code == 201
    assert (refused.status_code, refused.json()["rule"]) == (403, "withdrawn")
    assert here.doors.delete("/v1/me", headers=zhao.headers).status_code == 200
