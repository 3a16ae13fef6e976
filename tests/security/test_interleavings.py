"""P3 where it is hardest: reads and withdrawals at random moments, through two real servers.

No read that began after the answer to a withdrawal had arrived may be answered with data. That the
race can be lost at all is shown too: with decisions that somebody remembers and without wall 2, the
same race in one process finds data that should have been shut.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random

import httpx
import pytest

from service.app import create
from service.house import House, build
from service.kit.clock import utc_now
from service.kit.settings import Settings
from tests import wall_slips as slips
from tests.asgi import ADDRESS
from tests.house_room import town
from tests.journeys.server import install, serving
from tests.race import FAMILY, Outcome, Race

DOORS = ["records", "records", "records", "series", "patient", "panel"]
LOOKS = ["records", "series"]


@asynccontextmanager
async def in_one_process(houses: Sequence[House]) -> AsyncIterator[list[httpx.AsyncClient]]:
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(
                httpx.AsyncClient(
                    transport=httpx.ASGITransport(create(house), client=("127.0.0.1", 50000)),
                    base_url=ADDRESS,
                )
            )
            for house in houses
        ]


@asynccontextmanager
async def served(urls: Sequence[str]) -> AsyncIterator[list[httpx.AsyncClient]]:
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(
                httpx.AsyncClient(base_url=url, timeout=60, trust_env=False)
            )
            for url in urls
        ]


@pytest.mark.parametrize(
    ("families", "turns"),
    [pytest.param(3, 20, id="240"), pytest.param(100, 25, id="10000", marks=pytest.mark.slow)],
)
def test_no_read_that_begins_after_a_withdrawal_was_answered_shows_anything(
    database_url: str, keystore_url: str, tmp_path: Path, families: int, turns: int
) -> None:
    made = install(tmp_path, database_url, keystore_url)
    with serving(made) as one, serving(replace(made)) as other, building(made.settings()) as house:

        async def race() -> Outcome:
            async with served([one.url, other.url]) as sides:
                random = Random(31)
                return await Race(house, sides, random=random, doors=DOORS, crossing=True).run(
                    families=families, turns=turns
                )

        found = asyncio.run(race())
    print(found)
    assert found.stale == []
    assert not found.odd
    assert found.turns == found.late == families * FAMILY * turns
    # It was a race: data was shown before, and most withdrawals were answered during a read.
    assert found.shown > found.turns / 4
    assert found.overtaken > found.turns / 2


def test_the_race_is_lost_without_wall_2(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader who remembers decisions for a moment, first with the wall and then without it."""

    def race() -> Outcome:
        async def run() -> Outcome:
            async with in_one_process([one, other]) as sides:
                random = Random(31)
                return await Race(one, sides, random=random, doors=LOOKS, crossing=False).run(
                    families=1, turns=10
                )

        return asyncio.run(run())

    with town(settings, utc_now) as here, building(settings) as other:
        one = here.house
        slips.remember_decisions(monkeypatch, seconds=30)
        found = race()
        assert (found.stale, found.turns, found.late) == ([], 40, 40)
        assert found.rules["withdrawn"] > 0

        slips.without_consent_revision(monkeypatch)
        found = race()
        assert len(found.stale) > found.turns / 2


@contextmanager
def building(settings: Settings) -> Iterator[House]:
    house = build(settings)
    try:
        yield house
    finally:
        house.close()
