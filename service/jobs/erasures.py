"""Finish erasures that a crash cut in two: the rows are gone, and the keys are still there.

Erasing commits the data store first and destroys the keys after it, because the other order could
leave a living resident without keys. Every process therefore looks at its start, and again every
ten minutes, for erased residents who have no tombstone yet, and for classes whose keys were
condemned, and destroys them: the keystore alone may have been away, and nobody starts anew.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection

from service.house import House
from service.jobs.again import again
from service.keys import rings
from service.keys.rings import ClassTombstone
from service.kit.audience import speaking_for
from service.kit.errors import Gone, IntegrityBroken, NotFound
from service.kit.guard import Crossing, ask, dangerously_crossing
from service.kit.log import log
from service.residents import store as residents
from service.upkeep import replay

GIVEN_UP = timedelta(hours=1)
"""After which an erasure that left every row in place is over, and no longer going on."""
LOOK_EVERY = 600.0
"""Seconds between two looks."""


def finish(house: House, *, now: datetime) -> int:
    """Destroy the keys of everybody and every class erased that still has some; how many."""
    with speaking_for("chores"):
        finished = _persons(house, now) + _classes(house, now)
    if finished:
        log.warning("erasures finished", count=finished)
    return finished


async def keep_finishing(house: House) -> None:
    """Look until cancelled, after the look of the start; what goes wrong is logged, and tried
    again."""
    await asyncio.sleep(LOOK_EVERY)
    await again(
        house,
        lambda house: finish(house, now=house.clock()),
        every=LOOK_EVERY,
        failed="finishing erasures failed",
    )


def _persons(house: House, now: datetime) -> int:
    erased = house.db.read(dangerously_crossing(Crossing.ERASURES, residents.erased))
    if not erased:
        return 0
    done = {stone.resident for stone in house.keystore.tombstones()}
    finished = 0
    for resident in erased - done:
        try:
            house.vault.shred(resident, now=now, reason="erased by the resident")
        except NotFound:
            # No keyring and no tombstone: the keystore never knew them.
            continue
        finished += 1
    return finished


def _classes(house: House, now: datetime) -> int:
    finished = 0
    for stone in rings.class_tombstones_of(house.keystore):
        if stone.done:
            continue
        if house.db.read(_remains(stone)):
            # The rows are there, so the erasure never committed and its asker was told so. One that
            # another process is at commits yet: should that process die then, the next look has
            # nothing but the stone to know by.
            if stone.at < now - GIVEN_UP:
                rings.spare(house.keystore, stone, now=now)
            continue
        try:
            house.vault.bury(stone)
        except (Gone, NotFound):
            # The whole person was erased since.
            rings.spare(house.keystore, stone)
            continue
        except IntegrityBroken:
            # Whose keyring does not open holds up nobody else; it is met again at the next look.
            log.critical("alert", code=IntegrityBroken.code, reason="keyring does not open")
            continue
        finished += 1
    return finished


def _remains(stone: ClassTombstone) -> Callable[[Connection], bool]:
    def remain(conn: Connection) -> bool:
        ask(conn, stone.resident)
        return replay.remains(conn, stone)

    return dangerously_crossing(Crossing.ERASURES, remain)
