"""The keyring: all keys of one resident in one document of always 1,024 bytes.

    version u8 | entries u8 | K_idx 32 | entries | zeros up to 1,024
    entry: slot u8 | suite u8 | dek_id u32 | epoch u16 | DEK 32

The document is sealed by AES-256-GCM under the resident's key (RDEK), the RDEK is wrapped by the
root key. One size for everybody hides which classes a resident uses; one unwrap serves them all.
A slot may have entries of several epochs: the newest seals, every one opens.
"""

import secrets
import struct
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from os import urandom
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from service.keys.wrapping import RootKey, belonging
from service.kit.crypto.aead import AES_256_GCM, KEY_BYTES, Key
from service.kit.errors import IntegrityBroken

DOCUMENT_BYTES = 1024
_VERSION = 1
_START = struct.Struct(">BB32s")
_ENTRY = struct.Struct(">BBIH32s")
CAPACITY = (DOCUMENT_BYTES - _START.size) // _ENTRY.size


class Slot(StrEnum):
    """A place for keys on the ring: one for each data class and two that no grant can name."""

    PROFILE = "profile"
    LIFESTYLE = "lifestyle"
    FITNESS = "fitness"
    BODY = "body"
    SCREENING = "screening"
    LOCATION = "location"
    CONDITIONS = "conditions"
    MENTAL = "mental"
    REPRODUCTIVE = "reproductive"
    INFECTIOUS = "infectious"
    GENETIC = "genetic"
    OWNER = "owner"
    """Documents derived from many classes, which only the resident opens."""
    POLICY = "policy"
    """Grants and contracts: they must be readable before there can be a permit."""


NUMBERS: Mapping[Slot, int] = MappingProxyType(
    {
        Slot.PROFILE: 1,
        Slot.LIFESTYLE: 2,
        Slot.FITNESS: 3,
        Slot.BODY: 4,
        Slot.SCREENING: 5,
        Slot.LOCATION: 6,
        Slot.CONDITIONS: 7,
        Slot.MENTAL: 8,
        Slot.REPRODUCTIVE: 9,
        Slot.INFECTIOUS: 10,
        Slot.GENETIC: 11,
        Slot.OWNER: 12,
        Slot.POLICY: 13,
    }
)
"""Stored in every keyring: append-only, a number is never given to another slot."""
_SLOTS = {number: slot for slot, number in NUMBERS.items()}


class Entry(NamedTuple):
    """One data encryption key of a slot."""

    slot: Slot
    suite: int
    dek_id: int
    epoch: int
    dek: bytes

    def ready(self) -> Key:
        return Key(self.dek, dek_id=self.dek_id, epoch=self.epoch, suite=self.suite)

    def __repr__(self) -> str:
        return f"<key of {self.slot}>"


@dataclass(frozen=True, slots=True)
class SealedKeyring:
    """One row of the keystore."""

    kek_version: int
    wrapped_rdek: bytes
    sealed_document: bytes


class Keyring:
    """An opened keyring. It lives for one load only; the cache keeps what was asked for."""

    __slots__ = ("entries", "index_key")

    def __init__(self, index_key: bytes, entries: tuple[Entry, ...]) -> None:
        self.index_key = index_key
        self.entries = entries

    @classmethod
    def fresh(cls, suite: int = AES_256_GCM.number) -> "Keyring":
        """New random keys for every slot."""
        ids: set[int] = set()
        while len(ids) < len(Slot):
            ids.add(secrets.randbits(32))
        entries = (
            Entry(slot, suite, dek_id, 1, urandom(KEY_BYTES))
            for slot, dek_id in zip(Slot, ids, strict=True)
        )
        return cls(urandom(KEY_BYTES), tuple(entries))

    def slots(self) -> dict[int, Slot]:
        """Which slot each key number belongs to; this is no secret."""
        return {entry.dek_id: entry.slot for entry in self.entries}

    def newest(self, slot: Slot) -> Entry:
        """The entry that seals; IntegrityBroken when the ring has no key for the slot."""
        found = max((e for e in self.entries if e.slot is slot), key=_epoch, default=None)
        if found is None:
            raise IntegrityBroken
        return found

    def of(self, slots: Collection[Slot]) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.entries if entry.slot in slots)

    def encode(self) -> bytes:
        if len(self.entries) > CAPACITY:
            raise ValueError(f"a keyring holds at most {CAPACITY} keys")
        parts = [_START.pack(_VERSION, len(self.entries), self.index_key)]
        parts += [
            _ENTRY.pack(NUMBERS[e.slot], e.suite, e.dek_id, e.epoch, e.dek) for e in self.entries
        ]
        return b"".join(parts).ljust(DOCUMENT_BYTES, b"\0")

    @classmethod
    def decode(cls, document: bytes) -> "Keyring":
        version, count, index_key = _START.unpack_from(document)
        if len(document) != DOCUMENT_BYTES or version != _VERSION or count > CAPACITY:
            raise IntegrityBroken
        end = _START.size + count * _ENTRY.size
        raw = _ENTRY.iter_unpack(document[_START.size : end])
        # A slot of a newer release is left out, not guessed at.
        entries = (Entry(_SLOTS[number], *rest) for number, *rest in raw if number in _SLOTS)
        return cls(index_key, tuple(entries))

    def seal(self, kek: RootKey, deployment: bytes, resident: UUID) -> SealedKeyring:
        """Wrapped for the keystore under a new RDEK."""
        rdek, nonce = urandom(KEY_BYTES), urandom(12)
        version, wrapped = kek.wrap(rdek, belonging("rdek", deployment, resident.bytes))
        bound = belonging("keyring", deployment, resident.bytes)
        return SealedKeyring(
            version, wrapped, nonce + AESGCM(rdek).encrypt(nonce, self.encode(), bound)
        )

    @classmethod
    def open(
        cls, sealed: SealedKeyring, kek: RootKey, deployment: bytes, resident: UUID
    ) -> "Keyring":
        """The keyring; IntegrityBroken when the row was altered or belongs to somebody else."""
        rdek = kek.unwrap(
            sealed.kek_version, sealed.wrapped_rdek, belonging("rdek", deployment, resident.bytes)
        )
        document = sealed.sealed_document
        bound = belonging("keyring", deployment, resident.bytes)
        try:
            return cls.decode(AESGCM(rdek).decrypt(document[:12], document[12:], bound))
        except (InvalidTag, ValueError):
            raise IntegrityBroken from None


def _epoch(entry: Entry) -> int:
    return entry.epoch
