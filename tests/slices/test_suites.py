"""Cipher suites: chosen when a keystore is founded, changed on purpose only, mixed without harm."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from consent.vocabulary import DataClass
from service.keys import actions, rings
from service.keys.keyring import Keyring, Slot
from service.keys.keystore import Keystore
from service.keys.vault import Vault
from service.keys.wrapping import KeyRefused
from service.kit.crypto import aead, context, sm
from service.kit.errors import IntegrityBroken
from service.kit.sealed import Sealed
from tests.keyring_room import Room, found, place

NOW = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
BODY = DataClass.BODY


@pytest.fixture
def room(keystore_url: str, tmp_path: Path) -> Iterator[Room]:
    keystore = found(keystore_url, tmp_path)
    yield Room(keystore)
    keystore.close()


def opened(room: Room, tmp_path: Path, suite: int | None) -> Keystore:
    uri = f"file:{tmp_path / 'kek' / 'kek.json'}"
    url = room.keystore.engine.url.render_as_string(hide_password=False)
    return actions.open_keystore(uri, url, suite=suite)


def sealed_by(room: Room, resident: Any, row: int, text: bytes) -> Sealed:
    return room.another_process().seal(room.own(resident), BODY, place(resident, row=row), text)


def test_the_suite_is_kept_with_the_keystore(keystore_url: str, tmp_path: Path) -> None:
    founded = found(keystore_url, tmp_path, suite=2)
    assert founded.suite == 2
    room = Room(founded)
    for expected in (None, 2):
        again = opened(room, tmp_path, expected)
        assert again.suite == 2
        again.close()
    with pytest.raises(KeyRefused, match="kangma keys suite 1"):
        opened(room, tmp_path, 1)
    one = room.resident()
    assert sealed_by(room, one, 1, b"x").data[1] == 2
    founded.close()


def test_a_setting_does_not_change_the_suite(room: Room, tmp_path: Path) -> None:
    assert room.keystore.suite == 1
    with pytest.raises(KeyRefused, match="cipher suite 1, the setting asks for 2"):
        opened(room, tmp_path, 2)
    one = room.resident()
    assert sealed_by(room, one, 1, b"x").data[1] == 1


def test_after_a_change_new_keys_are_of_the_new_suite_and_the_old_still_open(
    room: Room, tmp_path: Path
) -> None:
    one = room.resident()
    old = sealed_by(room, one, 1, b"old")
    before = _blinded(room.vault, one)
    room.keystore.choose_suite(2)
    still_old = sealed_by(room, one, 2, b"between")
    assert rings.begin(room.keystore, one, {Slot.BODY}, now=NOW) == 1
    new = sealed_by(room, one, 3, b"new")
    assert [each.data[1] for each in (old, still_old, new)] == [1, 1, 2]
    fresh = room.another_process()
    texts = [fresh.open(each, room.own(one)) for each in (old, still_old, new)]
    assert texts == [b"old", b"between", b"new"]
    # Tags and days of the rows that are there must not move.
    assert _blinded(fresh, one) == before
    other = room.resident()
    assert sealed_by(room, other, 1, b"x").data[1] == 2
    again = opened(room, tmp_path, 2)
    assert again.suite == 2
    again.close()


def test_a_suite_survives_a_rotation_of_the_root_key(room: Room, tmp_path: Path) -> None:
    room.keystore.choose_suite(2)
    kek = room.keystore.kek
    kek.add_version()
    kek.make_primary(2)
    room.keystore.refresh()
    assert room.keystore.suite == 2
    again = opened(room, tmp_path, 2)
    again.choose_suite(1)
    again.close()
    room.keystore.refresh()
    assert room.keystore.suite == 1


def test_a_ciphertext_of_one_suite_does_not_pass_as_the_other(room: Room) -> None:
    one = room.resident()
    old = sealed_by(room, one, 1, b"old")
    room.keystore.choose_suite(2)
    rings.begin(room.keystore, one, {Slot.BODY}, now=NOW)
    new = sealed_by(room, one, 1, b"new")
    fresh = room.another_process()
    for data in (
        old.data[:1] + b"\2" + old.data[2:],
        new.data[:1] + b"\1" + new.data[2:],
        new.data[:8] + old.data[8:],
        old.data[:8] + new.data[8:],
    ):
        with pytest.raises(IntegrityBroken):
            fresh.open(Sealed(data, old.place), room.own(one))


def test_under_suite_2_no_sha_256_and_no_aes_touch_the_data(
    keystore_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keystore = found(keystore_url, tmp_path, suite=2)
    room = Room(keystore)
    one = room.resident()
    permit = room.own(one)
    # The keyring is opened before: it is wrapped by the root key, which is no part of a suite.
    room.vault.open(room.vault.seal(permit, BODY, place(one), b"warm"), permit)
    ring = Keyring.open(keystore.load(one), keystore.kek, keystore.deployment, one)

    def forbidden(*_: Any) -> bytes:
        raise AssertionError("an algorithm of suite 1 was used")

    keys = room.vault._cache.get(one.int)
    assert keys is not None
    assert {type(key._cipher) for key in keys.opening.values()} == {sm.Sm4Gcm}
    monkeypatch.setattr(aead.hmac, "digest", forbidden)
    monkeypatch.setattr(aead, "sha256", forbidden)
    sealed = room.vault.seal(permit, BODY, place(one, row=2), b"118/76")
    assert room.vault.open(sealed, permit) == b"118/76"
    assert ring.index().tag("class", BODY) == room.vault.class_tag(one, BODY)
    assert ring.index().row_key("a") == room.vault.row_key(one, "a")
    assert context.Context(b"d", aead.SUITES[2]).of(place(one))
    keystore.close()


def test_the_two_suites_blind_differently(room: Room) -> None:
    key = b"i" * 32
    first, second = Keyring(key, (), 1).index(), Keyring(key, (), 2).index()
    day = date(2026, 11, 20)
    assert first.tag("class", BODY) != second.tag("class", BODY)
    assert first.row_key("a") != second.row_key("a")
    assert first.shift(day) != second.shift(day)


def test_an_unknown_suite_on_the_ring_is_refused_not_passed_over(room: Room) -> None:
    ring = Keyring.fresh()
    entry = ring.newest(Slot.BODY)._replace(suite=9, epoch=2, dek_id=1)
    document = Keyring(ring.index_key, (*ring.entries, entry)).encode()
    with pytest.raises(IntegrityBroken):
        Keyring.decode(document)
    for blinding in (0, 3, 255):
        with pytest.raises(IntegrityBroken):
            Keyring.decode(bytes([blinding]) + ring.encode()[1:])


def _blinded(vault: Vault, resident: Any) -> tuple[Any, ...]:
    return (
        vault.class_tag(resident, BODY),
        vault.measure_tag(resident, "bp"),
        vault.row_key(resident, "a"),
        vault.shift_day(resident, date(2026, 11, 20)),
    )
