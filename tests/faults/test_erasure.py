"""An erasure cut in two by a crash is finished at the next start."""

import asyncio
from collections.abc import Iterator
from uuid import UUID

import pytest
from sqlalchemy import Connection

from consent.vocabulary import Action
from service.app import create
from service.grants import gate
from service.jobs import erasures
from service.kit.errors import Gone
from service.kit.settings import Settings
from service.residents import actions as residents
from tests.conftest import MovingClock
from tests.house_room import Town, town


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
