"""An export while it is on its way: what cuts it short, what does not, and how much it holds."""

import gc
import io
import json
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4
from zipfile import BadZipFile, ZipFile

import pytest
import structlog
from sqlalchemy import Connection, text

from service.api import gate
from service.kit import metrics
from service.kit.errors import Unavailable
from service.kit.settings import Settings
from service.records import whole
from tests.api.test_grants_api import ok, problem
from tests.conftest import MovingClock
from tests.export_room import EXPORT, FORMS, Taken, log, streamed
from tests.house_room import Person, Town, town
from tests.record_room import observation

SMALL = 8


@pytest.fixture
def here(settings: Settings, clock: MovingClock) -> Iterator[Town]:
    with town(settings, clock) as opened:
        yield opened


@pytest.fixture
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole, "PARTS", SMALL)


def with_records(here: Town, count: int) -> Person:
    lin = here.resident()
    log(here, lin, [weight(n) for n in range(count)])
    return lin


def weight(n: int) -> dict[str, Any]:
    return observation({"body_weight": 50 + n % 40}, f"2026-10-{1 + n % 30:02}T08:00:00+08:00")


def cut_short(form: str, taken: Taken) -> bool:
    """Whether whoever reads it cannot take it for a whole file."""
    assert not taken.is_whole
    try:
        ZipFile(io.BytesIO(taken.body)) if form == "csv" else json.loads(taken.body)
    except (BadZipFile, ValueError):
        return True
    return False


def altering(here: Town, who: Person) -> None:
    """Beneath the service the last record's row gets the value of another."""
    statement = text(
        "UPDATE record_parts SET sealed = (SELECT sealed FROM record_parts WHERE resident_id = :id"
        " ORDER BY record_key LIMIT 1) WHERE resident_id = :id AND record_key ="
        " (SELECT record_key FROM record_parts WHERE resident_id = :id"
        " ORDER BY record_key DESC LIMIT 1)"
    )
    with here.beneath.begin() as conn:
        conn.execute(statement, {"id": bytes.fromhex(who.id.replace("-", ""))})


@pytest.mark.usefixtures("_small_pieces")
@pytest.mark.parametrize("form", FORMS)
def test_an_altered_row_cuts_it_short_and_is_told(here: Town, form: str) -> None:
    lin = with_records(here, 30)
    altering(here, lin)
    before = metrics.integrity._value.get()
    with structlog.testing.capture_logs() as lines:
        taken = streamed(here, lin, form)
    assert taken.status == 200
    assert cut_short(form, taken)
    assert metrics.integrity._value.get() == before + 1
    alerts = [line for line in lines if line["event"] == "alert"]
    assert [(one["code"], one["log_level"]) for one in alerts] == [("integrity", "critical")]
    assert alerts[0]["request_id"]
    if form == "json":
        # What came before it is there: the fault is met where it lies.
        assert b'"records":[{' in taken.body
        assert b'"access_log"' not in taken.body


def signing_out(here: Town, who: Person) -> None:
    ok_ = here.doors.post("/v1/auth/revoke", data={"token": who.refresh})
    assert ok_.status_code == 200


def erasing(here: Town, who: Person) -> None:
    ok(here.doors.delete("/v1/me", headers=who.headers))


@pytest.mark.usefixtures("_small_pieces")
@pytest.mark.parametrize("ending", [signing_out, erasing])
def test_it_ends_with_the_session_and_with_the_account(
    here: Town, ending: Callable[[Town, Person], None]
) -> None:
    lin = with_records(here, 60)

    def meanwhile(chunk: int) -> None:
        if chunk == 3:
            ending(here, lin)

    taken = streamed(here, lin, meanwhile=meanwhile)
    assert taken.status == 200
    assert cut_short("json", taken)
    assert b'"records"' not in taken.body


@pytest.mark.usefixtures("_small_pieces")
def test_a_slow_reader_gets_all_though_the_proof_grows_old(here: Town, clock: MovingClock) -> None:
    """And whatever is granted, withdrawn, logged and moved meanwhile."""
    lin, zhou = with_records(here, 60), here.doctor()
    path = "/v1/me/records?limit=1000"
    there = {one["id"] for one in ok(here.doors.get(path, headers=lin.headers))["items"]}

    def meanwhile(chunk: int) -> None:
        clock.advance(timedelta(minutes=1))
        if chunk % 5:
            return
        fresh = here.sign_in("lin")
        if chunk % 2:
            signed = here.doors.get("/v1/me/contract", headers=fresh.headers)
            if signed.status_code == 200:
                here.doors.delete("/v1/me/contract", headers=fresh.headers)
        else:
            wish = {"doctor_id": zhou.id, "package": "basic", "data_classes": ["body"]}
            here.doors.post("/v1/me/contract", json=wish, headers=fresh.headers)
        log(here, fresh, [weight(chunk), {**weight(chunk + 7), "id": sorted(there)[chunk % 60]}])

    taken = streamed(here, lin, meanwhile=meanwhile)
    assert taken.is_whole
    met = [one["id"] for one in json.loads(taken.body)["records"]]
    assert len(met) == len(set(met))
    assert there <= set(met)
    problem(here.doors.get(EXPORT, headers=lin.headers), 401, "unauthenticated")


def test_nothing_leaves_when_the_log_cannot_be_kept(
    here: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    lin = with_records(here, 3)

    def full(conn: Connection, entries: Any) -> None:
        raise Unavailable

    monkeypatch.setattr(gate.audit, "append", full)
    taken = streamed(here, lin)
    assert (taken.status, taken.is_whole) == (503, True)
    assert b"records" not in taken.body


def peak(here: Town, who: Person, form: str) -> int:
    """How much more than before was held at once while nobody kept what came."""
    streamed(here, who, form, keep=False)
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        assert streamed(here, who, form, keep=False).is_whole
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("few_many", [(1_200, 6_000)])
@pytest.mark.parametrize("form", FORMS)
def test_more_records_take_no_more_room(here: Town, form: str, few_many: tuple[int, int]) -> None:
    """Five times as many; all of them at once would take five times the room."""
    bounded(here, form, *few_many)


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_a_hundred_thousand_records_take_no_more_room(here: Town, form: str) -> None:
    bounded(here, form, 2_000, 100_000)


def bounded(here: Town, form: str, few: int, many: int) -> None:
    lin = with_records(here, few)
    small = peak(here, lin, form)
    log(here, lin, [{**weight(n), "id": str(uuid4())} for n in range(many - few)])
    large = peak(here, lin, form)
    assert large < 1.5 * small, (small, large)
