"""What the root keys of all providers do alike: one key by way of many, versions by their state."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from service.keys.wrapping import Versions


class ProvidedKey(ABC):
    """The common part of a `RootKey`, over `wrap_many`, `unwrap_many` and what was seen last.

    A provider sets `id` once and replaces `_state` as a whole, so that threads never see half a
    change.
    """

    id: str
    _state: Versions

    @property
    def primary(self) -> int:
        return self._state.primary

    @property
    def versions(self) -> frozenset[int]:
        return self._state.versions

    @abstractmethod
    def wrap_many(
        self, items: Sequence[tuple[bytes, bytes]], *, version: int | None = None
    ) -> list[tuple[int, bytes]]: ...

    @abstractmethod
    def unwrap_many(self, items: Sequence[tuple[int, bytes, bytes]]) -> list[bytes]: ...

    def wrap(self, key: bytes, belongs: bytes, *, version: int | None = None) -> tuple[int, bytes]:
        (wrapped,) = self.wrap_many([(key, belongs)], version=version)
        return wrapped

    def unwrap(self, version: int, wrapped: bytes, belongs: bytes) -> bytes:
        (key,) = self.unwrap_many([(version, wrapped, belongs)])
        return key

    def __repr__(self) -> str:
        return f"<root key {self.id}>"
