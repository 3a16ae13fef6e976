"""Finish erasures that a crash cut in two: the file is closed, and the keys are still there.

Erasing commits the data store first and destroys the keys after it, because the other order could
leave a living resident without keys. Every start of the service therefore looks for erased
residents who have no tombstone yet, and destroys their keys.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from service.house import House
from service.kit.errors import NotFound
from service.kit.guard import Crossing, dangerously_without_permit
from service.kit.log import log
from service.residents import store as residents


def _erased(conn: Connection) -> set[UUID]:
    with dangerously_without_permit(conn, Crossing.ERASURES):
        return residents.erased(conn)


def finish(house: House, *, now: datetime) -> int:
    """Destroy the keys of everybody erased who still has some; how many there were."""
    erased = house.db.read(_erased)
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
    if finished:
        log.warning("erasures finished", count=finished)
    return finished
