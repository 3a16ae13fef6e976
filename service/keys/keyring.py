"""The keyring: all keys of one resident in one document of always 1,024 bytes.

    version u8 | entries u8 | K_idx 32 | entries | zeros up to 1,024
    entry: slot u8 | suite u8 | dek_id u32 | epoch u16 | DEK 32

The document is sealed by AES-256-GCM under the resident's key (RDEK), the RDEK is wrapped by the
root key. One size for everybody hides which classes a resident uses; one unwrap serves them all.
A slot may have entries of several epochs: the newest seals, every one opens. Each entry has its
suite. `version` is the suite whose keyed hash blinds with K_idx: it stays as long as the ring,
because tags and shifted days are in the rows.
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

from service.keys.index import Index
from service.keys.wrapping import RootKey, belonging
from service.kit.crypto.aead import AES_256_GCM, KEY_BYTES, SUITES, Key
from service.kit.errors import IntegrityBroken

DOCUMENT_BYTES = 1024
_START = struct.Struct(">BB32s")
_ENTRY = struct.Struct(">BBIH32s")
CAPACITY = (DOCUMENT_BYTES - _START.size) // _ENTRY.size
"""Twenty-four keys: one a slot, and eleven more for slots that stand between two epochs."""
LAST_EPOCH = 2**16 - 1


class RingFull(Exception):
    """No room for another epoch until older keys are dropped."""


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
    """One row of the keystore, and what the keystore knows of its keys besides.

    `destroyed` are numbers of keys that were shredded: an older row that still holds them does not
    give them back. `spent` are keys too much used to seal anything more.
    """

    kek_version: int
    wrapped_rdek: bytes
    sealed_document: bytes
    destroyed: frozenset[int] = frozenset()
    spent: frozenset[int] = frozenset()


class Keyring:
    """An opened keyring. It lives for one load only; the cache keeps what was asked for."""

    __slots__ = ("blinding", "entries", "index_key")

    def __init__(
        self, index_key: bytes, entries: tuple[Entry, ...], blinding: int = AES_256_GCM.number
    ) -> None:
        self.index_key = index_key
        self.entries = entries
        self.blinding = blinding

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
        return cls(urandom(KEY_BYTES), tuple(entries), suite)

    def index(self) -> Index:
        """The blinding of this resident."""
        return Index(self.index_key, self.blinding)

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

    def begun(
        self, slots: Collection[Slot], *, spare: int = 0, suite: int = AES_256_GCM.number
    ) -> "Keyring":
        """The ring with a new key of the next epoch and of this suite for each slot.

        `RingFull` when fewer than `spare` places would be left.
        """
        taken = {entry.dek_id for entry in self.entries}
        fresh = []
        for slot in sorted(slots, key=NUMBERS.__getitem__):
            epoch = max((e.epoch for e in self.entries if e.slot is slot), default=0) + 1
            if epoch > LAST_EPOCH:
                raise RingFull
            while (dek_id := secrets.randbits(32)) in taken:
                continue
            taken.add(dek_id)
            fresh.append(Entry(slot, suite, dek_id, epoch, urandom(KEY_BYTES)))
        if len(self.entries) + len(fresh) + spare > CAPACITY:
            raise RingFull
        return Keyring(self.index_key, (*self.entries, *fresh), self.blinding)

    def due(self, slots: Collection[Slot], *, spare: int) -> list[Slot]:
        """Those of these slots that may begin an epoch now: each has one key, oldest first."""
        epochs = {slot: [e.epoch for e in self.entries if e.slot is slot] for slot in slots}
        single = [slot for slot, found in epochs.items() if len(found) == 1]
        single.sort(key=lambda slot: (epochs[slot][0], NUMBERS[slot]))
        return single[: max(0, CAPACITY - spare - len(self.entries))]

    def without(self, dek_ids: Collection[int]) -> "Keyring":
        """The ring without these keys."""
        kept = tuple(entry for entry in self.entries if entry.dek_id not in dek_ids)
        return Keyring(self.index_key, kept, self.blinding)

    def outdated(self) -> frozenset[int]:
        """The keys that no longer seal, because their slot has one of a later epoch."""
        newest = {entry.slot: entry.epoch for entry in sorted(self.entries, key=_epoch)}
        return frozenset(e.dek_id for e in self.entries if e.epoch < newest[e.slot])

    def encode(self) -> bytes:
        if len(self.entries) > CAPACITY:
            raise ValueError(f"a keyring holds at most {CAPACITY} keys")
        parts = [_START.pack(self.blinding, len(self.entries), self.index_key)]
        parts += [
            _ENTRY.pack(NUMBERS[e.slot], e.suite, e.dek_id, e.epoch, e.dek) for e in self.entries
        ]
        return b"".join(parts).ljust(DOCUMENT_BYTES, b"\0")

    @classmethod
    def decode(cls, document: bytes) -> "Keyring":
        blinding, count, index_key = _START.unpack_from(document)
        if len(document) != DOCUMENT_BYTES or blinding not in SUITES or count > CAPACITY:
            raise IntegrityBroken
        end = _START.size + count * _ENTRY.size
        raw = _ENTRY.iter_unpack(document[_START.size : end])
        # A slot of a newer release is left out, not guessed at.
        entries = tuple(Entry(_SLOTS[number], *rest) for number, *rest in raw if number in _SLOTS)
        # A suite of a newer release is no slot to do without: an older key would seal instead.
        if any(entry.suite not in SUITES for entry in entries):
            raise IntegrityBroken
        return cls(index_key, entries, blinding)

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
            ring = cls.decode(AESGCM(rdek).decrypt(document[:12], document[12:], bound))
        except (InvalidTag, ValueError):
            raise IntegrityBroken from None
        return ring.without(sealed.destroyed) if sealed.destroyed else ring


def _epoch(entry: Entry) -> int:
    return entry.epoch
