"""Epochs of data keys, their uses, and the shredding of one class, on both databases."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from consent.vocabulary import ALL_CLASSES, DataClass
from service.keys import marks, rings
from service.keys.keyring import CAPACITY, Keyring, RingFull, Slot
from service.keys.keystore import Keystore
from service.keys.tables import key_marks
from service.kit.clock import utc_now
from service.kit.crypto import aead, nonces
from service.kit.errors import Gone, IntegrityBroken, Unavailable
from service.kit.sealed import Sealed
from tests.keyring_room import Room, found, place

BODY, MENTAL = DataClass.BODY, DataClass.MENTAL
CLASSES = frozenset(Slot) - {Slot.OWNER, Slot.POLICY}
DAY = timedelta(days=1)


@pytest.fixture
def room(keystore_url: str, tmp_path: Path) -> Iterator[Room]:
    keystore = found(keystore_url, tmp_path)
    yield Room(keystore)
    keystore.close()


def ring_of(keystore: Keystore, resident: UUID) -> Keyring:
    sealed = keystore.load(resident)
    return Keyring.open(sealed, keystore.kek, keystore.deployment, resident)


def body(room: Room, who: UUID, text: bytes = b"118/76") -> Sealed:
    return room.vault.seal(room.own(who), BODY, place(who), text)


def test_a_new_epoch_seals_and_the_old_one_opens(room: Room) -> None:
    who = room.resident()
    old = body(room, who)
    late = room.another_process()
    assert late.open(old, room.own(who)) == b"118/76"
    assert rings.begin(room.keystore, who, {Slot.BODY}, now=room.now) == 1
    room.vault.forget(who)
    new = body(room, who)
    assert (aead.read_header(old.data).epoch, aead.read_header(new.data).epoch) == (1, 2)
    # A process that opened its keys before meets a number it does not know, and looks again.
    assert late.open(new, room.own(who)) == b"118/76"
    assert room.another_process().open(old, room.own(who)) == b"118/76"


def test_a_ring_keeps_room_for_a_shredding(room: Room) -> None:
    who = room.resident()
    assert rings.begin(room.keystore, who, CLASSES, now=room.now) == CAPACITY - rings.SPARE - 13
    assert rings.begin(room.keystore, who, CLASSES, now=room.now) == 0
    stone = rings.condemn(room.keystore, who, Slot.GENETIC, now=room.now, reason="asked")
    rings.bury(room.keystore, stone)
    ring = ring_of(room.keystore, who)
    assert {ring.newest(slot).slot for slot in Slot} == set(Slot)


def test_all_classes_are_renewed_in_two_rounds(room: Room) -> None:
    who = room.resident()
    before = ring_of(room.keystore, who).slots().keys()
    for _ in range(2):
        rings.begin(room.keystore, who, CLASSES, now=room.now)
        rings.drop(room.keystore, who, (), before=room.now)
    after = ring_of(room.keystore, who)
    kept = {entry.slot for entry in after.entries if entry.dek_id in before}
    assert kept & CLASSES == {slot for slot in CLASSES if after.newest(slot).epoch == 1}
    assert sum(after.newest(slot).epoch for slot in CLASSES) == 11 + 2 * 9 - 0


def test_a_key_in_use_or_in_a_backup_is_not_dropped(room: Room) -> None:
    who = room.resident()
    old = body(room, who)
    number = aead.read_header(old.data).dek_id
    rings.begin(room.keystore, who, {Slot.BODY}, now=room.now)
    began = room.now
    assert rings.drop(room.keystore, who, (), before=began - DAY) == 0
    assert rings.drop(room.keystore, who, {number}, before=began) == 0
    assert room.another_process().open(old, room.own(who)) == b"118/76"
    rings.begin(room.keystore, who, {Slot.MENTAL}, now=began)
    assert rings.drop(room.keystore, who, (), before=began) == 2
    with pytest.raises(IntegrityBroken):
        room.another_process().open(old, room.own(who))


def test_an_epoch_is_never_given_twice_and_has_an_end() -> None:
    ring = Keyring.fresh()
    seen = set()
    for epoch in range(2, 6):
        ring = ring.begun({Slot.BODY})
        assert ring.newest(Slot.BODY).epoch == epoch
        seen.add(ring.newest(Slot.BODY).dek_id)
        ring = ring.without(ring.outdated())
    assert len(seen) == 4
    last = ring.newest(Slot.BODY)._replace(epoch=2**16 - 1)
    with pytest.raises(RingFull):
        Keyring(ring.index_key, (last,)).begun({Slot.BODY})


# -- uses --------------------------------------------------------------------------------------


def test_about_one_use_in_65536_leaves_a_mark(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nonces of both kinds are forced here; by chance one would wait for a long while."""
    who = room.resident()
    monkeypatch.setattr(nonces, "fresh", lambda: b"\0\1" + bytes(10))
    body(room, who)
    assert _marks(room) == {}
    monkeypatch.setattr(nonces, "fresh", lambda: bytes(12))
    number = aead.read_header(body(room, who).data).dek_id
    body(room, who)
    assert _marks(room) == {number: 2}
    assert marks.USES_A_MARK * marks.MOST_MARKS == 2**27


