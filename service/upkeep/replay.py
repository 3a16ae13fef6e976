"""After a restore: what was erased since the backup is erased again, by tombstones.

No key is needed for it: a tombstone names a person or the numbers of destroyed keys, and every
ciphertext says in its header which key it lies under.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from service.appeals import actions as appeals
from service.keys import rings
from service.keys.keystore import Keystore
from service.keys.rings import ClassTombstone
from service.kit.db import Database
from service.kit.guard import Crossing, dangerously_crossing
from service.kit.log import log
from service.residents.store import ACTIVE
from service.upkeep import shredding, store

CHUNK = 200


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a restored data store still had of what was erased, and how many cursors ended."""

    persons: int
    classes: int
    rows: int
    epochs: int = 0


def replay(db: Database, keystore: Keystore, statistics_key: bytes, *, now: datetime) -> Replayed:
    """Erase again every person and every class that has a tombstone; again, it finds nothing."""
    persons = 0
    stones = [stone.resident for stone in keystore.tombstones()]
    for start in range(0, len(stones), CHUNK):
        asked = partial(store.statuses, asked=stones[start : start + CHUNK])
        known = db.read(dangerously_crossing(Crossing.RESTORE, asked))
        for resident in (who for who, status in known.items() if status == ACTIVE):
            erase = partial(
                shredding.erase_again, resident=resident, statistics_key=statistics_key, now=now
            )
            db.write(dangerously_crossing(Crossing.RESTORE, erase), key=resident.bytes)
            persons += 1
    classes = rows = 0
    for stone in rings.class_tombstones_of(keystore):
        if not stone.done:
            continue
        gone = dangerously_crossing(Crossing.RESTORE, partial(remove, stone=stone))
        removed = db.write(gone, key=stone.resident.bytes)
        classes += removed > 0
        rows += removed
    log.warning("erasures replayed", persons=persons, classes=classes, rows=rows)
    return Replayed(persons, classes, rows)


def remove(conn: Connection, stone: ClassTombstone) -> int:
    """Take away every ciphertext under the keys of a tombstone; how many there were.

    Where there were any, the person's appeals go too: what they say of the class lies under another
    key, and nobody here may open them to tell which do.
    """
    found = list(store.sealed_under(conn, stone.resident, stone.doomed))
    for column, row in found:
        store.empty(conn, column, row)
    if found:
        appeals.forget(conn, stone.resident)
    return len(found)


def remains(conn: Connection, stone: ClassTombstone) -> bool:
    """Whether anything still lies under the keys of a tombstone."""
    return next(store.sealed_under(conn, stone.resident, stone.doomed), None) is not None
