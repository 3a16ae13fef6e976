"""Opened keys, kept for a short while: 10,000 residents at most and 300 seconds at most.

What is kept for a resident never changes: needing one more slot makes a new `OpenKeys`, so a thread
that reads one never sees it half made. Python cannot overwrite a key in memory; dropping the last
reference is all that can be done here.

Beside the keys of a resident lies what was opened with them and is asked for again and again: it
goes when they go, whatever the reason.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from service.keys.index import Index
from service.keys.keyring import Keyring, SealedKeyring, Slot
from service.kit.crypto.aead import Key

CAPACITY = 10_000
LIFETIME = 300.0
MOST_BESIDE = 1024
"""Residents beside whose keys anything lies; the one who was added to longest ago goes first."""
MOST_NAMES = 4
"""What lies beside the keys of one resident; one more, and all of it goes."""


@dataclass(frozen=True, slots=True, repr=False)
class OpenKeys:
    """What of one resident's keyring was needed: the index, and the keys of some slots.

    `slots` says for every key number which slot it belongs to; only numbers, no keys. `revision`
    is the consent revision they were read under: a permit of a later one (a withdrawal, a shredded
    class) asks for them again. `destroyed` and `spent` are as in `SealedKeyring`.
    """

    index: Index
    slots: Mapping[int, Slot]
    sealing: Mapping[str, Key]
    opening: Mapping[int, Key]
    expires: float
    revision: int = 0
    destroyed: frozenset[int] = frozenset()
    spent: frozenset[int] = frozenset()
    started: Mapping[bytes, tuple[Slot, Key]] = field(default_factory=dict)
    """The keys of `opening` with their slots, by how their ciphertexts start."""

    @classmethod
    def of(
        cls,
        ring: Keyring,
        wanted: Collection[Slot],
        expires: float,
        *,
        revision: int = 0,
        sealed: SealedKeyring | None = None,
    ) -> "OpenKeys":
        opening = {entry.dek_id: entry.ready() for entry in ring.of(wanted)}
        sealing: dict[str, Key] = {slot: opening[ring.newest(slot).dek_id] for slot in wanted}
        slots = ring.slots()
        return cls(
            index=ring.index(),
            slots=slots,
            sealing=sealing,
            opening=opening,
            expires=expires,
            revision=revision,
            destroyed=frozenset() if sealed is None else sealed.destroyed,
            spent=frozenset() if sealed is None else sealed.spent,
            started={key.start: (slots[key.dek_id], key) for key in opening.values()},
        )

    def loaded(self) -> set[Slot]:
        return {Slot(name) for name in self.sealing}


class _Beside(NamedTuple):
    value: object
    expires: float


class KeyCache:
    """A bounded, least-recently-used map from resident to `OpenKeys`, safe between threads."""

    def __init__(self, capacity: int = CAPACITY, lifetime: float = LIFETIME) -> None:
        self._capacity = capacity
        self._lifetime = lifetime
        self._kept: OrderedDict[int, OpenKeys] = OrderedDict()
        self._newest: int | None = None
        """Who was used last, so that using them again changes no order."""
        self._beside: OrderedDict[int, dict[Hashable, _Beside]] = OrderedDict()
        self._lock = threading.Lock()
        self._drops = 0

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, resident: int) -> OpenKeys | None:
        # Looking takes no lock: what is found is whole. Only a change of the order does.
        keys = self._kept.get(resident)
        if keys is None:
            return None
        if keys.expires <= time.monotonic():
            self._expire(resident, keys)
            return None
        if resident != self._newest:
            self._use(resident)
        return keys

    def expiry(self) -> float:
        """When keys loaded now must be dropped."""
        return time.monotonic() + self._lifetime

    @property
    def drops(self) -> int:
        """Counts every drop; remember it before a load and give it to `put`."""
        return self._drops

    def put(self, resident: int, keys: OpenKeys, *, drops: int) -> bool:
        """Keep the keys, unless something was dropped since they were read from the keystore.

        Without this, a load that began before an erasure could put the keys back after it.
        """
        with self._lock:
            if self._drops != drops:
                return False
            self._kept[resident] = keys
            self._kept.move_to_end(resident)
            self._newest = resident
            self._make_room()
            return True

    def beside(self, resident: int, name: Hashable) -> object | None:
        """What was laid beside keys that are still kept."""
        if self.get(resident) is None:
            return None
        found = self._beside.get(resident, {}).get(name)
        # Keys may have been loaded anew since; what the older ones opened ends when they would.
        return None if found is None or found.expires <= time.monotonic() else found.value

    def lay_beside(self, resident: int, name: Hashable, value: object, *, drops: int) -> None:
        """Keep a value for as long as the keys that it was opened with.

        Not where something was dropped since `drops` was read, before the value was opened.
        """
        with self._lock:
            keys = self._kept.get(resident)
            if keys is None or self._drops != drops:
                return
            names = self._beside.get(resident, {})
            if name not in names and len(names) >= MOST_NAMES:
                names = {}
            # Never changed in place, because looking takes no lock.
            self._beside[resident] = {**names, name: _Beside(value, keys.expires)}
            self._beside.move_to_end(resident)
            while len(self._beside) > MOST_BESIDE:
                self._beside.popitem(last=False)

    def drop(self, resident: int) -> None:
        with self._lock:
            self._drops += 1
            self._kept.pop(resident, None)
            self._beside.pop(resident, None)
            self._newest = None

    def sweep(self) -> None:
        """Let go of everything whose time is over, asked for again or not."""
        now = time.monotonic()
        with self._lock:
            for resident in [who for who, keys in self._kept.items() if keys.expires <= now]:
                del self._kept[resident]
                self._beside.pop(resident, None)
                if resident == self._newest:
                    self._newest = None
            # Keys may have been loaded anew; what the older ones opened is over all the same.
            for resident, names in list(self._beside.items()):
                rest = {name: one for name, one in names.items() if one.expires > now}
                if not rest:
                    del self._beside[resident]
                elif len(rest) < len(names):
                    self._beside[resident] = rest

    def _make_room(self) -> None:
        """Let go of who was used longest ago: one too many, or whose time is over unasked for."""
        now = time.monotonic()
        while self._kept:
            oldest, keys = next(iter(self._kept.items()))
            if len(self._kept) <= self._capacity and keys.expires > now:
                return
            del self._kept[oldest]
            self._beside.pop(oldest, None)

    def _use(self, resident: int) -> None:
        with self._lock:
            # It may have been dropped meanwhile.
            if resident in self._kept:
                self._kept.move_to_end(resident)
                self._newest = resident

    def _expire(self, resident: int, keys: OpenKeys) -> None:
        with self._lock:
            # Another thread may have loaded them again meanwhile.
            if self._kept.get(resident) is keys:
                del self._kept[resident]
                self._beside.pop(resident, None)
                self._newest = None
