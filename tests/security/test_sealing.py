"""Sealed values: bound to their place, closed without the right permit, gone after erasure."""

import copy
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from consent.decision import Permit, PermitExpired, PermitForged, PermitInvalid
from consent.request import Actor
from consent.vocabulary import ALL_CLASSES, Action, ActorKind, DataClass, Purpose
from service.keys.keyring import Slot
from service.keys.vault import PermitLacksClass
from service.kit.errors import Gone, IntegrityBroken
from service.kit.sealed import Sealed
from tests.keyring_room import Room, found, moved, place, with_byte

BODY, GENETIC = DataClass.BODY, DataClass.GENETIC
CLOSED = (IntegrityBroken, PermitInvalid)


@pytest.fixture(params=[1, 2], ids=["aes", "sm4"])
def room(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Room]:
    """Every attack of this file is made on both cipher suites."""
    keystore = found(f"sqlite:///{tmp_path / 'keys.db'}", tmp_path, suite=request.param)
    yield Room(keystore)
    keystore.close()


# -- the place ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"table": "series_days"},
        {"column": "note"},
        {"row": bytes(16)},
        {"day": 1},
        {"class_tag": b"class-02"},
        {"measure_tag": b"measure2"},
        {"revision": 0},
        {"revision": 2},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_context_binds_ciphertext_to_its_row(room: Room, changes: dict[str, Any]) -> None:
    one = room.resident()
    sealed = room.vault.seal(room.own(one), BODY, place(one), b"118/76")
    with pytest.raises(IntegrityBroken):
        room.vault.open(moved(sealed, **changes), room.own(one))
    assert room.vault.open(sealed, room.own(one)) == b"118/76"


def test_a_ciphertext_moved_to_another_resident_stays_closed(room: Room) -> None:
    one, other = room.resident(), room.resident()
    sealed = room.vault.seal(room.own(one), BODY, place(one), b"118/76")
    with pytest.raises(IntegrityBroken):
        room.vault.open(moved(sealed, resident=other), room.own(other))


def test_an_older_version_put_back_stays_closed(room: Room) -> None:
    one = room.resident()
    old = room.vault.seal(room.own(one), BODY, place(one, revision=4), b"old")
    new = room.vault.seal(room.own(one), BODY, place(one, revision=5), b"new")
    with pytest.raises(IntegrityBroken):
        room.vault.open(Sealed(old.data, new.place), room.own(one))


def test_every_changed_byte_is_noticed(room: Room) -> None:
    one = room.resident()
    permit = room.own(one)
    sealed = room.vault.seal(permit, BODY, place(one), b"118/76")
    for at, byte in enumerate(sealed.data):
        with pytest.raises(IntegrityBroken):
            room.vault.open(with_byte(sealed, at, byte ^ 0x40), permit)


@pytest.mark.parametrize("suite", [0, 1, 2, 3, 255])
def test_a_flipped_suite_stays_closed(room: Room, suite: int) -> None:
    one = room.resident()
    sealed = room.vault.seal(room.own(one), BODY, place(one), b"118/76")
    if sealed.data[1] == suite:
        suite = 254
    with pytest.raises(IntegrityBroken):
        room.vault.open(with_byte(sealed, 1, suite), room.own(one))


def test_the_key_number_of_another_class_does_not_open(room: Room) -> None:
    one = room.resident()
    body = room.vault.seal(room.own(one), BODY, place(one), b"118/76")
    mental = room.vault.seal(room.own(one), DataClass.MENTAL, place(one), b"27")
    swapped = Sealed(body.data[:2] + mental.data[2:6] + body.data[6:], body.place)
    with pytest.raises(IntegrityBroken):
        room.vault.open(swapped, room.own(one))


def test_a_cut_or_empty_ciphertext_stays_closed(room: Room) -> None:
    one = room.resident()
    sealed = room.vault.seal(room.own(one), BODY, place(one), b"118/76")
    for length in range(len(sealed.data)):
        with pytest.raises(IntegrityBroken):
            room.vault.open(Sealed(sealed.data[:length], sealed.place), room.own(one))


def test_another_deployment_cannot_open(room: Room) -> None:
    one = room.resident()
    sealed = room.vault.seal(room.own(one), BODY, place(one), b"118/76")
    room.vault._contexts = room.another_service()._contexts
    with pytest.raises(IntegrityBroken):
        room.vault.open(sealed, room.own(one))


def test_a_broken_value_harms_no_other(room: Room) -> None:
    one = room.resident()
    good, bad = (room.vault.seal(room.own(one), BODY, place(one, row=n), b"x") for n in (1, 2))
    with pytest.raises(IntegrityBroken):
        room.vault.open(with_byte(bad, 30, bad.data[30] ^ 1), room.own(one))
    assert room.vault.open(good, room.own(one)) == b"x"


