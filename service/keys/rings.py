"""Changing a keyring: new epochs, dropped epochs, shredded classes. One ring a transaction.

A ring is read, changed and written while its row is held, so two processes never undo each other's
change. Every change wraps the ring under a new resident's key and the primary root key.
"""

from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from service.keys import marks, stages
from service.keys.keyring import Keyring, RingFull, SealedKeyring, Slot
from service.keys.keystore import Keystore
from service.keys.tables import class_tombstones, keyrings, renewals, ring_keys, tombstones
from service.kit.column_types import EPOCH
from service.kit.errors import Gone, NotFound, Unavailable

SPARE = 2
"""Places a renewal leaves free on the ring, so that a class can always be shredded."""
KEY_NUMBER = 4
"""Bytes of a key's number."""


@dataclass(frozen=True, slots=True)
class ClassTombstone:
    """That a resident's keys of one class are to be destroyed, or were. `doomed` are their numbers.

    Only the resident's own keyring says which class a tag stands for.
    """

    resident: UUID
    class_tag: bytes
    at: datetime
    reason: str
    doomed: frozenset[int]
    done: bool
    hash: bytes


def begin(keystore: Keystore, resident: UUID, slots: Collection[Slot], *, now: datetime) -> int:
    """Begin the next epoch of these slots, as far as there is room; of how many.

    The new keys seal from now on and older ones still open. Other processes go on sealing under
    the keys they have opened until those are forgotten, so what is sealed anew waits that long
    (`renewals`). A slot whose last renewal is not over is passed over.
    """
    begun = 0

    def turn(conn: Connection, ring: Keyring) -> Keyring:
        nonlocal begun
        due = ring.due(slots, spare=SPARE)
        begun = len(due)
        if not due:
            return ring
        _wait(conn, resident, now)
        return ring.begun(due, spare=SPARE, suite=keystore.suite)

    _changed(keystore, resident, turn)
    return begun


def begin_all(
    keystore: Keystore, slots: Collection[Slot], *, after: UUID | None, limit: int, now: datetime
) -> tuple[int, UUID | None]:
    """`begin` for the next residents in order of id: how many keys, and the last resident."""
    batch = keystore.residents(after=after, limit=limit)
    begun = 0

    def turn(conn: Connection, ring: Keyring, resident: UUID) -> Keyring:
        nonlocal begun
        due = ring.due(slots, spare=SPARE)
        begun += len(due)
        if not due:
            return ring
        _wait(conn, resident, now)
        return ring.begun(due, spare=SPARE, suite=keystore.suite)

    # In order of id and in one transaction: a durable commit for each would take hours.
    with keystore.writing() as conn:
        for resident in batch:
            with suppress(Gone, NotFound):
                _turned(conn, keystore, resident, partial(turn, resident=resident))
    return begun, batch[-1] if batch else None


def waiting(keystore: Keystore, *, before: datetime, limit: int, after: UUID | None) -> list[UUID]:
    """Residents whose renewal began before an instant, in order of id."""
    query = select(renewals.c.resident_id).where(renewals.c.since <= before)
    if after is not None:
        query = query.where(renewals.c.resident_id > after)
    with keystore.reading() as conn:
        return list(conn.scalars(query.order_by(renewals.c.resident_id).limit(limit)))


def put_off(keystore: Keystore, resident: UUID, *, now: datetime) -> None:
    """Let the older keys wait from now on: rows under them were sealed anew only now."""
    with keystore.writing() as conn:
        _wait(conn, resident, now)


def drop(keystore: Keystore, resident: UUID, used: Collection[int], *, before: datetime) -> int:
    """Drop older keys under which nothing lies any more; how many were dropped.

    Only when the renewal began, and the last row was sealed anew, before an instant: until then
    backups of the data may need them.
    """
    dropped: frozenset[int] = frozenset()

    def turn(conn: Connection, ring: Keyring) -> Keyring:
        nonlocal dropped
        mine = renewals.c.resident_id == resident
        since = conn.scalar(select(renewals.c.since).where(mine))
        if since is None or since > before:
            return ring
        dropped = ring.outdated() - frozenset(used)
        conn.execute(delete(renewals).where(mine))
        marks.forget(conn, resident, dropped)
        return ring.without(dropped)

    _changed(keystore, resident, turn)
    return len(dropped)


