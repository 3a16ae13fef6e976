"""The composition root: one house, one application. `uvicorn --factory service.app:create`."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from anyio import to_thread
from fastapi import FastAPI

from service.api.bare import application
from service.house import OUTLINES_FILE, House, build, load_outlines
from service.identity import actions as identity
from service.jobs import checkpoint, erasures, expiry, nightly, orphans, rules, watch
from service.kit import cores, log
from service.kit.audience import speaking_for
from service.kit.errors import Unavailable
from service.kit.settings import Settings

YOUNG_OBJECTS = 20_000
"""New objects between two looks for garbage: what some twenty requests make."""

TIDIED_EVERY = 600.0
"""Seconds between two looks for ended rows of sign-in."""


def create(house: House | None = None) -> FastAPI:
    """The whole HTTP service over `house`, or over one built from the settings."""
    inhabited = house or build(Settings())
    log.configure(inhabited.settings.log_level)
    app = application(_lifespan)
    # The city's routes read single rooms from the state; only residents' and doctors' routes
    # see the house with its vault (layer contract 4).
    app.state.house = inhabited
    app.state.settings = inhabited.settings
    app.state.issuer = inhabited.settings.issuer
    app.state.clock = inhabited.clock
    app.state.db = inhabited.db
    app.state.tokens = inhabited.tokens
    app.state.revocations = inhabited.revocations
    app.state.limits = inhabited.limits
    app.state.cursors = inhabited.cursors
    app.state.regions = inhabited.regions
    app.state.outlines = load_outlines(inhabited.settings.data / OUTLINES_FILE)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    cores.forbid()
    house: House = app.state.house
    await to_thread.run_sync(lambda: erasures.finish(house, now=house.clock()))
    # Before the first request: a process never judges by a pack that another has replaced, and
    # never starts on one that nobody signed.
    await to_thread.run_sync(lambda: rules.follow(house))
    spare_the_collector()
    chores = [asyncio.create_task(one(house)) for one in CHORES]
    yield
    for chore in chores:
        chore.cancel()
    await asyncio.wait(chores)
    house.close()


def spare_the_collector() -> None:
    """What the start has made lives as long as the process.

    Looking through all of it for garbage again and again would stop every request for tens of
    milliseconds.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)


async def _tidy(house: House) -> None:
    """Drop what sign-in no longer needs, again and again; a database that is away can wait."""
    while True:
        with suppress(Unavailable), speaking_for("chores"):
            await house.db.awrite(lambda conn: identity.tidy(conn, house.clock()))
        await asyncio.sleep(TIDIED_EVERY)


CHORES = (
    _tidy,
    checkpoint.keep_making,
    watch.keep_watching,
    rules.keep_following,
    orphans.keep_sweeping,
    erasures.keep_finishing,
    expiry.keep_sweeping,
    nightly.keep_reconciling,
)
"""What every process does beside answering, again and again until it ends."""