def test_each_seal_uses_a_fresh_nonce(room: Room) -> None:
    one = room.resident()
    permit = room.own(one)
    sealed = [room.vault.seal(permit, BODY, place(one), b"same").data for _ in range(500)]
    assert len({data[12:24] for data in sealed}) == 500
    assert len({data[24:] for data in sealed}) == 500


def test_equal_lengths_for_unequal_texts(room: Room) -> None:
    one = room.resident()
    permit = room.own(one)
    lengths = {len(room.vault.seal(permit, BODY, place(one), bytes(n)).data) for n in range(61)}
    assert lengths == {64 + 40}
    framed = {
        len(room.vault.seal(permit, BODY, place(one), bytes(n), frame=1024).data)
        for n in (0, 500, 1020)
    }
    assert framed == {1024 + 40}


def test_printing_shows_nothing(room: Room) -> None:
    one = room.resident()
    sealed = room.vault.seal(room.own(one), BODY, place(one), b"118/76")
    assert str(sealed) == repr(sealed) == f"{sealed}" == "<sealed>"


# -- the permit --------------------------------------------------------------------------------


@pytest.mark.parametrize("data_class", sorted(ALL_CLASSES))
def test_a_permit_without_the_class_opens_nothing(room: Room, data_class: DataClass) -> None:
    one = room.resident()
    sealed = room.vault.seal(room.own(one), data_class, place(one), b"x")
    others = room.own(one, ALL_CLASSES - {data_class})
    with pytest.raises(PermitLacksClass):
        room.vault.open(sealed, others)
    with pytest.raises(PermitLacksClass):
        room.vault.seal(others, data_class, place(one), b"x")
    assert room.vault.open(sealed, room.own(one, {data_class})) == b"x"


def test_the_key_of_a_refused_class_is_not_even_loaded(room: Room) -> None:
    one = room.resident()
    sealed = room.vault.seal(room.own(one), GENETIC, place(one), b"x")
    fresh = room.another_process()
    with pytest.raises(PermitLacksClass):
        fresh.open(sealed, room.doctor(one, [BODY]))
    held = fresh._cache.get(one.int)
    assert held is not None
    assert held.loaded() == set()


def test_a_permit_for_one_resident_opens_no_other(room: Room) -> None:
    one, other = room.resident(), room.resident()
    sealed = room.vault.seal(room.own(one), BODY, place(one), b"x")
    with pytest.raises(PermitForged):
        room.vault.open(sealed, room.own(other))
    with pytest.raises(PermitForged):
        room.vault.seal(room.own(other), BODY, place(one), b"x")


def test_an_expired_permit_opens_nothing(room: Room) -> None:
    one = room.resident()
    permit = room.own(one)
    sealed = room.vault.seal(permit, BODY, place(one), b"x")
    room.now = permit.expires_at - timedelta(microseconds=1)
    assert room.vault.open(sealed, permit) == b"x"
    room.now = permit.expires_at
    for act in (
        lambda: room.vault.open(sealed, permit),
        lambda: room.vault.seal(permit, BODY, place(one), b"x"),
        lambda: room.vault.seal_owner(permit, place(one), b"x"),
    ):
        with pytest.raises(PermitExpired):
            act()


def test_a_permit_widened_by_force_opens_nothing(room: Room) -> None:
    one = room.resident()
    sealed = room.vault.seal(room.own(one), GENETIC, place(one), b"x")
    permit = room.doctor(one, [BODY])
    # Used once first, so that the vault remembers it as genuine.
    with pytest.raises(PermitLacksClass):
        room.vault.open(sealed, permit)
    object.__setattr__(permit, "classes", ALL_CLASSES)
    with pytest.raises(PermitForged):
        room.vault.open(sealed, permit)


