"""Authenticated ciphertexts in the one format of sealing.md section 2.

    ver u8 | suite u8 | dek_id u32 | epoch u16 | flags u8 | schema u16 | reserved u8     12 bytes
    nonce 12 | ciphertext | tag 16

Forty bytes surround the text. The authenticated data is the header followed by the context that
the caller gives (`service.kit.crypto.context`), so neither can be changed without being noticed.
A key belongs to exactly one suite; a header that names another suite never reaches that key.
"""

import hmac
import struct
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from types import MappingProxyType
from typing import NamedTuple, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from service.kit.crypto import nonces, sm
from service.kit.errors import IntegrityBroken

FORMAT = 1
KEY_BYTES = 32
NONCE_BYTES = nonces.BYTES
TAG_BYTES = 16
_HEADER = struct.Struct(">BBIHBHB")
HEADER_BYTES = _HEADER.size
START_BYTES = 8
"""Version, suite, key number and epoch: what a ciphertext has in common with its key."""
OVERHEAD = HEADER_BYTES + NONCE_BYTES + TAG_BYTES
_TEXT_AT = HEADER_BYTES + NONCE_BYTES


class Cipher(Protocol):
    """An AEAD with 96-bit nonces and 128-bit tags; `decrypt` raises InvalidTag."""

    def encrypt(self, nonce: bytes, text: bytes, authenticated: bytes | None, /) -> bytes: ...
    def decrypt(self, nonce: bytes, text: bytes, authenticated: bytes | None, /) -> bytes: ...


class Suite(NamedTuple):
    """A choice of algorithms under a number that is never reused."""

    number: int
    name: str
    cipher: Callable[[bytes], Cipher]
    """Made from a key of 32 bytes, whatever the length of its own keys."""
    digest: Callable[[bytes], bytes]
    """The hash that shortens names in a context; 32 bytes."""
    mac: Callable[[bytes, bytes], bytes]
    """The keyed hash (key, text) of blinding; 32 bytes."""


def _sha256(text: bytes) -> bytes:
    return sha256(text).digest()


def _hmac_sha256(key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, text, "sha256")


AES_256_GCM = Suite(1, "AES-256-GCM", AESGCM, _sha256, _hmac_sha256)
SM4_GCM = Suite(2, "SM4-GCM-SM3", sm.Sm4Gcm, sm.sm3, sm.hmac_sm3)
SUITES: Mapping[int, Suite] = MappingProxyType(
    {AES_256_GCM.number: AES_256_GCM, SM4_GCM.number: SM4_GCM}
)
"""Closed and append-only."""


class Header(NamedTuple):
    """What a ciphertext says about itself; authenticated, not secret."""

    version: int
    suite: int
    dek_id: int
    epoch: int
    flags: int
    schema: int
    reserved: int


def read_header(sealed: bytes) -> Header:
    """The header of a stored ciphertext; IntegrityBroken when it cannot be one of ours."""
    if len(sealed) < OVERHEAD:
        raise IntegrityBroken
    header = Header._make(_HEADER.unpack_from(sealed))
    if header.version != FORMAT or header.suite not in SUITES or header.reserved:
        raise IntegrityBroken
    return header


def dek_id_of(sealed: bytes) -> int:
    """Only the number of the key a ciphertext claims; `Key.open` judges the rest of the header."""
    if len(sealed) < OVERHEAD:
        raise IntegrityBroken
    return int.from_bytes(sealed[2:6], "big")


def schema_of(sealed: bytes) -> int:
    """The version of the text's own shape that a header names."""
    return int.from_bytes(sealed[9:11], "big")


def nonce_starts(sealed: bytes, start: bytes) -> bool:
    """Whether the nonce of a ciphertext begins like this; a nonce is random, so few do."""
    return sealed.startswith(start, HEADER_BYTES)


class Key:
    """One data encryption key with its number and epoch, ready for use.

    `start` is how every ciphertext of this key begins: version, suite, key number, epoch.
    """

    __slots__ = ("_cipher", "_headers", "dek_id", "epoch", "start", "suite")

    def __init__(self, key: bytes, *, dek_id: int, epoch: int, suite: int = 1) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError("a key has 32 bytes")
        self._cipher = SUITES[suite].cipher(key)
        self.dek_id = dek_id
        self.epoch = epoch
        self.suite = suite
        self.start = struct.pack(">BBIH", FORMAT, suite, dek_id, epoch)
        self._headers: dict[int, bytes] = {}

    def seal(self, text: bytes, context: bytes, schema: int = 1) -> bytes:
        """A fresh ciphertext. `schema` is the version of the text's own shape."""
        header = self._headers.get(schema) or self._header(schema)
        nonce = nonces.fresh()
        return header + nonce + self._cipher.encrypt(nonce, text, header + context)

    def _header(self, schema: int) -> bytes:
        # flags u8 (none yet) | schema u16 | reserved u8
        header = self._headers[schema] = self.start + (schema << 8).to_bytes(4, "big")
        return header

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """The text, or IntegrityBroken when a bit, the place or the key differs."""
        # Version, suite, key number and epoch must be this key's own before it is used at all.
        if sealed[:START_BYTES] != self.start:
            raise IntegrityBroken
        return self.open_started(sealed, context)

    def open_started(self, sealed: bytes, context: bytes) -> bytes:
        """As `open`, for a caller who found this key by the start of the ciphertext."""
        if len(sealed) < OVERHEAD:
            raise IntegrityBroken
        try:
            return self._cipher.decrypt(
                sealed[HEADER_BYTES:_TEXT_AT], sealed[_TEXT_AT:], sealed[:HEADER_BYTES] + context
            )
        except InvalidTag:
            raise IntegrityBroken from None

    def header_of(self, schema: int) -> bytes:
        """The header of every ciphertext of this key and schema."""
        return self._headers.get(schema) or self._header(schema)

    def open_columns(
        self, nonces: Iterable[bytes], texts: Iterable[bytes], authenticated: Iterable[bytes]
    ) -> list[bytes]:
        """Many texts at once, for a caller who has compared the headers and cut the parts apart.

        `texts` end with their tags; `authenticated` are header and context. IntegrityBroken when
        one does not open.
        """
        decrypt = self._cipher.decrypt
        parts = zip(nonces, texts, authenticated, strict=True)
        try:
            return [decrypt(nonce, text, known) for nonce, text, known in parts]
        except InvalidTag:
            raise IntegrityBroken from None
