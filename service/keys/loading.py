"""Opening keyrings into the cache: the slots that a permit names, and no others."""

from collections.abc import Collection, Mapping
from functools import lru_cache
from uuid import UUID

from consent.decision import Permit
from consent.vocabulary import DataClass
from service.keys.cache import KeyCache, OpenKeys
from service.keys.keyring import Keyring, SealedKeyring, Slot
from service.keys.keystore import Keystore

_POLICY = frozenset({Slot.POLICY})


class KeyLoader:
    """Reads keyrings from one keystore and keeps what was needed of them in one cache."""

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
