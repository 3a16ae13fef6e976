"""The service itself compares each day with its access log, once, and says when it does not."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from sqlalchemy import delete, insert, select, update

from service.api import gate as door
from service.house import House, build
from service.jobs import nightly
from service.kit import metrics
from service.kit.clock import city_day, utc_now
from service.kit.engines import open_engine
from service.tallies.tables import access_reconciled, access_tallies
from tests.journeys.server import install, serving
from tests.meanwhile import PATIENCE
from tests.standing_room import NOW, Standing, standing

DAY = city_day(NOW)
# 01:30 of the next day in the city.
NIGHT = datetime(2026, 11, 20, 17, 30, tzinfo=UTC)
UNTIL = "kangma_reconciled_until_timestamp_seconds"
Lines = list[Any]


on_both = pytest.mark.parametrize("here", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Standing]:
    with standing(tmp_path, getattr(request, "param", "sqlite")) as made:
        yield made


@contextmanager
def process(here: Standing, now: datetime) -> Iterator[House]:
    """Another process over the same stores, at some other time."""
    house = build(here.town.house.settings, clock=lambda: now)
    try:
        yield house
    finally:
        house.close()


def marked(here: Standing) -> list[date]:
    """Days whose comparison has ended."""
    c = access_reconciled.c
    with here.town.beneath.connect() as conn:
        days = conn.execute(select(c.day).where(c.sealed.is_not(None)).order_by(c.day))
        return [date.fromordinal(day) for (day,) in days]


def change(here: Standing, statement: Any) -> None:
    with here.town.beneath.begin() as conn:
        assert conn.execute(statement).rowcount > 0


def at(here: Standing, now: datetime, run: Callable[[House], Any]) -> tuple[Any, Lines, Lines]:
    """What a job returned in a process at some time, its alerts and its warnings."""
    with process(here, now) as house, structlog.testing.capture_logs() as lines:
        found = run(house)
    alerts = [one for one in lines if one["event"] == "alert"]
    return found, alerts, [one for one in lines if one["log_level"] == "warning"]


def differences() -> float:
    return metrics.reconciliation_differences._value.get()


def lose_entries(here: Standing, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look of the day whose entry gets lost."""
    address = f"/v1/doctor/patients/{here.resident.id}/records"
    with monkeypatch.context() as patched:
        patched.setattr(door.audit, "append", lambda conn, entries: None)
        assert here.town.doors.get(address, headers=here.doctor.headers).status_code == 200


@on_both
def test_an_honest_day_is_compared_once_an_hour_after_its_end(here: Standing) -> None:
    before = differences()
    # 00:50 of the next day: what is being answered may still belong to the day before.
    assert at(here, NIGHT - timedelta(minutes=40), nightly.catch_up)[0] in (0, 1)
    assert DAY not in marked(here)
    done, alerts, _ = at(here, NIGHT, nightly.catch_up)
    assert (done, alerts) == (1, [])
    assert marked(here)[-1] == DAY
    assert at(here, NIGHT, nightly.catch_up)[0] == 0
    assert differences() == before


