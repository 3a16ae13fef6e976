"""Many values sealed and opened at once are judged one by one."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from consent.decision import PermitExpired, PermitForged
from consent.vocabulary import DataClass
from service.keys.vault import PermitLacksClass
from service.kit.errors import Gone, IntegrityBroken
from service.kit.sealed import Sealed
from tests.keyring_room import Room, found, moved, place, with_byte

BODY, GENETIC = DataClass.BODY, DataClass.GENETIC


@pytest.fixture(params=[1, 2], ids=["aes", "sm4"])
def room(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Room]:
    """Every attack of this file is made on both cipher suites."""
    keystore = found(f"sqlite:///{tmp_path / 'keys.db'}", tmp_path, suite=request.param)
    yield Room(keystore)
    keystore.close()


def many(room: Room, resident: UUID, count: int = 5) -> list[Sealed]:
    permit = room.own(resident)
    values = [(place(resident, row=row + 1), f"{row}".encode()) for row in range(count)]
    return room.vault.seal_many(permit, BODY, values)


def test_many_at_once_say_what_one_by_one_says(room: Room) -> None:
    one = room.resident()
    permit, sealed = room.own(one), many(room, one)
    expected = [b"0", b"1", b"2", b"3", b"4"]
    assert room.vault.open_many(sealed, permit) == expected
    assert [room.vault.open(each, permit) for each in sealed] == expected
    assert room.another_process().open_many(iter(sealed), permit) == expected
    assert room.vault.open_many([], permit) == []
    assert room.vault.seal_many(permit, BODY, []) == []


def test_a_batch_mixes_classes_that_the_permit_names(room: Room) -> None:
    one = room.resident()
    permit = room.own(one)
    body = room.vault.seal(permit, BODY, place(one, row=1), b"body")
    genetic = room.vault.seal(permit, GENETIC, place(one, row=2), b"genetic")
    assert room.another_process().open_many([body, genetic], permit) == [b"body", b"genetic"]
    with pytest.raises(PermitLacksClass):
        room.vault.open_many([body, genetic], room.doctor(one, {BODY}))
    with pytest.raises(PermitLacksClass):
        room.vault.seal_many(room.doctor(one, {BODY}), GENETIC, [(place(one), b"x")])


@pytest.mark.parametrize("position", [0, 2, 4])
def test_one_bad_value_of_a_batch_fails_it_all(room: Room, position: int) -> None:
    one, other = room.resident(), room.resident()
    permit, sealed = room.own(one), many(room, one)
    room.vault.open_many(sealed, permit)
    good = sealed[position]
    for bad, error in (
        (with_byte(good, 30, good.data[30] ^ 1), IntegrityBroken),
        (with_byte(good, 1, 254), IntegrityBroken),
        (moved(good, row=bytes(16)), IntegrityBroken),
        (moved(good, revision=7), IntegrityBroken),
        (Sealed(good.data[:20], good.place), IntegrityBroken),
        (Sealed(b"", good.place), IntegrityBroken),
        (many(room, other)[position], PermitForged),
        (Sealed(good.data, place(other)), PermitForged),
    ):
        batch = [*sealed[:position], bad, *sealed[position + 1 :]]
        with pytest.raises(error):
            room.vault.open_many(batch, permit)


def test_a_batch_is_sealed_for_one_person_only(room: Room) -> None:
    one, other = room.resident(), room.resident()
    with pytest.raises(PermitForged):
        room.vault.seal_many(room.own(one), BODY, [(place(one), b"a"), (place(other), b"b")])


def test_a_batch_asks_for_a_genuine_and_timely_permit(room: Room) -> None:
    one = room.resident()
    permit, sealed = room.own(one), many(room, one)
    room.now += timedelta(days=1)
    for act in (
        lambda: room.vault.open_many(sealed, permit),
        lambda: room.vault.seal_many(permit, BODY, [(place(one), b"x")]),
    ):
        with pytest.raises(PermitExpired):
            act()
    room.now -= timedelta(days=1)
    object.__setattr__(permit, "classes", frozenset({GENETIC}))
    with pytest.raises(PermitForged):
        room.vault.open_many(sealed, permit)


def test_a_batch_after_an_erasure_opens_nothing(room: Room) -> None:
    one = room.resident()
    permit, sealed = room.own(one), many(room, one)
    room.vault.shred(one, now=room.now, reason="erasure")
    with pytest.raises(Gone):
        room.vault.open_many(sealed, permit)
