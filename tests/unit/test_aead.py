"""The ciphertext format of sealing.md section 2, its context, padding and derivations."""

import os
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from service.kit.crypto import aead, kdf
from service.kit.crypto.aead import OVERHEAD, Key
from service.kit.crypto.context import CONTEXT_BYTES, Context
from service.kit.crypto.padding import bucket, capacity, pad, unpad
from service.kit.errors import IntegrityBroken
from service.kit.sealed import Place

RAW = bytes(range(32))
PLACE = Place("record_parts", "sealed", UUID(int=7), bytes(16), 9, b"c" * 8, b"m" * 8, 3)


def a_key(**named: int) -> Key:
    return Key(RAW, **{"dek_id": 0xA1B2C3D4, "epoch": 5, **named})


def test_bytes_are_laid_out_as_the_design_says() -> None:
    context = Context(b"here").of(PLACE)
    sealed = a_key().seal(b"text", context, schema=0x0102)
    assert sealed[:12].hex() == "0101a1b2c3d4000500010200"
    assert len(sealed) == len(b"text") + OVERHEAD == 44
    # Opened by hand with the library's lower floor: nonce, tag and authenticated data are there.
    opener = Cipher(algorithms.AES(RAW), modes.GCM(sealed[12:24], sealed[-16:])).decryptor()
    opener.authenticate_additional_data(sealed[:12] + context)
    assert opener.update(sealed[24:-16]) + opener.finalize() == b"text"


@given(st.binary(max_size=300), st.binary(max_size=60))
def test_what_was_sealed_opens(text: bytes, context: bytes) -> None:
    assert a_key().open(a_key().seal(text, context), context) == text


def test_every_flipped_bit_is_noticed() -> None:
    sealed = a_key().seal(b"120/80", b"context")
    for bit in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(IntegrityBroken):
            a_key().open(bytes(changed), b"context")


@pytest.mark.parametrize("length", [0, 1, 11, 12, 24, 39])
def test_a_cut_ciphertext_is_refused(length: int) -> None:
    sealed = a_key().seal(b"", b"")[:length]
    for read in (aead.read_header, aead.dek_id_of, lambda cut: a_key().open(cut, b"")):
        with pytest.raises(IntegrityBroken):
            read(sealed)


def test_each_seal_uses_a_fresh_nonce() -> None:
    sealed = {a_key().seal(b"same", b"same")[12:24] for _ in range(2000)}
    assert len(sealed) == 2000


@pytest.mark.parametrize("at", [0, 1, 11])
def test_an_unknown_version_suite_or_reserved_byte_is_refused(at: int) -> None:
    sealed = bytearray(a_key().seal(b"x", b""))
    sealed[at] = 9
    with pytest.raises(IntegrityBroken):
        aead.read_header(bytes(sealed))


def test_the_registry_of_suites_is_closed() -> None:
    names = {number: suite.name for number, suite in aead.SUITES.items()}
    assert names == {1: "AES-256-GCM", 2: "SM4-GCM-SM3"}
    with pytest.raises(KeyError):
        a_key(suite=3)
    with pytest.raises(TypeError):
        aead.SUITES[3] = aead.AES_256_GCM  # type: ignore[index]


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Key(b"short", dek_id=1, epoch=1)


def test_every_field_of_a_place_changes_the_context() -> None:
    others: dict[str, Any] = {
        "table": "series_days",
        "column": "body",
        "resident": UUID(int=8),
        "row": b"\1" * 16,
        "day": -9,
        "class_tag": b"d" * 8,
        "measure_tag": b"n" * 8,
        "revision": 4,
    }
    assert set(others) == set(Place._fields)
    here = Context(b"here")
    contexts = {here.of(PLACE._replace(**{name: value})) for name, value in others.items()}
    contexts |= {here.of(PLACE), Context(b"there").of(PLACE)}
    assert len(contexts) == len(others) + 2
    assert {len(context) for context in contexts} == {CONTEXT_BYTES}


def test_names_do_not_run_into_each_other() -> None:
    here = Context(b"here")
    left, right = PLACE._replace(table="ab", column="c"), PLACE._replace(table="a", column="bc")
    assert here.of(left) != here.of(right)


@pytest.mark.parametrize(
    "wrong", [{"row": bytes(15)}, {"row": bytes(17)}, {"class_tag": b""}, {"measure_tag": bytes(9)}]
)
def test_a_place_of_wrong_width_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        Context(b"here").of(PLACE._replace(**wrong))


@given(st.binary(max_size=5000))
def test_padding_shows_only_the_bucket(text: bytes) -> None:
    padded = pad(text)
    assert unpad(padded) == text
    assert len(padded) == bucket(len(text)) >= 64
    assert len(padded).bit_count() == 1


@pytest.mark.parametrize(
    ("size", "whole"),
    [(0, 64), (60, 64), (61, 128), (124, 128), (508, 512), (1020, 1024), (1021, 2048)],
)
def test_buckets_double_from_64(size: int, whole: int) -> None:
    assert len(pad(bytes(size))) == whole


def test_a_frame_is_exact_and_never_overflows() -> None:
    assert len(pad(b"", 1024)) == len(pad(bytes(capacity(1024)), 1024)) == 1024
    with pytest.raises(ValueError, match="frame"):
        pad(bytes(capacity(1024) + 1), 1024)


@pytest.mark.parametrize("padded", [b"", b"\0\0\0", b"\0\0\0\2x", b"\xff" * 64])
def test_a_padding_that_cannot_be_is_refused(padded: bytes) -> None:
    with pytest.raises(IntegrityBroken):
        unpad(padded)


def test_hkdf_agrees_with_rfc_5869() -> None:
    # RFC 5869, appendix A.3: 22 bytes 0x0b, no salt, no info, 42 bytes.
    expected = (
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
    )
    assert kdf.derive(b"\x0b" * 22, "", size=42).hex() == expected


def test_labels_give_independent_keys_and_tags() -> None:
    key = os.urandom(32)
    assert kdf.derive(key, "a") != kdf.derive(key, "b") != kdf.derive(key, "b", salt=b"s")
    assert kdf.tag(key, "a", b"b", 8) != kdf.tag(key, "ab", b"", 8)
    assert len(kdf.tag(key, "a", b"b", 16)) == 16


def test_a_key_opens_only_what_carries_its_own_number_and_epoch() -> None:
    # The same raw key under another number or epoch: every tag is right, the header is not.
    for other in (a_key(epoch=6), a_key(dek_id=1)):
        with pytest.raises(IntegrityBroken):
            a_key().open(other.seal(b"text", b"context"), b"context")