def test_a_spent_key_makes_way_for_the_next_epoch(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = room.resident()
    monkeypatch.setattr(marks, "MOST_MARKS", 2)
    monkeypatch.setattr(nonces, "fresh", lambda: bytes(12))
    sealed = [body(room, who) for _ in range(3)]
    assert [aead.read_header(one.data).epoch for one in sealed] == [1, 1, 2]
    assert {room.vault.open(one, room.own(who)) for one in sealed} == {b"118/76"}


def test_a_spent_key_without_a_successor_seals_nothing(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = room.resident()
    old = body(room, who)
    monkeypatch.setattr(marks, "MOST_MARKS", 1)

    def full(*_: object, **__: object) -> None:
        raise RingFull

    monkeypatch.setattr(Keyring, "begun", full)
    monkeypatch.setattr(nonces, "fresh", lambda: bytes(12))
    with pytest.raises(Unavailable):
        body(room, who)
    monkeypatch.undo()
    monkeypatch.setattr(marks, "MOST_MARKS", 1)
    other = room.another_process()
    with pytest.raises(Unavailable):
        other.seal(room.own(who), BODY, place(who), b"x")
    assert other.open(old, room.own(who)) == b"118/76"
    assert other.seal(room.own(who), MENTAL, place(who), b"x")


def test_a_spent_key_makes_way_though_the_process_died_at_that(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = room.resident()
    monkeypatch.setattr(marks, "MOST_MARKS", 2)
    monkeypatch.setattr(nonces, "fresh", lambda: bytes(12))
    sealed = [body(room, who)]
    begun = Keyring.begun

    def died(*_: object, **__: object) -> None:
        monkeypatch.setattr(Keyring, "begun", begun)
        raise OSError("the machine went away")

    monkeypatch.setattr(Keyring, "begun", died)
    with pytest.raises(OSError, match="went away"):
        body(room, who)
    room.vault = room.another_process()
    sealed += [body(room, who) for _ in range(2)]
    assert [aead.read_header(one.data).epoch for one in sealed] == [1, 1, 2]
    assert {room.vault.open(one, room.own(who)) for one in sealed} == {b"118/76"}


# -- one class ---------------------------------------------------------------------------------


def test_a_shredded_class_is_gone_and_every_other_opens(room: Room) -> None:
    who, other = room.resident(), room.resident()
    mine = {one: room.vault.seal(room.own(who), one, place(who), b"x") for one in ALL_CLASSES}
    level = room.vault.seal_owner(room.own(who), place(who), b"level 4")
    grant = room.vault.seal_policy(who, place(who), b"a grant")
    theirs = body(room, other)
    stone = room.vault.condemn(who, MENTAL, now=room.now, reason="asked")
    assert room.vault.open(mine[MENTAL], room.own(who)) == b"x"
    room.vault.bury(stone)
    for vault in (room.vault, room.another_process()):
        for one, sealed in mine.items():
            if one is MENTAL:
                with pytest.raises(Gone):
                    vault.open(sealed, room.own(who))
            else:
                assert vault.open(sealed, room.own(who)) == b"x"
        with pytest.raises(Gone):
            vault.open_owner(level, room.own(who))
        assert vault.open_policy(grant) == b"a grant"
        assert vault.open(theirs, room.own(other)) == b"118/76"
        again = vault.seal(room.own(who), MENTAL, place(who), b"new")
        assert vault.open(again, room.own(who)) == b"new"


def test_an_old_keyring_row_does_not_bring_a_class_back(room: Room) -> None:
    who = room.resident()
    sealed = room.vault.seal(room.own(who), MENTAL, place(who), b"x")
    row = room.keystore.load(who)
    room.vault.bury(room.vault.condemn(who, MENTAL, now=room.now, reason="asked"))
    with room.keystore.writing() as conn:
        conn.exec_driver_sql("DELETE FROM keyrings")
        conn.exec_driver_sql("DELETE FROM ring_keys")
    room.keystore.add([(who, row)], now=utc_now())
    with pytest.raises(Gone):
        room.another_process().open(sealed, room.own(who))


def test_the_tombstone_does_not_say_which_class(room: Room) -> None:
    one, other = room.resident(), room.resident()
    tags = set()
    for who in (one, other):
        stone = room.vault.condemn(who, MENTAL, now=room.now, reason="asked")
        room.vault.bury(stone)
        tags.add(stone.class_tag)
    assert len(tags) == 2
    stored = rings.class_tombstones_of(room.keystore)
    assert "mental" not in repr(stored)
    assert {stone.done for stone in stored} == {True}


def test_the_same_shredding_again_changes_nothing(room: Room) -> None:
    who = room.resident()
    first = room.vault.condemn(who, MENTAL, now=room.now, reason="asked")
    assert room.vault.condemn(who, MENTAL, now=room.now, reason="asked") == first
    room.vault.bury(first)
    fresh = room.vault.seal(room.own(who), MENTAL, place(who), b"new")
    room.vault.bury(first)
    assert room.another_process().open(fresh, room.own(who)) == b"new"


def test_the_destroyed_key_of_a_class_is_in_no_file(tmp_path: Path) -> None:
    keystore = found(f"sqlite:///{tmp_path / 'keys.db'}", tmp_path)
    room = Room(keystore)
    who = room.resident()
    trace = keystore.load(who)
    room.vault.bury(room.vault.condemn(who, MENTAL, now=room.now, reason="asked"))
    left = b"".join(path.read_bytes() for path in sorted(tmp_path.glob("keys.db*")))
    assert trace.sealed_document[:32] not in left
    assert trace.sealed_document[-32:] not in left
    assert trace.wrapped_rdek not in left
    keystore.close()


def _marks(room: Room) -> dict[int, int]:
    with room.keystore.reading() as conn:
        return {row.dek_id: row.marks for row in conn.execute(key_marks.select())}
