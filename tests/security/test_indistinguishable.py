"""Nobody learns from a door who is registered: body, status, headers, and the time it takes."""

import os
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

from service.kit.passwords import Passwords
from service.kit.settings import Settings
from tests.authenticator import Authenticator
from tests.conftest import MovingClock
from tests.contract.validated import Validated
from tests.house_room import PASSWORD, Town, town
from tests.standing_room import NOW

Ask = Callable[[Town, bool], httpx.Response]


@pytest.fixture(scope="module")
def clock() -> MovingClock:
    return MovingClock(NOW)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory, clock: MovingClock) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("alike")
    kek = f"file:{folder / 'keys' / 'kek.json'}"
    where = Settings(data=folder / "data", kek=kek, profile="test")
    with pytest.MonkeyPatch.context() as patch:
        # Times are compared, so a password costs what it costs in service.
        patch.setattr("service.house.Passwords", Passwords)
        with town(where, clock) as opened:
            assert isinstance(opened.doors, Validated)
            opened.doors = opened.doors.inner
            yield opened


def token(here: Town, known: bool) -> httpx.Response:
    # A name of its own each time, so that no back-off comes between.
    login = f"name-{uuid4().hex[:12]}"
    if known:
        assert here.register(login).status_code == 201
    return here.token(grant_type="password", username=login, password="a wrong guess")


def register(here: Town, known: bool) -> httpx.Response:
    login = f"name-{uuid4().hex[:12]}"
    if known:
        assert here.register(login).status_code == 201
    return here.register(login, password="another password")


def passkey(here: Town, known: bool) -> httpx.Response:
    person = here.resident(f"name-{uuid4().hex[:12]}")
    device, root = Authenticator(), "/v1/auth/passkeys"
    options = here.doors.post(f"{root}/registration", headers=person.headers).json()
    made = device.create(options)
    if known:
        wish = {"passkey": made}
        assert here.doors.post(root, json=wish, headers=person.headers).status_code == 201
    answer = device.get(here.doors.post(f"{root}/challenge").json(), signature=bytes(70))
    return here.doors.post(f"{root}/token", json={"passkey": answer})


def machine(here: Town, known: bool) -> httpx.Response:
    client_id = here.client()["client_id"] if known else str(uuid4())
    pair = {"client_id": client_id, "client_secret": "x" * 43}
    return here.token(grant_type="client_credentials", **pair)


def patient(here: Town, known: bool) -> httpx.Response:
    """A doctor looks for somebody who has not signed with them, or for nobody."""
    doctor = here.doctor(f"doctor-{uuid4()}")
    wanted = here.resident(f"name-{uuid4().hex[:12]}").id if known else str(uuid4())
    return here.doors.get(f"/v1/doctor/patients/{wanted}", headers=doctor.headers)


DOORS: dict[str, Ask] = {
    "token": token,
    "register": register,
    "passkey": passkey,
    "machine": machine,
    "patient": patient,
}


def shown(answer: httpx.Response) -> object:
    """All that a caller sees, but for what is random in every answer."""
    headers = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
    document = answer.json()
    for name in ("request_id", "resident_id"):
        if document.pop(name, None) is not None:
            document[name] = "..."
    return answer.status_code, headers, document


@pytest.mark.parametrize("door", DOORS)
def test_known_and_unknown_get_the_same_answer(here: Town, door: str) -> None:
    assert shown(DOORS[door](here, True)) == shown(DOORS[door](here, False))


def seconds(here: Town, login: str, clock: MovingClock) -> float:
    """Processor time of the whole process for one failed sign-in: work, not waiting for a turn."""
    before = time.process_time()
    answer = here.token(grant_type="password", username=login, password="a wrong guess")
    taken = time.process_time() - before
    assert answer.status_code == 401, answer.text
    return taken


def test_a_known_name_costs_the_work_of_an_unknown_one(here: Town, clock: MovingClock) -> None:
    """Who skips the password hash for unknown names is 10 to 50 times faster at them.

    The least of interleaved tries are compared: noise only ever adds work, and does not add it to
    each of twelve. A skipped hash exceeds the factor by far.
    """
    here.register("known", password=PASSWORD)
    known, unknown = [], []
    for number in range(12):
        known.append(seconds(here, "known", clock))
        unknown.append(seconds(here, f"unknown-{number}", clock))
        # Past the back-off, which is the same for both.
        clock.advance(timedelta(hours=2))
    ratio = min(known) / min(unknown)
    assert 0.6 < ratio < 1.6, ratio


@pytest.mark.slow
def test_the_times_of_known_and_unknown_names_cannot_be_told_apart(
    here: Town, clock: MovingClock
) -> None:
    """A guesser who calls the slower half "known" is right about half of the time (AUC)."""
    rounds = int(os.environ.get("KANGMA_TIMINGS", "300"))
    names = [f"member-{number}" for number in range(8)]
    for name in names:
        here.register(name)
    times: dict[bool, list[float]] = {True: [], False: []}
    for number in range(rounds):
        login = names[number % len(names)]
        for known in ((True, False), (False, True))[number % 2]:
            times[known].append(seconds(here, login if known else f"no-{login}", clock))
        if number % len(names) == len(names) - 1:
            # Past the back-off, which is the same for both.
            clock.advance(timedelta(hours=2))
    wins = sum((a > b) + (a == b) / 2 for a in times[True] for b in times[False])
    auc = wins / rounds**2
    # 300 against 300 have a standard deviation of 0.024; six of them.
    assert abs(auc - 0.5) < 0.142, auc