def spend(keystore: Keystore, resident: UUID, slot: Slot, dek_id: int, *, now: datetime) -> None:
    """Mark a use of a key; the one that spends it begins the slot's next epoch.

    `Unavailable` when the ring has no room for it: then nothing more is sealed in this slot.
    """
    is_full = False

    # In one transaction: nobody would come by again for a key whose last mark alone was kept.
    def turn(conn: Connection, ring: Keyring) -> Keyring:
        nonlocal is_full
        spent = marks.add(conn, resident, dek_id) >= marks.MOST_MARKS
        if not spent or ring.newest(slot).dek_id != dek_id:
            return ring
        try:
            fresh = ring.begun({slot}, suite=keystore.suite)
        except RingFull:
            is_full = True
            return ring
        _wait(conn, resident, now)
        return fresh

    _changed(keystore, resident, turn)
    if is_full:
        raise Unavailable


# -- shredding one class -----------------------------------------------------------------------


def condemn(
    keystore: Keystore, resident: UUID, slot: Slot, *, now: datetime, reason: str
) -> ClassTombstone:
    """Begin new keys for a class and for the owner's documents; the old ones are to be destroyed.

    The owner's slot goes along because its documents are derived from every class: under the old
    key they would still tell of this one in backups. The old keys open until `bury`, so that what
    stays can be sealed anew. The same call again (`now` names it) changes nothing.
    """
    stone: ClassTombstone | None = None

    def turn(conn: Connection, ring: Keyring) -> Keyring:
        nonlocal stone
        tag = ring.index().tag("class", slot)
        stone = _stone(conn, resident, tag, now)
        if stone is not None:
            return ring
        slots = {slot, Slot.OWNER}
        doomed = frozenset(entry.dek_id for entry in ring.of(slots))
        stone = _carved(resident, tag, now, reason, doomed)
        _keep(conn, stone)
        return ring.begun(slots, suite=keystore.suite)

    try:
        _changed(keystore, resident, turn)
    except RingFull:
        raise Unavailable from None
    assert stone is not None
    return stone


def bury(keystore: Keystore, stone: ClassTombstone) -> ClassTombstone:
    """Destroy the keys that `condemn` named. After the rows are gone for certain; idempotent."""
    buried = replace(stone, done=True)

    def turn(conn: Connection, ring: Keyring) -> Keyring:
        _keep(conn, buried)
        marks.destroy(conn, stone.resident, stone.doomed)
        return ring.without(stone.doomed)

    _changed(keystore, stone.resident, turn)
    keystore.empty_journal()
    return buried


def spare(keystore: Keystore, stone: ClassTombstone, *, now: datetime | None = None) -> None:
    """Take back a `condemn` whose rows were never removed; the new keys stay.

    From `now` on they are those of a renewal, so that the older ones go one day: an erasure that
    is tried again and again would find the ring full.
    """
    mine = class_tombstones.c
    with keystore.writing() as conn:
        conn.execute(
            delete(class_tombstones).where(
                mine.resident_id == stone.resident,
                mine.class_tag == stone.class_tag,
                mine.at == stone.at,
                ~mine.done,
            )
        )
        if now is not None:
            _wait(conn, stone.resident, now)


def class_tombstones_of(keystore: Keystore, resident: UUID | None = None) -> list[ClassTombstone]:
    """All of them, or of one resident, oldest first."""
    query = select(class_tombstones).order_by(class_tombstones.c.at)
    if resident is not None:
        query = query.where(class_tombstones.c.resident_id == resident)
    with keystore.reading() as conn:
        return [_tombstone(row) for row in conn.execute(query)]


# -- inside ------------------------------------------------------------------------------------


def _changed(
    keystore: Keystore, resident: UUID, turn: Callable[[Connection, Keyring], Keyring]
) -> None:
    with keystore.writing() as conn:
        _turned(conn, keystore, resident, turn)


