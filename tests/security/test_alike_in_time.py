"""Nobody learns by a stopwatch who is registered, or what exists that is hidden from them.

A guesser asks for what is there and for what is nowhere in turn, and calls the slower one "there".
How often that is right is the AUC of the two sets of times; one half is a coin. The passwords of
this town cost next to nothing, so that no hash covers what the rest of a door takes.
"""

import asyncio
import os
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs

from service.api import edge
from service.kit.metrics import REGISTRY
from tests.authenticator import Authenticator
from tests.conftest import MovingClock
from tests.contract.validated import Validated
from tests.family_room import begin
from tests.house_room import PASSWORD, Town
from tests.passkey_room import asked, begun, enrolled, entered, passkey_town
from tests.standing_room import NOW, PRESSURE

Try = Callable[[bool], httpx.Response]
"""Asks once, for what is there or for what is nowhere."""


CLOCK = MovingClock(NOW)
IN_SERVICE = 0.05


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)]
)
def here(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("time")
    with (
        pytest.MonkeyPatch.context() as patch,
        passkey_town(folder, CLOCK, dialect=request.param) as opened,
    ):
        # As in service; other tests do not wait for it.
        patch.setattr(edge, "BEAT", IN_SERVICE)
        assert isinstance(opened.doors, Validated)
        opened.doors = opened.doors.inner
        yield opened


def register(here: Town) -> Try:
    """A login that is taken, or free."""
    here.register("taken")
    return lambda there: here.register("taken" if there else f"name-{uuid4().hex}")


def passkey(here: Town) -> Try:
    """An answer with a bad signature, by a passkey that somebody has, or nobody."""
    known, unknown = Authenticator(), Authenticator()
    enrolled(here, here.resident("holder"), known)
    unknown.create(begun(here, here.resident("dropper")))

    def attempt(there: bool) -> httpx.Response:
        device = known if there else unknown
        return entered(here, device.get(asked(here), signature=bytes(70)))

    return attempt


def machine(here: Town) -> Try:
    """A wrong secret of a client that there is, or of none."""
    client = here.client()["client_id"]

    def attempt(there: bool) -> httpx.Response:
        form = {"client_id": client if there else str(uuid4()), "client_secret": "x" * 43}
        return here.token(grant_type="client_credentials", **form)

    return attempt


def recovery(here: Town) -> Try:
    """A wrong recovery code of a login that has some, or of nobody's. Past the back-off."""
    owner = here.resident("careful")
    assert here.doors.post("/v1/me/recovery-codes", headers=owner.headers).status_code == 201

    def attempt(there: bool) -> httpx.Response:
        CLOCK.advance(timedelta(hours=2))
        login = "careful" if there else "careless"
        wish = {"login": login, "code": "wrong-code", "new_password": PASSWORD}
        answer = here.doors.post("/v1/auth/recover", json=wish)
        assert answer.status_code == 401, answer.text
        return answer

    return attempt


def by_id(here: Town, path: str, headers: dict[str, str], real: str) -> Try:
    return lambda there: here.doors.get(path.format(real if there else uuid4()), headers=headers)


def patient(here: Town) -> Try:
    """A doctor looks for somebody who never signed with them, or for nobody."""
    hidden = here.resident("hidden")
    return by_id(here, "/v1/doctor/patients/{}", here.doctor("dr.look").headers, hidden.id)


def patients_records(here: Town) -> Try:
    hidden = here.resident("hidden-records")
    headers = here.doctor("dr.records").headers
    return by_id(here, "/v1/doctor/patients/{}/records", headers, hidden.id)


def record(here: Town) -> Try:
    """A resident asks for somebody else's record by its id."""
    owner = here.resident("owner")
    body = {"records": [PRESSURE]}
    made = here.doors.post("/v1/me/records", json=body, headers=owner.headers).json()
    headers = here.resident("curious").headers
    return by_id(here, "/v1/me/records/{}", headers, made["results"][0]["id"])


def child(here: Town) -> Try:
    """A resident asks for somebody else's child."""
    headers = here.resident("nosy").headers
    there = begin(here, here.resident("mother")).id
    return by_id(here, "/v1/me/children/{}", headers, there)


DOORS: dict[str, Callable[[Town], Try]] = {
    one.__name__: one for one in (register, passkey, machine, recovery, record)
}
LOGGED: dict[str, Callable[[Town], Try]] = {
    one.__name__: one for one in (patient, patients_records, child)
}
"""Who is hidden reads in their access log that somebody asked, and for nobody nothing is written:
only the beat, on which every 404 leaves, makes them alike."""
BY_DAY = ("patient", "child")
WARM = 10
LIGHT, STRONG = 100, int(os.environ.get("KANGMA_TIMINGS", "1500"))
MARGIN_LIGHT, MARGIN_STRONG = 0.17, 0.06
"""An AUC of n pairs without any difference has a standard deviation of about 0.41 / sqrt(n): 0.041
and 0.011. The margins are four and five of them. Leaving out the entry of a look, two milliseconds
of five, makes 0.3; leaving out a password hash makes 0.5."""


def times(attempt: Try, pairs: int) -> tuple[list[float], list[float]]:
    """Seconds for what is there and for what is nowhere, asked in turn and in changing order."""
    found: dict[bool, list[float]] = {True: [], False: []}
    for number in range(WARM + pairs):
        for there in ((True, False), (False, True))[number % 2]:
            start = time.perf_counter()
            attempt(there)
            found[there].append(time.perf_counter() - start)
    return found[True][WARM:], found[False][WARM:]


def auc(there: list[float], nowhere: list[float]) -> float:
    """How often the slower of two is the one that is there."""
    ordered = sorted(nowhere)
    wins = sum(bisect_left(ordered, one) + bisect_right(ordered, one) for one in there)
    return wins / (2 * len(there) * len(nowhere))


def off_a_coin(attempt: Try, pairs: int) -> float:
    return abs(auc(*times(attempt, pairs)) - 0.5)


@pytest.mark.parametrize("door", DOORS)
def test_a_stopwatch_at_a_door_is_a_coin(here: Town, door: str) -> None:
    assert off_a_coin(DOORS[door](here), LIGHT) < MARGIN_LIGHT


def test_the_stopwatch_sees_milliseconds(here: Town) -> None:
    """The comparison above would be empty if it saw nothing."""
    ask = by_id(here, "/v1/measures/{}", {}, "body_weight")

    def slower(there: bool) -> httpx.Response:
        if there:
            time.sleep(0.003)
        return ask(True)

    assert off_a_coin(slower, LIGHT) > MARGIN_LIGHT


@pytest.mark.slow
@pytest.mark.parametrize("door", DOORS)
def test_many_tries_at_a_door_are_still_a_coin(here: Town, door: str) -> None:
    assert off_a_coin(DOORS[door](here), STRONG) < MARGIN_STRONG


@pytest.mark.parametrize("door", BY_DAY)
def test_a_look_that_is_logged_is_a_coin(here: Town, door: str) -> None:
    assert off_a_coin(LOGGED[door](here), LIGHT) < MARGIN_LIGHT


def test_without_the_beat_it_is_not(here: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge, "BEAT", 0)
    assert off_a_coin(LOGGED["child"](here), LIGHT) > MARGIN_LIGHT


def test_the_wait_for_the_beat_is_no_time_of_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else every route that refuses looks as slow as the beat, and a slow one no slower."""
    monkeypatch.setattr(edge, "BEAT", 0.5)

    async def counted() -> float:
        name = {"route": "-"}
        before = REGISTRY.get_sample_value("kangma_request_seconds_sum", name) or 0.0
        app = edge.Edge(PlainTextResponse("", 404))
        doors = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://kangma.test")
        async with doors:
            begun = time.perf_counter()
            assert (await doors.get("/")).status_code == 404
            assert time.perf_counter() - begun > 0.4
        return (REGISTRY.get_sample_value("kangma_request_seconds_sum", name) or 0.0) - before

    with capture_logs() as lines:
        assert 0 < asyncio.run(counted()) < 0.2
    assert lines[0]["ms"] < 200


@pytest.mark.parametrize(
    ("status", "worked", "least"), [(404, 0.0, 0.02), (404, 0.025, 0.04), (200, 0.0, 0.0)]
)
def test_a_404_leaves_on_the_first_beat_after_its_work(
    monkeypatch: pytest.MonkeyPatch, status: int, worked: float, least: float
) -> None:
    monkeypatch.setattr(edge, "BEAT", 0.02)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(worked)
        await PlainTextResponse("", status)(scope, receive, send)

    async def took() -> float:
        doors = httpx.AsyncClient(
            transport=httpx.ASGITransport(edge.Edge(app)), base_url="http://kangma.test"
        )
        async with doors:
            begun = time.perf_counter()
            assert (await doors.get("/")).status_code == status
            return time.perf_counter() - begun

    fastest = min(asyncio.run(took()) for _ in range(5))
    assert least <= fastest < least + 0.015


@pytest.mark.slow
@pytest.mark.parametrize("door", LOGGED)
def test_many_looks_that_are_logged_are_still_a_coin(here: Town, door: str) -> None:
    assert off_a_coin(LOGGED[door](here), 600) < 0.09
