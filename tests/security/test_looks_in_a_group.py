"""Looks that share a transaction: what is asked ahead for all of them decides nothing too much.

The token's revocation and the facts of each look are asked before the first job of the group runs.
Bugs these would catch: a revoked token that shows something, a look that shows what a job before it
in its own group took back, one refused look that takes its neighbours along.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from time import monotonic, sleep
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection

from service.grants import kept
from service.identity import store as identity
from service.kit.settings import Settings
from tests.conftest import MovingClock
from tests.doctor_room import access_log, log, ok, patient, sign
from tests.house_room import Person, Town, another_process, town
from tests.meanwhile import PATIENCE

pytestmark = pytest.mark.walled
DOORS = ("/records", "/series/steps", "")
Ask = Callable[[], httpx.Response]


@pytest.fixture
def here(settings: Settings, clock: MovingClock) -> Iterator[Town]:
    with town(settings, clock) as opened:
        yield opened


@pytest.fixture
def lin(here: Town) -> Person:
    return here.resident("lin")


@pytest.fixture
def zhou(here: Town, lin: Person) -> Person:
    """The doctor lin has signed with."""
    doctor = here.doctor()
    sign(here, lin, doctor, "body", "lifestyle", "screening")
    log(here, lin, {"systolic_bp": 131, "diastolic_bp": 84})
    return doctor


def signed_out(here: Town, who: Person) -> None:
    answer = here.doors.post("/v1/auth/revoke", data={"token": who.access})
    assert answer.status_code == 200, answer.text


def told(answer: httpx.Response) -> tuple[int, dict[str, Any]]:
    problem: dict[str, Any] = answer.json()
    return answer.status_code, {**problem, "request_id": None, "instance": None}


@contextmanager
def in_one_group(here: Town, *asks: Ask) -> Iterator[list[httpx.Response]]:
    """The answers of requests that were all waiting when the writer took them."""
    db, begun, go = here.house.db, Event(), Event()

    def hold(_: Connection) -> bool:
        begun.set()
        return go.wait(PATIENCE)

    with ThreadPoolExecutor() as pool:
        held = pool.submit(db.write, hold)
        assert begun.wait(PATIENCE)
        waiting = []
        for number, ask in enumerate(asks, 1):
            waiting.append(pool.submit(ask))
            end = monotonic() + PATIENCE
            while db._writes.qsize() < number:
                assert monotonic() < end, "it never came to the writer"
                sleep(0.002)
        go.set()
        assert held.result(PATIENCE)
        yield [one.result(PATIENCE) for one in waiting]


@pytest.mark.parametrize("rest", DOORS)
def test_a_revoked_token_looks_at_nothing(here: Town, lin: Person, zhou: Person, rest: str) -> None:
    ok(patient(here, zhou, lin.id, rest))
    before = len(access_log(here, lin))
    signed_out(here, zhou)
    refused = patient(here, zhou, lin.id, rest)
    other = here.doors.get("/v1/doctor/panel", headers=zhou.headers)
    assert told(refused) == told(other)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == other.headers["www-authenticate"]
    assert len(access_log(here, lin)) == before
    again = here.strong(zhou)
    ok(patient(here, again, lin.id, rest))


def test_a_token_that_another_process_revoked_looks_at_nothing(
    here: Town, lin: Person, zhou: Person, clock: MovingClock
) -> None:
    with another_process(here.house, clock) as there:
        for _ in range(3):
            sign_in = here.strong(zhou)
            ok(patient(here, sign_in, lin.id, "/records"))
            there.post("/v1/auth/revoke", data={"token": sign_in.access})
            assert patient(here, sign_in, lin.id, "/records").status_code == 401


def test_a_revoked_look_takes_nobody_along(
    here: Town, lin: Person, zhou: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the group asks once which tokens were revoked."""
    gone, asked = here.strong(zhou), []
    signed_out(here, gone)
    later = identity.revoked_later

    def noted(*given: Any) -> Any:
        asked.append(given)
        return later(*given)

    monkeypatch.setattr(identity, "revoked_later", noted)
    looks = [lambda who=who: patient(here, who, lin.id, "/records") for who in (zhou, gone, zhou)]
    with in_one_group(here, *looks) as answers:
        assert [one.status_code for one in answers] == [200, 401, 200]
    assert len(asked) == 1
    assert len(access_log(here, lin)) == 2


@pytest.mark.parametrize("path", ["/v1/me/contract", "/v1/me"])
def test_a_look_shows_nothing_of_what_ended_before_it_in_its_group(
    here: Town, lin: Person, zhou: Person, path: str
) -> None:
    """What it is decided on was asked ahead of the job that ended it."""
    ok(patient(here, zhou, lin.id, "/records"))
    with in_one_group(
        here,
        lambda: here.doors.delete(path, headers=lin.headers),
        lambda: patient(here, zhou, lin.id, "/records"),
    ) as (ended, seen):
        assert ended.status_code == 200, ended.text
        assert seen.status_code in (403, 404), seen.text


def test_a_withdrawn_grant_shows_nothing_to_a_look_behind_it(
    here: Town, lin: Person, zhou: Person
) -> None:
    grants = ok(here.doors.get("/v1/me/grants", headers=lin.headers))["items"]
    mine = next(one["id"] for one in grants if one["grantee"]["id"] == zhou.id)
    withdraw = lambda: here.doors.delete(f"/v1/me/grants/{mine}", headers=lin.headers)  # noqa: E731
    with in_one_group(here, withdraw, lambda: patient(here, zhou, lin.id, "/records")) as answers:
        ended, seen = answers
        assert ended.status_code == 200, ended.text
        assert (seen.status_code, seen.json()["rule"]) == (403, "withdrawn")


def test_the_last_use_is_shown_once_to_two_looks_of_a_group(
    here: Town, lin: Person, zhou: Person
) -> None:
    offer = {
        "grantee": {"kind": "practitioner", "id": zhou.id},
        "purposes": ["care"],
        "data_classes": ["mental"],
        "separate_consent": True,
        "uses": 1,
    }
    ok(here.doors.post("/v1/me/grants", json=offer, headers=lin.headers), 201)
    look = lambda: patient(here, zhou, lin.id, "/records", measure="phq9_total")  # noqa: E731
    with in_one_group(here, look, look) as answers:
        assert sorted(one.status_code for one in answers) == [200, 403]


def test_an_answer_that_was_asked_ahead_is_used_once(
    here: Town, lin: Person, zhou: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two looks of one doctor at one resident: the second asks for itself."""
    if here.beneath.dialect.name == "sqlite":
        pytest.skip("SQLite answers at once, so nothing is asked ahead")
    sent, really = [], kept._sent

    def noted(*given: Any) -> Any:
        sent.append(given)
        return really(*given)

    monkeypatch.setattr(kept, "_sent", noted)
    look = lambda: patient(here, zhou, lin.id, "/records")  # noqa: E731
    with in_one_group(here, look, look) as answers:
        assert [one.status_code for one in answers] == [200, 200]
    # Two ahead, of which one took the other's place, and one by the second look itself.
    assert len(sent) == 3
