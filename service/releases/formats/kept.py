"""A shelf of derived bytes: the least recently asked for make room when it is full.

They are kept compressed: a form of many words shrinks to a thirtieth, and is opened in no time.
"""

import zlib
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

Key = tuple[str, str]
"""SHA-256 of a manifest (which holds that of its table) and the name of a form."""


class Shelf:
    """Bytes by key, at most `capacity` compressed bytes; may be asked from several threads."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._kept: OrderedDict[Key, bytes] = OrderedDict()
        self._size = 0
        self._lock = Lock()
        # One derivation at a time: many askers of one new release must not fill the memory.
        self._deriving = Lock()

    @property
    def size(self) -> int:
        """Compressed bytes kept now."""
        return self._size

    def get(self, key: Key, derive: Callable[[], bytes]) -> bytes:
        """What is kept under the key, derived when it is not there."""
        found = self._look(key)
        if found is not None:
            return found
        with self._deriving:
            found = self._look(key)
            return self._put(key, derive()) if found is None else found

    def _look(self, key: Key) -> bytes | None:
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
        return None if found is None else zlib.decompress(found)

    def _put(self, key: Key, content: bytes) -> bytes:
        packed = zlib.compress(content, 1)
        with self._lock:
            if len(packed) <= self._capacity:
                self._kept[key] = packed
                self._size += len(packed)
            while self._size > self._capacity:
                _, dropped = self._kept.popitem(last=False)
                self._size -= len(dropped)
        return content