@on_both
def test_a_difference_is_an_alert_without_an_id_and_told_once(
    here: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = differences()
    lose_entries(here, monkeypatch)
    done, alerts, _ = at(here, NIGHT, nightly.catch_up)
    assert done == 1
    (alert,) = alerts
    assert (alert["code"], alert["log_level"]) == ("integrity", "critical")
    assert (alert["reason"], alert["day"]) == ("not reconciled", DAY.isoformat())
    assert alert["difference"] > 0
    assert set(alert) == {
        "event", "log_level", "code", "reason", "day", "difference", "erased"
    }  # fmt: skip
    assert differences() == before + 1
    assert at(here, NIGHT, nightly.catch_up)[:2] == (0, [])


def test_what_a_process_keeps_in_memory_alone_is_in_its_tally_first(
    here: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look without an entry after which the process answers nothing more."""
    with process(here, NIGHT) as other:
        monkeypatch.setattr(other.vault.openings, "_opened", Counter({DAY: 3}))
        with structlog.testing.capture_logs() as lines:
            assert nightly.catch_up(other) == 1
    (alert,) = [one for one in lines if one["event"] == "alert"]
    assert alert["difference"] == 3


def test_a_tally_that_was_changed_or_deleted_is_an_alert(here: Standing) -> None:
    change(here, update(access_tallies).values(sealed=b"\0" * 56))
    _, alerts, _ = at(here, NIGHT, nightly.catch_up)
    assert [one["reason"] for one in alerts] == ["not readable"]
    # Not even together with all marks of days.
    change(here, delete(access_tallies))
    change(here, delete(access_reconciled))
    done, alerts, _ = at(here, NIGHT, nightly.catch_up)
    assert done == 1
    assert [one["reason"] for one in alerts] == ["not reconciled"]
    assert alerts[0]["difference"] < 0


@on_both
def test_a_beginning_in_times_to_come_keeps_nobody_from_a_day(here: Standing) -> None:
    """Whoever can write rows could else put a day off for ever."""
    never = insert(access_reconciled).values(day=DAY.toordinal(), begun=NIGHT.replace(year=2500))
    with here.town.beneath.begin() as conn:
        conn.execute(never)
    assert at(here, NIGHT, nightly.catch_up)[0] == 1
    assert marked(here)[-1] == DAY


@on_both
def test_two_processes_at_once_compare_each_day_once(
    here: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_entries(here, monkeypatch)
    compared: list[date] = []
    reconcile = nightly.reconcile

    def slowly(house: House, day: date) -> Any:
        compared.append(day)
        time.sleep(0.05)
        return reconcile(house, day)

    monkeypatch.setattr(nightly, "reconcile", slowly)
    later = NIGHT + timedelta(days=4)
    with (
        process(here, later) as one,
        process(here, later) as other,
        ThreadPoolExecutor(2) as pool,
        structlog.testing.capture_logs() as lines,
    ):
        for _ in range(3):
            done = list(pool.map(nightly.catch_up, [one, other]))
            if sum(done) == 0:
                break
    days = [DAY + timedelta(days=n) for n in range(5)]
    assert compared == days
    assert marked(here) == days
    assert [one["day"] for one in lines if one["event"] == "alert"] == [DAY.isoformat()]


def test_missed_days_are_made_up_oldest_first(
    here: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert at(here, NIGHT, nightly.catch_up)[0] == 1
    seen: list[date] = []
    reconcile = nightly.reconcile

    def noted(house: House, day: date) -> Any:
        seen.append(day)
        return reconcile(house, day)

    monkeypatch.setattr(nightly, "reconcile", noted)
    done, alerts, _ = at(here, NIGHT + timedelta(days=3), nightly.catch_up)
    assert (done, alerts) == (3, [])
    assert seen == [DAY + timedelta(days=n) for n in (1, 2, 3)]


@on_both
def test_a_comparison_that_a_process_did_not_end_is_taken_over(
    here: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    def died(house: House, day: date) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, suppress(KeyboardInterrupt):
        patched.setattr(nightly, "reconcile", died)
        at(here, NIGHT, nightly.catch_up)
    assert DAY not in marked(here)
    assert at(here, NIGHT + timedelta(minutes=59), nightly.catch_up)[0] == 0
    assert at(here, NIGHT + timedelta(minutes=61), nightly.catch_up)[0] == 1
    assert marked(here)[-1] == DAY


@on_both
def test_a_forged_mark_hides_no_day(here: Standing, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also not the mark of another day, put in place of this one's."""
    lose_entries(here, monkeypatch)
    assert at(here, NIGHT + timedelta(days=1), nightly.catch_up)[0] == 2
    c = access_reconciled.c
    with here.town.beneath.connect() as conn:
        forged = conn.execute(select(c.sealed).where(c.day != DAY.toordinal())).scalar_one()
    change(here, update(access_reconciled).where(c.day == DAY.toordinal()).values(sealed=forged))
    done, alerts, _ = at(here, NIGHT + timedelta(days=1), nightly.catch_up)
    assert done == 1
    assert [one["reason"] for one in alerts] == ["forged mark", "not reconciled"]
    assert at(here, NIGHT + timedelta(days=1), nightly.catch_up)[:2] == (0, [])


def test_a_day_without_is_warned_about_and_seen_from_outside(here: Standing) -> None:
    at(here, NIGHT, nightly.catch_up)
    midnight = datetime(2026, 11, 20, 16, tzinfo=UTC)
    for hours, warned in ((2, []), (25, []), (36, []), (37, [37]), (60, [60])):
        now = midnight + timedelta(hours=hours)
        until, _, warnings = at(here, now, nightly.warn_if_overdue)
        assert until == midnight
        assert metrics.REGISTRY.get_sample_value(UNTIL) == midnight.timestamp()
        overdue = [one for one in warnings if one["event"] == "access log not reconciled"]
        assert [one["hours"] for one in overdue] == warned, hours


def test_a_failing_comparison_is_tried_again_and_still_warned_about(
    here: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(house: House, day: date) -> Any:
        raise RuntimeError("something of a person")

    monkeypatch.setattr(nightly, "reconcile", failing)
    monkeypatch.setattr(nightly, "LOOK_EVERY", 0.05)

    with (
        process(here, NIGHT + timedelta(days=2)) as house,
        structlog.testing.capture_logs() as seen,
    ):

        def told(what: str) -> int:
            return [one["event"] for one in seen].count(what)

        async def run() -> None:
            chore = asyncio.create_task(nightly.keep_reconciling(house))
            end = time.monotonic() + PATIENCE
            while told("access log not reconciled") < 2 or not told("reconciling failed"):
                assert time.monotonic() < end, "it was not tried again"
                await asyncio.sleep(0.02)
            chore.cancel()
            await asyncio.wait([chore])

        asyncio.run(run())
    assert "something of a person" not in str(seen)


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
def test_a_server_compares_by_itself(database_url: str, keystore_url: str, tmp_path: Path) -> None:
    made = install(tmp_path, database_url, keystore_url)
    before = over()
    engine = open_engine(database_url)
    wanted = select(access_reconciled.c.day).where(access_reconciled.c.sealed.is_not(None))
    found: Sequence[int] = []
    end = time.monotonic() + PATIENCE
    with serving(made):
        while not found and time.monotonic() < end:
            with engine.connect() as conn:
                found = conn.execute(wanted).scalars().all()
            time.sleep(0.1)
    engine.dispose()
    # A day may have come to be over meanwhile.
    assert found in ([before], [over()], [before, over()])


def over() -> int:
    """The newest day that may be compared."""
    return (city_day(utc_now() - timedelta(hours=1)) - timedelta(days=1)).toordinal()
