"""Sealing anew what lies under keys of an older epoch, one resident a transaction, resumable.

Nothing but ciphertexts changes: revisions, places and tags stay, so no reader or device notices.
A run that was cut off goes on with what is left, because what was sealed anew has the new key.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row

from service.keys import inspection, rings
from service.keys.keystore import Keystore
from service.keys.vault import Vault
from service.kit.db import Database
from service.kit.errors import Gone, IntegrityBroken, NotFound
from service.kit.guard import Crossing, dangerously_crossing
from service.kit.sealed import Sealed
from service.residents.store import hold
from service.upkeep import store
from service.upkeep.columns import COLUMNS, SealedColumn
from service.upkeep.replay import remains

BATCH = 100
"""Residents whose names are fetched at once."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How many residents were gone through, ciphertexts sealed anew, and old keys dropped."""

    residents: int = 0
    sealed: int = 0
    dropped: int = 0
    broken: int = 0


def reseal(
    db: Database,
    keystore: Keystore,
    vault: Vault,
    *,
    now: datetime,
    wait: timedelta,
    kept: timedelta,
) -> Iterator[Progress]:
    """Seal anew for everybody whose renewal began `wait` ago; yields after each resident.

    Old keys are dropped where nothing has lain under them for longer than `kept`, as long as
    backups of the data may need them.
    """
    progress = Progress()
    after: UUID | None = None
    while batch := rings.waiting(keystore, before=now - wait, limit=BATCH, after=after):
        for resident in batch:
            # A process that began a renewal elsewhere may have left its older keys here.
            vault.forget(resident)
            anew = partial(_resident, keystore=keystore, vault=vault, resident=resident, now=now)
            sealed, broken = db.write(
                dangerously_crossing(Crossing.RESEALING, anew), key=resident.bytes
            )
            dropped = _dropped(db, keystore, resident, before=now - kept)
            vault.forget(resident)
            progress = Progress(
                progress.residents + 1,
                progress.sealed + sealed,
                progress.dropped + dropped,
                progress.broken + broken,
            )
            yield progress
        after = batch[-1]


def _resident(
    conn: Connection, keystore: Keystore, vault: Vault, resident: UUID, now: datetime
) -> tuple[int, int]:
    """How many ciphertexts were sealed anew, and how many do not open and stay as they are."""
    # Writers of this resident wait for the commit, so what is read here is what is replaced.
    hold(conn, [resident])
    _spare(conn, keystore, resident, now)
    sealed = broken = 0
    for column in COLUMNS:
        if not column.anew:
            continue
        for row in store.rows_of(conn, column, resident):
            try:
                fresh = _fresh(vault, column, row)
            except (IntegrityBroken, Gone, NotFound):
                broken += 1
                continue
            if fresh is not None:
                sealed += store.replace(conn, column, row, fresh.data)
    if sealed:
        # Backups of until now lie under the older keys. In the keystore first: of a run that dies
        # before the commit of this, the keys only wait longer.
        rings.put_off(keystore, resident, now=now)
    return sealed, broken


def _spare(conn: Connection, keystore: Keystore, resident: UUID, now: datetime) -> None:
    """Take back erasures of a class that never committed: none is going on while the row is held.

    Once nothing lies under their keys any more they would look as if they had.
    """
    for stone in rings.class_tombstones_of(keystore, resident):
        if not stone.done and remains(conn, stone):
            rings.spare(keystore, stone, now=now)


def _fresh(vault: Vault, column: SealedColumn, row: Row[Any]) -> Sealed | None:
    data = bytes(row._mapping[column.column.name])
    return inspection.reseal(vault, Sealed(data, column.place(vault, row)))


def _dropped(db: Database, keystore: Keystore, resident: UUID, *, before: datetime) -> int:
    asked = partial(store.keys_used, resident=resident)
    used = db.read(dangerously_crossing(Crossing.RESEALING, asked))
    try:
        return rings.drop(keystore, resident, set().union(*used.values()), before=before)
    except (Gone, NotFound):
        return 0