def _turned(
    conn: Connection,
    keystore: Keystore,
    resident: UUID,
    turn: Callable[[Connection, Keyring], Keyring],
) -> None:
    """Read, turn and write one ring while its rows are held."""
    kek, deployment = keystore.kek, keystore.deployment
    ring = Keyring.open(_held(conn, resident), kek, deployment, resident)
    turned = turn(conn, ring)
    if turned is ring:
        return
    fresh = turned.seal(kek, deployment, resident)
    stages.admit(conn, [fresh.kek_version])
    document = update(keyrings).where(keyrings.c.resident_id == resident)
    conn.execute(document.values(sealed_document=fresh.sealed_document))
    key = update(ring_keys).where(ring_keys.c.resident_id == resident)
    conn.execute(key.values(kek_version=fresh.kek_version, wrapped_rdek=fresh.wrapped_rdek))


def _held(conn: Connection, resident: UUID) -> SealedKeyring:
    """A keyring whose rows nobody else changes before the commit."""
    row = conn.execute(
        select(keyrings.c.sealed_document, ring_keys.c.kek_version, ring_keys.c.wrapped_rdek)
        .join(ring_keys, ring_keys.c.resident_id == keyrings.c.resident_id)
        .where(keyrings.c.resident_id == resident)
        .with_for_update()
    ).first()
    if row is None:
        raise NotFound
    buried = select(1).where(tombstones.c.resident_id == resident)
    if conn.execute(buried).first() is not None:
        raise Gone
    marked = marks.of(conn, [resident]).get(resident, marks.NONE)
    wrapped, document = bytes(row.wrapped_rdek), bytes(row.sealed_document)
    return SealedKeyring(row.kek_version, wrapped, document, *marked)


def _wait(conn: Connection, resident: UUID, now: datetime) -> None:
    insert = sqlite_insert if conn.dialect.name == "sqlite" else postgresql_insert
    row = insert(renewals).values(resident_id=resident, since=now)
    conn.execute(row.on_conflict_do_update(index_elements=["resident_id"], set_={"since": now}))


def _stone(conn: Connection, resident: UUID, tag: bytes, now: datetime) -> ClassTombstone | None:
    row = conn.execute(
        select(class_tombstones).where(
            class_tombstones.c.resident_id == resident,
            class_tombstones.c.class_tag == tag,
            class_tombstones.c.at == now,
        )
    ).first()
    return None if row is None else _tombstone(row)


def _carved(
    resident: UUID, tag: bytes, now: datetime, reason: str, doomed: frozenset[int]
) -> ClassTombstone:
    micros = ((now - EPOCH) // timedelta(microseconds=1)).to_bytes(8, "big", signed=True)
    told = b"kangma class tombstone 1" + resident.bytes + tag + micros + _numbers(doomed)
    hashed = sha256(told + reason.encode()).digest()
    return ClassTombstone(resident, tag, now, reason, doomed, False, hashed)


def _keep(conn: Connection, stone: ClassTombstone) -> None:
    insert = sqlite_insert if conn.dialect.name == "sqlite" else postgresql_insert
    row = insert(class_tombstones).values(
        resident_id=stone.resident,
        class_tag=stone.class_tag,
        at=stone.at,
        reason=stone.reason,
        doomed=_numbers(stone.doomed),
        done=stone.done,
        hash=stone.hash,
    )
    keys = ["resident_id", "class_tag", "at"]
    conn.execute(row.on_conflict_do_update(index_elements=keys, set_={"done": stone.done}))


def _numbers(dek_ids: Collection[int]) -> bytes:
    return b"".join(dek_id.to_bytes(KEY_NUMBER, "big") for dek_id in sorted(dek_ids))


def _tombstone(row: Any) -> ClassTombstone:
    raw = bytes(row.doomed)
    doomed = frozenset(
        int.from_bytes(raw[at : at + KEY_NUMBER], "big") for at in range(0, len(raw), KEY_NUMBER)
    )
    return ClassTombstone(
        row.resident_id, bytes(row.class_tag), row.at, row.reason, doomed, row.done, bytes(row.hash)
    )
