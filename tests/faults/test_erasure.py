"""An erasure cut in two by a crash is finished at the next start, or by who runs on."""

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection

from consent.vocabulary import Action
from service.app import create
from service.grants import gate
from service.house import House
from service.jobs import erasures
from service.keys.keyring import Keyring
from service.keys.tables import ring_keys
from service.keys.vault import Vault
from service.kit.errors import Gone
from service.kit.settings import Settings
from service.residents import actions as residents
from tests.conftest import MovingClock
from tests.house_room import Town, another_house, town


@pytest.fixture
def here(settings: Settings, clock: MovingClock) -> Iterator[Town]:
    with town(settings, clock) as opened:
        yield opened


def test_keys_that_outlived_an_erasure_are_destroyed(here: Town, clock: MovingClock) -> None:
    house = here.house
    lin, zhao = UUID(here.resident("lin").id), UUID(here.resident("zhao").id)

    def half(conn: Connection) -> None:
        permit = gate.own(
            conn, house.vault, resident=lin, action=Action.ERASE, now=clock(), stepped_up=True
        )
        residents.erase(conn, permit)

    house.db.write(half)
    assert house.keystore.load(lin)

    async def start() -> None:
        app = create(house)
        async with app.router.lifespan_context(app):
            with pytest.raises(Gone):
                house.keystore.load(lin)
            assert house.keystore.load(zhao)
            assert erasures.finish(house, now=clock()) == 0

    asyncio.run(start())


def test_a_whole_erasure_leaves_nothing_to_finish(here: Town, clock: MovingClock) -> None:
    lin = here.resident("lin")
    assert here.doors.delete("/v1/me", headers=lin.headers).status_code == 200
    assert erasures.finish(here.house, now=clock()) == 0


@pytest.mark.parametrize("path", ["/v1/me", "/v1/me/data-classes/body"])
def test_keys_that_outlive_their_erasure_go_without_a_restart(
    here: Town, clock: MovingClock, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """The keystore was away for a moment, between the two halves."""
    lin = here.resident("lin")
    before = _ring(here, UUID(lin.id))
    monkeypatch.setattr(erasures, "LOOK_EVERY", 0.05)
    for half in ("shred", "bury"):
        monkeypatch.setattr(Vault, half, _once_away(getattr(Vault, half)))

    async def run_on(process: House) -> None:
        app = create(process)
        async with app.router.lifespan_context(app):
            erase = partial(here.doors.delete, path, headers=lin.headers)
            assert (await asyncio.to_thread(erase)).status_code == 500
            end = time.monotonic() + 5
            while before <= _ring(here, UUID(lin.id)):
                assert time.monotonic() < end, "the keys are still there"
                await asyncio.sleep(0.02)

    with another_house(here.house, clock) as process:
        asyncio.run(run_on(process))


def _once_away(act: Callable[..., Any]) -> Callable[..., Any]:
    away = iter([True])

    def acts(*args: Any, **more: Any) -> Any:
        if next(away, False):
            raise OSError("the keystore is away")
        return act(*args, **more)

    return acts


def _ring(here: Town, who: UUID) -> set[int]:
    keystore = here.house.keystore
    try:
        sealed = keystore.load(who)
    except Gone:
        return set()
    return set(Keyring.open(sealed, keystore.kek, keystore.deployment, who).slots())


def test_one_keyring_that_does_not_open_holds_up_no_start_and_nobody_else(
    here: Town, clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [here.resident(name) for name in ("lin", "zhao")]
    before = [_ring(here, UUID(who.id)) for who in people]
    for who in people:
        monkeypatch.setattr(Vault, "bury", _once_away(Vault.bury))
        clock.advance(timedelta(seconds=1))
        erased = here.doors.delete("/v1/me/data-classes/body", headers=who.headers)
        assert erased.status_code == 500
    with here.house.keystore.writing() as conn:
        mine = ring_keys.c.resident_id == UUID(people[0].id)
        conn.execute(ring_keys.update().where(mine).values(wrapped_rdek=bytes(60)))
    assert erasures.finish(here.house, now=clock()) == 1
    assert not before[1] <= _ring(here, UUID(people[1].id))
