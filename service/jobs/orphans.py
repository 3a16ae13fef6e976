"""Destroy keyrings whose sign-up was refused or never ended, an hour after they were made."""

from uuid import UUID

from sqlalchemy import Connection

from service.house import House
from service.jobs.again import again
from service.keys import pending
from service.kit.audience import speaking_for
from service.kit.guard import ask
from service.kit.log import log
from service.residents import store as residents

BATCH = 200
SWEEP_EVERY = 600.0
"""Seconds between two looks."""


def sweep(house: House) -> int:
    """Look at every keyring whose hour is over; how many had nobody and are destroyed."""
    gone = 0
    while waiting := pending.due(house.keystore, house.clock(), limit=BATCH):

        def present(conn: Connection, waiting: list[UUID] = waiting) -> set[UUID]:
            ask(conn, *waiting)
            return residents.known(conn, waiting)

        with speaking_for("chores"):
            kept = house.db.read(present)
        orphans = [one for one in waiting if one not in kept]
        pending.settle(house.keystore, kept=list(kept), orphans=orphans)
        for one in orphans:
            house.vault.forget(one)
        gone += len(orphans)
    if gone:
        log.info("keyrings without a person destroyed", count=gone)
    return gone


async def keep_sweeping(house: House) -> None:
    """Sweep until cancelled; what goes wrong is logged, and tried again."""
    await again(house, sweep, every=SWEEP_EVERY, failed="sweeping failed")
