"""What an idle process still has in memory of people, once its time is over."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from types import SimpleNamespace
from uuid import UUID

import pytest

from service.app import CHORES
from service.jobs import expiry
from service.keys import cache
from service.kit.settings import Settings
from service.panel.memory import memory_of
from tests.conftest import MovingClock
from tests.doctor_room import PRESSURE, log, ok, sign
from tests.house_room import Person, Town, town

PROMISED = 60.0
"""Seconds after their time within which keys and rows are gone (docs/security-model.md)."""


@pytest.fixture
def here(settings: Settings, clock: MovingClock) -> Iterator[Town]:
    with town(settings, clock) as opened:
        yield opened


@pytest.fixture
def people(here: Town) -> tuple[Person, Person]:
    """Two residents on a panel that was looked at just now."""
    zhou, lin, wei = here.doctor(), here.resident("lin"), here.resident("wei")
    for one in (lin, wei):
        log(here, one, PRESSURE)
        sign(here, one, zhou, "body")
    # The first look makes the cards, the second remembers what it opened.
    for _ in range(2):
        page = ok(here.doors.get("/v1/doctor/panel", headers=zhou.headers))
        assert len(page["items"]) == 2
    return lin, wei


def remembered(here: Town) -> set[UUID]:
    panels = memory_of(here.house.vault)._panels.values()
    return {who for rows in panels for who in rows}


def test_whoever_is_erased_is_on_no_remembered_panel(
    here: Town, people: tuple[Person, Person]
) -> None:
    lin, wei = people
    assert remembered(here) == {UUID(lin.id), UUID(wei.id)}
    ok(here.doors.delete("/v1/me", headers=lin.headers))
    assert remembered(here) == {UUID(wei.id)}
    assert UUID(lin.id).int not in here.house.vault._cache._kept


@pytest.mark.usefixtures("people")
def test_the_chore_leaves_nothing_in_an_idle_process(
    here: Town, clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert expiry.keep_sweeping in CHORES
    assert expiry.SWEEP_EVERY < PROMISED
    vault = here.house.vault
    assert vault._cache._kept
    assert remembered(here)
    ends = cache.time.monotonic() + cache.LIFETIME
    clock.advance(timedelta(seconds=cache.LIFETIME))
    monkeypatch.setattr(cache, "time", SimpleNamespace(monotonic=lambda: ends))
    monkeypatch.setattr(expiry, "SWEEP_EVERY", 0.01)

    async def once() -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(expiry.keep_sweeping(here.house), 0.3)

    asyncio.run(once())
    assert not vault._cache._kept
    assert not vault._cache._beside
    assert remembered(here) == set()
