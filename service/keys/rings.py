"""Changing a keyring: new epochs, dropped epochs, shredded classes. One ring a transaction.

A ring is read, changed and written while its row is held, so two processes never undo each other's
change. Every change wraps the ring under a new resident's key and the primary root key.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from service.keys import marks, stages
from service.keys.index import Index
from service.keys.keyring import Keyring, RingFull, SealedKeyring, Slot
from service.keys.keystore import Keystore
from service.keys.tables import class_tombstones, keyrings, renewals, tombstones
from service.kit.db import EPOCH
from service.kit.errors import Gone, NotFound, Unavailable

CLASSES = frozenset(Slot) - {Slot.OWNER, Slot.POLICY}
"""Slots that one renewal moves together: a ring has room for eleven keys besides its thirteen."""
INTERNAL = frozenset({Slot.OWNER, Slot.POLICY})


@dataclass(frozen=True, slots=True)
class ClassTombstone:
    """That a resident's keys of one class were destroyed. Only their keyring says which class."""

    resident: UUID
    class_tag: bytes
    at: datetime
    reason: str
    hash: bytes


def begin(keystore: Keystore, resident: UUID, slots: Collection[Slot], *, now: datetime) -> None:
    """New keys of the next epoch, which seal from now on; older ones still open.

    Other processes go on sealing under the keys they have opened until those are forgotten, so
    what is sealed anew waits that long (`renewals`). `RingFull` when there is no room.
    """

    def turn(conn: Connection, ring: Keyring) -> Keyring:
        _wait(conn, resident, now)
        return ring.begun(slots)

    _changed(keystore, resident, turn)


def begin_all(
    keystore: Keystore, slots: Collection[Slot], *, after: UUID | None, limit: int, now: datetime
) -> UUID | None:
    """`begin` for the next residents in order of id; the last of them, None when there are no more.

    Who has no room left is passed over: an earlier renewal of theirs is not yet finished.
    """
    last = None
    for last in keystore.residents(after=after, limit=limit):
        try:
            begin(keystore, last, slots, now=now)
        except (RingFull, Gone, NotFound):
            continue
    return last


def waiting(keystore: Keystore, *, before: datetime, limit: int, after: UUID | None) -> list[UUID]:
    """Residents whose renewal began before an instant, in order of id."""
    query = select(renewals.c.resident_id).where(renewals.c.since <= before)
    if after is not None:
        query = query.where(renewals.c.resident_id > after)
    with keystore.reading() as conn:
        return list(conn.scalars(query.order_by(renewals.c.resident_id).limit(limit)))


def drop(keystore: Keystore, resident: UUID, used: Collection[int], *, before: datetime) -> int:
    """Drop older keys under which nothing lies any more; how many were dropped.

    Only for a renewal that began before an instant: until then backups of the data may need them.
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
    with keystore.writing() as conn:
        spent = marks.add(conn, resident, dek_id) >= marks.MOST_MARKS
    if not spent:
        return

    def turn(conn: Connection, ring: Keyring) -> Keyring:
        if ring.newest(slot).dek_id != dek_id:
            return ring
        _wait(conn, resident, now)
        return ring.begun({slot})

    try:
        _changed(keystore, resident, turn)
    except RingFull:
        raise Unavailable from None


def shred(
    keystore: Keystore, resident: UUID, slot: Slot, *, now: datetime, reason: str
) -> ClassTombstone:
    """Destroy every key of one class and of the owner's documents, and begin new ones.

    What is derived from all classes lies in the owner's slot; under its old keys it would still
    tell of the class in backups. The same call again (`now` names it) changes nothing.
    """
    stone: ClassTombstone | None = None

    def turn(conn: Connection, ring: Keyring) -> Keyring:
        nonlocal stone
        tag = Index(ring.index_key).tag("class", slot)
        stone = _stone(conn, resident, tag, now)
        if stone is not None:
            return ring
        gone = frozenset(entry.dek_id for entry in ring.of({slot, Slot.OWNER}))
        stone = _buried(conn, resident, tag, now, reason, gone)
        marks.destroy(conn, resident, gone)
        kept = ring.without(gone)
        # The epochs go on from the destroyed ones, so that no number of an epoch comes twice.
        return Keyring(ring.index_key, (*kept.entries, *_after(ring, {slot, Slot.OWNER})))

    _changed(keystore, resident, turn)
    assert stone is not None
    return stone


def class_tombstones_of(keystore: Keystore) -> list[ClassTombstone]:
    """All of them, oldest first."""
    with keystore.reading() as conn:
        rows = conn.execute(select(class_tombstones).order_by(class_tombstones.c.at))
        return [_tombstone(row) for row in rows]


def destroyed(keystore: Keystore) -> dict[UUID, frozenset[int]]:
    """Numbers of destroyed keys of residents who still have a keyring."""
    with keystore.reading() as conn:
        return marks.destroyed(conn)


# -- inside ------------------------------------------------------------------------------------


def _changed(
    keystore: Keystore, resident: UUID, turn: Callable[[Connection, Keyring], Keyring]
) -> None:
    """Read, turn and write one ring while its row is held."""
    mine = keyrings.c.resident_id == resident
    with keystore.writing() as conn:
        row = conn.execute(select(keyrings).where(mine).with_for_update()).first()
        buried = select(1).where(tombstones.c.resident_id == resident)
        if row is None or conn.execute(buried).first() is not None:
            raise NotFound if row is None else Gone
        gone, spent = marks.of(conn, [resident]).get(resident, marks.NONE)
        sealed = SealedKeyring(
            row.kek_version, bytes(row.wrapped_rdek), bytes(row.sealed_document), gone, spent
        )
        kek = keystore.root_key(sealed.kek_version)
        ring = Keyring.open(sealed, kek, keystore.deployment, resident)
        turned = turn(conn, ring)
        if turned is ring:
            return
        fresh = turned.seal(kek, keystore.deployment, resident)
        stages.admit(conn, [fresh.kek_version])
        conn.execute(
            update(keyrings)
            .where(mine)
            .values(
                kek_version=fresh.kek_version,
                wrapped_rdek=fresh.wrapped_rdek,
                sealed_document=fresh.sealed_document,
            )
        )


def _after(ring: Keyring, slots: Collection[Slot]) -> tuple[Any, ...]:
    """New entries of the next epochs, without room for the old ones."""
    newest = tuple(ring.newest(slot) for slot in slots)
    begun = Keyring(ring.index_key, newest).begun(slots)
    return begun.entries[len(newest) :]


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


def _buried(
    conn: Connection, resident: UUID, tag: bytes, now: datetime, reason: str, gone: frozenset[int]
) -> ClassTombstone:
    micros = ((now - EPOCH) // timedelta(microseconds=1)).to_bytes(8, "big", signed=True)
    keys = b"".join(dek_id.to_bytes(4, "big") for dek_id in sorted(gone))
    told = b"kangma class tombstone 1" + resident.bytes + tag + micros + sha256(keys).digest()
    stone = ClassTombstone(resident, tag, now, reason, sha256(told + reason.encode()).digest())
    conn.execute(
        class_tombstones.insert().values(
            resident_id=resident, class_tag=tag, at=now, reason=reason, hash=stone.hash
        )
    )
    return stone


def _tombstone(row: Any) -> ClassTombstone:
    return ClassTombstone(
        row.resident_id, bytes(row.class_tag), row.at, row.reason, bytes(row.hash)
    )
