"""Once a minute, look through what was added to the access log for unusual access."""

from service.house import House
from service.jobs.again import again
from service.kit.audience import speaking_for
from service.kit.guard import Crossing, dangerously_crossing
from service.watch import actions

LOOK_EVERY = 60.0
"""Seconds after which a resident is told at the latest."""


def watch(house: House) -> int:
    """Look through all that is new; how many entries there were."""
    done, now = 0, house.clock()
    job = dangerously_crossing(
        Crossing.WATCH, lambda conn: actions.look_through(conn, house.vault, now=now)
    )
    with speaking_for("chores"):
        while found := house.db.write(job):
            done += found
    return done


async def keep_watching(house: House) -> None:
    """Watch until cancelled; what goes wrong is logged, and tried again."""
    await again(house, watch, every=LOOK_EVERY, failed="watching failed")
