"""A town that knows passkeys, and somebody in it; its clock goes back after each test."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.conftest import MovingClock
from tests.house_room import Person, Town
from tests.passkey_room import passkey_town
from tests.standing_room import NOW


@pytest.fixture(scope="module")
def still() -> MovingClock:
    return MovingClock(NOW)


@pytest.fixture
def clock(still: MovingClock) -> Iterator[MovingClock]:
    yield still
    still.now = NOW


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, still: MovingClock) -> Iterator[Town]:
    with passkey_town(tmp_path_factory.mktemp("passkeys"), still) as opened:
        yield opened


@pytest.fixture
def here(house: Town, clock: MovingClock) -> Town:
    return house


@pytest.fixture
def lin(here: Town) -> Person:
    return here.resident(f"lin-{uuid4()}")
