"""Which key: found in the cache, or its keyring opened into it, the slots asked for and no others.

No permit is judged here and no text passes: that is the vault's.
"""

from collections.abc import Collection, Mapping
from functools import lru_cache
from types import MappingProxyType
from uuid import UUID

from consent.decision import Permit
from consent.vocabulary import DataClass
from service.keys.cache import KeyCache, OpenKeys
from service.keys.index import Index
from service.keys.keyring import Keyring, SealedKeyring, Slot
from service.keys.keystore import Keystore
from service.kit.crypto.aead import Key, dek_id_of
from service.kit.errors import Gone, IntegrityBroken, Unavailable

_POLICY = frozenset({Slot.POLICY})
_NOTHING: Mapping[bytes, tuple[Slot, Key]] = MappingProxyType({})


class KeyLoader:
    """Finds keys of one keystore's residents, and keeps what was needed of them in one cache."""

    def __init__(self, keystore: Keystore, cache: KeyCache) -> None:
        self._keystore = keystore
        self._cache = cache

    def load(self, resident: UUID, wanted: Collection[Slot], revision: int = 0) -> OpenKeys:
        """Open the keyring, keep the slots that are needed or were, and no others."""
        while True:
            drops = self._cache.drops
            held = self._cache.get(resident.int)
            slots = {*wanted, *(() if held is None else held.loaded())}
            newest = revision if held is None else max(revision, held.revision)
            keys = self._opened(resident, self._keystore.load(resident), slots, newest)
            # A drop meanwhile may have been an erasure: read the keystore again.
            if self._cache.put(resident.int, keys, drops=drops):
                return keys

    def preload(self, residents: Mapping[UUID, int], wanted: Collection[Slot]) -> None:
        """As `Vault.preload`."""
        drops = self._cache.drops
        missing: dict[UUID, set[Slot]] = {}
        for resident, revision in residents.items():
            held = self._cache.get(resident.int)
            loaded = set() if held is None else held.loaded()
            if held is None or held.revision < revision or not set(wanted) <= loaded:
                missing[resident] = {*wanted, *loaded}
        if not missing:
            return
        for resident, sealed in self._keystore.load_many(missing).items():
            keys = self._opened(resident, sealed, missing[resident], residents[resident])
            self._cache.put(resident.int, keys, drops=drops)

    def sealing(self, slot: str, resident: UUID, permit: Permit | None) -> Key:
        """The key that seals in a slot now; `Unavailable` when it is used up."""
        keys = self._cache.get(resident.int)
        key = None
        if keys is not None and (permit is None or keys.revision >= permit.revision):
            key = keys.sealing.get(slot)
        if key is None or keys is None:
            keys = self.load(resident, named(permit), revision_of(permit))
            key = keys.sealing[slot]
        if keys.spent and key.dek_id in keys.spent:
            # Its next epoch could not begin for want of room, so nothing more is sealed.
            raise Unavailable
        return key

    def started(self, resident: int, permit: Permit | None) -> Mapping[bytes, tuple[Slot, Key]]:
        """Open keys by how their ciphertexts start; none that is older than the permit."""
        keys = self._cache.get(resident)
        if keys is None or (permit is not None and keys.revision < permit.revision):
            return _NOTHING
        return keys.started

    def writer_of(self, data: bytes, resident: UUID) -> tuple[OpenKeys, Key]:
        """The keys of a ciphertext's owner and the one it was sealed with, whatever its slot."""
        dek_id = dek_id_of(data)
        keys = self._cache.get(resident.int)
        if keys is None or dek_id not in keys.opening:
            keys = self.load(resident, set(Slot))
        key = keys.opening.get(dek_id)
        if key is None:
            raise Gone if dek_id in keys.destroyed else IntegrityBroken
        return keys, key

    def index(self, resident: UUID) -> Index:
        """What stands for classes, measures, ids and days in this resident's rows."""
        keys = self._cache.get(resident.int)
        return (self.load(resident, set()) if keys is None else keys).index

    def _opened(
        self, resident: UUID, sealed: SealedKeyring, slots: set[Slot], revision: int
    ) -> OpenKeys:
        ring = Keyring.open(sealed, self._keystore.kek, self._keystore.deployment, resident)
        expiry = self._cache.expiry()
        return OpenKeys.of(ring, slots, expiry, revision=revision, sealed=sealed)


def named(permit: Permit | None) -> frozenset[Slot]:
    """The slots a permit names: loaded together at its first use, in one query, and no others."""
    return _POLICY if permit is None else _slots(permit.classes, permit.owner)


def revision_of(permit: Permit | None) -> int:
    """The consent revision that opened keys must be as new as."""
    return 0 if permit is None else permit.revision


@lru_cache(maxsize=512)
def _slots(classes: frozenset[DataClass], owner: bool) -> frozenset[Slot]:
    return frozenset({*map(Slot, classes), *((Slot.OWNER,) if owner else ())})
