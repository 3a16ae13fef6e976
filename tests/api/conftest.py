"""Another process over the stores of a test's town; each file opens its own town as `here`."""

from collections.abc import Iterator

import pytest

from service.house import House
from tests.asgi import Doors
from tests.conftest import MovingClock
from tests.house_room import Town, another_house, another_process
from tests.meanwhile import ONE_WRITER


@pytest.fixture
def there(here: Town, clock: MovingClock) -> Iterator[Doors]:
    """The doors of another process."""
    if here.beneath.dialect.name == "sqlite":
        pytest.skip(ONE_WRITER)
    with another_process(here.house, clock) as opened:
        yield opened


@pytest.fixture
def elsewhere(here: Town, clock: MovingClock) -> Iterator[House]:
    """The house of another process."""
    if here.beneath.dialect.name == "sqlite":
        pytest.skip(ONE_WRITER)
    with another_house(here.house, clock) as other:
        yield other