@pytest.mark.parametrize(
    "changes",
    [
        {"owner": True},
        {"expires_at": datetime(2099, 1, 1, tzinfo=UTC)},
        {"revision": 99},
        {"rule": "own-record"},
        {"purpose": Purpose.SELF_CARE},
        {"action": Action.WRITE},
        {"actor": Actor(ActorKind.PRACTITIONER, "somebody else")},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_any_field_changed_by_force_is_noticed(room: Room, changes: dict[str, Any]) -> None:
    one = room.resident()
    sealed = room.vault.seal(room.own(one), BODY, place(one), b"x")
    permit = room.doctor(one, [BODY])
    assert room.vault.open(sealed, permit) == b"x"
    for name, value in changes.items():
        assert getattr(permit, name) != value
        object.__setattr__(permit, name, value)
    with pytest.raises(PermitForged):
        room.vault.open(sealed, permit)


def test_a_permit_changed_by_replace_cannot_be_made(room: Room) -> None:
    permit = room.doctor(room.resident(), [BODY])
    with pytest.raises(PermitForged):
        replace(permit, classes=ALL_CLASSES)


def test_something_that_looks_like_a_permit_opens_nothing(room: Room) -> None:
    one = room.resident()
    permit = room.own(one)
    sealed = room.vault.seal(permit, BODY, place(one), b"x")

    class Lookalike:
        subject, classes, owner, expires_at = one, ALL_CLASSES, True, permit.expires_at

        def verify(self, now: object = None) -> None:
            """Always content."""

    for fake in (Lookalike(), None, object()):
        with pytest.raises(PermitForged):
            room.vault.open(sealed, fake)  # type: ignore[arg-type]


def test_a_copied_permit_is_the_same_permit(room: Room) -> None:
    one = room.resident()
    permit: Permit = copy.deepcopy(room.own(one))
    assert room.vault.open(room.vault.seal(permit, BODY, place(one), b"x"), permit) == b"x"


# -- owner and policy --------------------------------------------------------------------------


def test_only_the_owner_opens_an_owner_document(room: Room) -> None:
    one = room.resident()
    sealed = room.vault.seal_owner(room.own(one), place(one), b"level 4")
    doctor = room.doctor(one, ALL_CLASSES)
    assert room.vault.open_owner(sealed, room.own(one)) == b"level 4"
    for act in (
        lambda: room.vault.open_owner(sealed, doctor),
        lambda: room.vault.seal_owner(doctor, place(one), b"level 1"),
        lambda: room.vault.open(sealed, doctor),
        lambda: room.vault.open(sealed, room.own(one)),
        lambda: room.vault.open_policy(sealed),
    ):
        with pytest.raises(PermitLacksClass):
            act()
    with pytest.raises(PermitForged):
        room.vault.open_owner(sealed, room.own(room.resident()))


def test_the_policy_door_opens_no_data(room: Room) -> None:
    one = room.resident()
    policy = room.vault.seal_policy(one, place(one), b"a grant")
    assert room.vault.open_policy(policy) == b"a grant"
    assert room.another_process().open_policy(policy) == b"a grant"
    with pytest.raises(PermitLacksClass):
        room.vault.open_owner(policy, room.own(one))
    with pytest.raises(PermitLacksClass):
        room.vault.open(policy, room.own(one))
    for data_class in ALL_CLASSES:
        sealed = room.vault.seal(room.own(one), data_class, place(one), b"x")
        with pytest.raises(PermitLacksClass):
            room.vault.open_policy(sealed)
    with pytest.raises(IntegrityBroken):
        room.vault.seal_policy(room.resident(), place(one), b"x")


def test_no_permit_names_an_internal_slot() -> None:
    assert {str(slot) for slot in Slot} - {str(one) for one in ALL_CLASSES} == {"owner", "policy"}


# -- erasure -----------------------------------------------------------------------------------


def test_erased_means_unreadable_everywhere(room: Room) -> None:
    one, other = room.resident(), room.resident()
    mine = [room.vault.seal(room.own(one), name, place(one), b"x") for name in ALL_CLASSES]
    grant = room.vault.seal_policy(one, place(one), b"a grant")
    theirs = room.vault.seal(room.own(other), BODY, place(other), b"theirs")
    room.vault.shred(one, now=room.now, reason="asked")
    for vault in (room.vault, room.another_process()):
        for sealed in mine:
            with pytest.raises(Gone):
                vault.open(sealed, room.own(one))
        with pytest.raises(Gone):
            vault.open_policy(grant)
        assert vault.open(theirs, room.own(other)) == b"theirs"


def test_a_destroyed_keyring_is_in_no_file(room: Room, tmp_path: Path) -> None:
    one, other = room.resident(), room.resident()
    traces = [room.keystore.load(who) for who in (one, other)]
    assert traces[0].sealed_document[:32] in _files(tmp_path)
    room.vault.shred(one, now=room.now, reason="asked")
    left = _files(tmp_path)
    assert traces[0].sealed_document[:32] not in left
    assert traces[0].sealed_document[-32:] not in left
    assert traces[0].wrapped_rdek not in left
    assert traces[1].sealed_document[:32] in left


def test_the_journal_is_empty_after_an_erasure(room: Room, tmp_path: Path) -> None:
    one = room.resident()
    room.vault.shred(one, now=room.now, reason="asked")
    assert (tmp_path / "keys.db-wal").stat().st_size == 0


def _files(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.glob("keys.db*")))
