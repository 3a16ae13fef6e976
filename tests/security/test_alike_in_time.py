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
from statistics import quantiles
from typing import Any
from uuid import uuid4

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs

from service.api import edge
from service.audit import additions
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
LIGHT, SURE, STRONG = 100, 600, int(os.environ.get("KANGMA_TIMINGS", "1500"))
MARGIN_LIGHT, MARGIN_SURE, MARGIN_STRONG = 0.17, 0.11, 0.07
"""An AUC of n pairs without any difference has a standard deviation of about 0.41 / sqrt(n): 0.041,
0.017 and 0.011. The first margin is four of them, and what passes it only makes more pairs be
asked; the others, which decide, are more than six. Leaving out the entry of a look, two
milliseconds of five, makes 0.3; leaving out a password hash makes 0.5."""


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


def assert_a_coin(attempt: Try) -> None:
    """Some pairs do for most doors; where they leave a doubt, those and many more decide."""
    there, nowhere = times(attempt, LIGHT)
    if abs(auc(there, nowhere) - 0.5) < MARGIN_LIGHT:
        return
    more = times(attempt, SURE - LIGHT)
    assert abs(auc(there + more[0], nowhere + more[1]) - 0.5) < MARGIN_SURE


@pytest.mark.parametrize("door", DOORS)
def test_a_stopwatch_at_a_door_is_a_coin(here: Town, door: str) -> None:
    assert_a_coin(DOORS[door](here))


def to_be_seen(ask: Try) -> float:
    """Seconds that stand out from what one and the same request differs from itself here."""
    low, _, high = quantiles([took for some in times(ask, 30) for took in some], n=4)
    return max(0.003, 4 * (high - low))


def test_the_stopwatch_sees_milliseconds(here: Town) -> None:
    """The comparison above would be empty if it saw nothing.

    Three on a quiet machine; on a busy one a few times what a request differs from itself.
    """
    ask = by_id(here, "/v1/measures/{}", {}, "body_weight")
    more = to_be_seen(ask)

    def slower(there: bool) -> httpx.Response:
        if there:
            time.sleep(more)
        return ask(True)

    assert off_a_coin(slower, LIGHT) > MARGIN_LIGHT


@pytest.mark.slow
@pytest.mark.parametrize("door", DOORS)
def test_many_tries_at_a_door_are_still_a_coin(here: Town, door: str) -> None:
    assert off_a_coin(DOORS[door](here), STRONG) < MARGIN_STRONG


@pytest.mark.parametrize("door", BY_DAY)
def test_a_look_that_is_logged_is_a_coin(here: Town, door: str) -> None:
    assert_a_coin(LOGGED[door](here))


def test_without_the_beat_it_is_not(here: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry of a look takes its time, here as much as the noise of this machine lets be seen."""
    monkeypatch.setattr(edge, "BEAT", 0)
    attempt = LOGGED["child"](here)
    add, more = additions.add, to_be_seen(lambda there: attempt(False))

    def taking_its_time(*args: Any, **options: Any) -> Any:
        time.sleep(more)
        return add(*args, **options)

    monkeypatch.setattr(additions, "add", taking_its_time)
    assert off_a_coin(attempt, LIGHT) > MARGIN_LIGHT


class Ticking:
    """Time that passes only while somebody works or waits: no pause of the machine is in it."""

    def __init__(self) -> None:
        self.now = 100.0

    def perf_counter(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def ticking(monkeypatch: pytest.MonkeyPatch) -> Ticking:
    clock = Ticking()
    monkeypatch.setattr(edge, "time", clock)
    monkeypatch.setattr(edge, "asyncio", clock)
    return clock


def answered(ticking: Ticking, status: int, worked: float) -> float:
    """Seconds until an answer that takes so much work has left."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await ticking.sleep(worked)
        await PlainTextResponse("", status)(scope, receive, send)

    async def ask() -> None:
        doors = httpx.AsyncClient(
            transport=httpx.ASGITransport(edge.Edge(app)), base_url="http://kangma.test"
        )
        async with doors:
            assert (await doors.get("/")).status_code == status

    begun = ticking.now
    asyncio.run(ask())
    return ticking.now - begun


def test_the_wait_for_the_beat_is_no_time_of_service(
    monkeypatch: pytest.MonkeyPatch, ticking: Ticking
) -> None:
    """Else every route that refuses looks as slow as the beat, and a slow one no slower."""
    monkeypatch.setattr(edge, "BEAT", 0.5)

    def counted() -> float:
        return REGISTRY.get_sample_value("kangma_request_seconds_sum", {"route": "-"}) or 0.0

    before = counted()
    with capture_logs() as lines:
        assert answered(ticking, 404, 0.03) == pytest.approx(0.5)
    assert counted() - before == pytest.approx(0.03)
    assert lines[0]["ms"] == 30.0


@pytest.mark.parametrize(
    ("status", "worked", "took"), [(404, 0.0, 0.02), (404, 0.025, 0.04), (200, 0.0, 0.0)]
)
def test_a_404_leaves_on_the_first_beat_after_its_work(
    monkeypatch: pytest.MonkeyPatch, ticking: Ticking, status: int, worked: float, took: float
) -> None:
    monkeypatch.setattr(edge, "BEAT", 0.02)
    assert answered(ticking, status, worked) == pytest.approx(took)


def test_the_beat_is_really_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge, "BEAT", 0.2)

    async def ask() -> None:
        doors = httpx.AsyncClient(
            transport=httpx.ASGITransport(edge.Edge(PlainTextResponse("", 404))),
            base_url="http://kangma.test",
        )
        async with doors:
            await doors.get("/")

    begun = time.perf_counter()
    asyncio.run(ask())
    assert time.perf_counter() - begun > 0.19


@pytest.mark.slow
@pytest.mark.parametrize("door", LOGGED)
def test_many_looks_that_are_logged_are_still_a_coin(here: Town, door: str) -> None:
    assert off_a_coin(LOGGED[door](here), SURE) < MARGIN_SURE
