"""Homes of root keys for tests: each can be opened several times, as by several processes."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from service.keys.providers import create_root_key, load_root_key
from service.keys.wrapping import RootKey
from tests import hsm_room, transit_server


class Home(Protocol):
    """One place where a root key lives."""

    def make(self) -> RootKey:
        """The key, made at its first call; a view of its own, as another process has one."""
        ...

    def secrets(self) -> list[str]:
        """Texts that nothing printed may contain: keys, PINs, tokens."""
        ...

    def close(self) -> None: ...


class _Addressed:
    """A home behind a URI."""

    def __init__(self, folder: Path, uri: str) -> None:
        self.uri = uri
        self._store = f"sqlite:///{folder / 'none.db'}"
        self._opened: list[RootKey] = []

    def make(self) -> RootKey:
        if not self._opened:
            create_root_key(self.uri, keystore_url=self._store).close()
        self._opened.append(load_root_key(self.uri))
        return self._opened[-1]

    def close(self) -> None:
        for key in self._opened:
            key.close()


class FileHome(_Addressed):
    def __init__(self, folder: Path) -> None:
        self._path = folder / "root" / "kek.json"
        super().__init__(folder, f"file:{self._path}")

    def secrets(self) -> list[str]:
        lines = self._path.read_text().splitlines()
        return [line.split('"')[3] for line in lines if '"key"' in line]


class HsmHome(_Addressed):
    """A key of its own in the token of this process."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, hsm_room.soft_hsm().uri(hsm_room.new_label()))

    def secrets(self) -> list[str]:
        return [hsm_room.PIN]


class TransitHome(_Addressed):
    """A key of its own in the engine of this process."""

    def __init__(self, folder: Path) -> None:
        server = transit_server.shared()
        name = f"kangma-{uuid4().hex[:12]}"
        self._keys, self._name = server.engine.keys, name
        super().__init__(folder, transit_server.uri(server, folder, name))

    def secrets(self) -> list[str]:
        keys = self._keys[self._name].versions.values()
        return [transit_server.TOKEN, *(key.hex() for key in keys), *map(repr, keys)]


HOMES: dict[str, Callable[[Path], Home]] = {
    "file": FileHome,
    "pkcs11": HsmHome,
    "transit": TransitHome,
}
