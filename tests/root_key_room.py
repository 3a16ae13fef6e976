"""Homes of root keys for tests: each can be opened several times, as by several processes."""

from pathlib import Path
from typing import Protocol

from service.keys.providers import create_root_key, load_root_key
from service.keys.wrapping import RootKey


class Home(Protocol):
    """One place where a root key lives."""

    def make(self) -> RootKey:
        """The key, made at its first call; a view of its own, as another process has one."""
        ...

    def secrets(self) -> list[str]:
        """Texts that nothing printed may contain: keys, PINs, tokens."""
        ...

    def close(self) -> None: ...


class FileHome:
    def __init__(self, folder: Path) -> None:
        self._path = folder / "root" / "kek.json"
        self._store = f"sqlite:///{folder / 'none.db'}"
        self._opened: list[RootKey] = []

    def make(self) -> RootKey:
        uri = f"file:{self._path}"
        if not self._opened:
            create_root_key(uri, keystore_url=self._store).close()
        self._opened.append(load_root_key(uri))
        return self._opened[-1]

    def secrets(self) -> list[str]:
        lines = self._path.read_text().splitlines()
        return [line.split('"')[3] for line in lines if '"key"' in line]

    def close(self) -> None:
        for key in self._opened:
            key.close()
