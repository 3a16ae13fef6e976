"""A town on each database, somebody in it, and a doctor they never had to do with."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.conftest import MovingClock
from tests.emergency_room import emergency_town, somebody, stranger
from tests.house_room import Person, Town


@pytest.fixture(scope="module")
def clock() -> MovingClock:
    return MovingClock(datetime(2026, 11, 20, 1, 0, tzinfo=UTC))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def here(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    clock: MovingClock,
) -> Iterator[Town]:
    with emergency_town(tmp_path_factory.mktemp("emergency"), request.param, clock) as opened:
        yield opened


@pytest.fixture
def lin(here: Town) -> Person:
    return somebody(here)


@pytest.fixture
def doctor(here: Town) -> Person:
    return stranger(here)
