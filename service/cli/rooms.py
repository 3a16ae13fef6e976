"""Opening and closing the house around one command."""

from collections.abc import Iterator
from contextlib import contextmanager

from service.house import House, build
from service.kit import cores
from service.kit.settings import Settings


@contextmanager
def open_house(settings: Settings | None = None) -> Iterator[House]:
    cores.forbid()
    house = build(settings or Settings(), desk=True)
    try:
        yield house
    finally:
        house.close()
