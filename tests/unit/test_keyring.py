"""The keyring document, the root key's wrapping and the blinding of one resident."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.vocabulary import DataClass
from service.keys.index import DAY_SPAN, Index
from service.keys.keyring import CAPACITY, DOCUMENT_BYTES, NUMBERS, Keyring, SealedKeyring, Slot
from service.keys.wrapping import RootKey, belonging
from service.kit.errors import IntegrityBroken
from tests.keyring_room import file_key

DEPLOYMENT = b"d" * 16
RESIDENT = UUID(int=1)


@pytest.fixture
def kek(tmp_path: Path) -> RootKey:
    return file_key(tmp_path, {1: b"k" * 32}, 1)


def test_there_is_a_slot_for_every_class_and_two_more() -> None:
    assert {slot.value for slot in Slot} == {*DataClass, "owner", "policy"}
    assert sorted(NUMBERS.values()) == list(range(1, 14))
    assert set(NUMBERS) == set(Slot)


def test_numbers_of_slots_are_kept_for_ever() -> None:
    assert [NUMBERS[slot] for slot in (Slot.PROFILE, Slot.GENETIC, Slot.OWNER, Slot.POLICY)] == [
        1, 11, 12, 13,
    ]  # fmt: skip


def test_the_document_is_always_1024_bytes_and_comes_back() -> None:
    ring = Keyring.fresh()
    document = ring.encode()
    assert len(document) == DOCUMENT_BYTES
    again = Keyring.decode(document)
    assert (again.index_key, again.entries) == (ring.index_key, ring.entries)
    full = Keyring(ring.index_key, (ring.entries * 2)[:CAPACITY])
    assert len(full.encode()) == DOCUMENT_BYTES
    with pytest.raises(ValueError, match=str(CAPACITY)):
        Keyring(ring.index_key, ring.entries * 2).encode()


def test_no_two_keys_or_ids_are_alike() -> None:
    entries = Keyring.fresh().entries + Keyring.fresh().entries
    assert len({entry.dek for entry in entries}) == len(entries) == 26
    assert len({entry.dek_id for entry in entries}) == 26


def test_the_newest_epoch_seals_and_every_epoch_opens() -> None:
    ring = Keyring.fresh()
    old = ring.newest(Slot.BODY)
    new = old._replace(epoch=2, dek_id=old.dek_id ^ 1, dek=b"n" * 32)
    renewed = Keyring.decode(Keyring(ring.index_key, (new, *ring.entries)).encode())
    assert renewed.newest(Slot.BODY) == new
    assert set(renewed.of({Slot.BODY})) == {old, new}


def test_a_slot_without_a_key_is_refused() -> None:
    ring = Keyring.fresh()
    short = Keyring(ring.index_key, tuple(e for e in ring.entries if e.slot is not Slot.MENTAL))
    with pytest.raises(IntegrityBroken):
        short.newest(Slot.MENTAL)


def test_a_sealed_keyring_opens_for_its_resident_only(kek: RootKey) -> None:
    ring = Keyring.fresh()
    sealed = ring.seal(kek, DEPLOYMENT, RESIDENT)
    assert Keyring.open(sealed, kek, DEPLOYMENT, RESIDENT).entries == ring.entries
    for deployment, resident in ((DEPLOYMENT, UUID(int=2)), (b"e" * 16, RESIDENT)):
        with pytest.raises(IntegrityBroken):
            Keyring.open(sealed, kek, deployment, resident)


def test_an_altered_or_mixed_row_does_not_open(kek: RootKey) -> None:
    sealed = Keyring.fresh().seal(kek, DEPLOYMENT, RESIDENT)
    other = Keyring.fresh().seal(kek, DEPLOYMENT, RESIDENT)
    bad: list[SealedKeyring] = [
        replace(sealed, kek_version=2),
        replace(sealed, wrapped_rdek=other.wrapped_rdek),
        replace(sealed, sealed_document=other.sealed_document),
        replace(sealed, sealed_document=b""),
        replace(sealed, wrapped_rdek=b""),
        replace(sealed, wrapped_rdek=_flipped(sealed.wrapped_rdek)),
        replace(sealed, sealed_document=_flipped(sealed.sealed_document)),
    ]
    for row in bad:
        with pytest.raises(IntegrityBroken):
            Keyring.open(row, kek, DEPLOYMENT, RESIDENT)


def test_all_keyrings_have_one_size(kek: RootKey) -> None:
    sizes = set()
    for _ in range(20):
        row = Keyring.fresh().seal(kek, DEPLOYMENT, RESIDENT)
        sizes.add((len(row.wrapped_rdek), len(row.sealed_document)))
    assert sizes == {(60, 12 + DOCUMENT_BYTES + 16)}


def test_printing_a_keyring_shows_no_key() -> None:
    for entry in Keyring.fresh().entries:
        assert repr(entry.dek) not in repr(entry)
        assert repr(entry) == f"<key of {entry.slot}>"


def test_readers_take_every_version_and_writers_the_primary(kek: RootKey, tmp_path: Path) -> None:
    both = file_key(tmp_path, {1: b"k" * 32, 2: b"l" * 32}, 2)
    old = kek.wrap(b"x" * 32, belonging("rdek", DEPLOYMENT))
    new = both.wrap(b"y" * 32, belonging("rdek", DEPLOYMENT))
    assert (old[0], new[0]) == (1, 2)
    assert both.unwrap(*old, belonging("rdek", DEPLOYMENT)) == b"x" * 32
    assert both.unwrap(*new, belonging("rdek", DEPLOYMENT)) == b"y" * 32
    with pytest.raises(IntegrityBroken):
        kek.unwrap(*new, belonging("rdek", DEPLOYMENT))
    with pytest.raises(IntegrityBroken):
        both.unwrap(2, old[1], belonging("rdek", DEPLOYMENT))


def test_a_wrapped_key_cannot_change_its_label(kek: RootKey) -> None:
    version, wrapped = kek.wrap(b"x" * 32, belonging("system", DEPLOYMENT))
    with pytest.raises(IntegrityBroken):
        kek.unwrap(version, wrapped, belonging("rdek", DEPLOYMENT))
    with pytest.raises(ValueError, match="16"):
        belonging("a label that is too long", DEPLOYMENT)


@given(st.dates(), st.binary(min_size=32, max_size=32))
def test_a_shifted_day_fits_int32_and_comes_back(day: date, key: bytes) -> None:
    index = Index(key)
    shifted = index.shift(day)
    assert 0 < shifted < 2**31
    assert index.unshift(shifted) == day


def test_residents_are_shifted_and_tagged_apart() -> None:
    indexes = [Index(n.to_bytes(32, "big")) for n in range(200)]
    today = date(2026, 11, 20)
    assert len({index.shift(today) for index in indexes}) > 195
    assert len({index.tag("class", "body") for index in indexes}) == 200
    assert len({index.row_key("a") for index in indexes}) == 200
    offsets = [index.shift(today) - today.toordinal() for index in indexes]
    assert 0 <= min(offsets) < DAY_SPAN // 10
    assert DAY_SPAN * 9 // 10 < max(offsets) < DAY_SPAN


def test_tags_of_kinds_differ_and_repeat() -> None:
    index = Index(b"i" * 32)
    assert index.tag("class", "body") == Index(b"i" * 32).tag("class", "body")
    assert len({index.tag("class", "body"), index.tag("measure", "body")}) == 2
    assert {len(index.tag("measure", str(n))) for n in range(2000)} == {8}


def test_a_number_that_no_day_shifts_to_is_refused() -> None:
    for shifted in (-(2**31), 0, 2**31 - 1, 2**63):
        with pytest.raises(IntegrityBroken):
            Index(b"i" * 32).unshift(shifted)


def _flipped(data: bytes) -> bytes:
    return data[:20] + bytes([data[20] ^ 1]) + data[21:]
