"""The file provider: `file:PATH` names a file with every version of the root key.

The file must belong to the account that runs the service, be closed to group and others (0600),
lie in a folder that only this account or root can change, and outside the data folder, so that no
backup of the data carries the key along. Every refusal is one sentence for the operator. A change
replaces the whole file at once: after a power cut there is the old one or the new one.
"""

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from os import urandom
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from consent.vocabulary import Text
from service.keys.providers import disk
from service.keys.providers.base import ProvidedKey
from service.keys.providers.document import KEY_BYTES, KeyDocument, NoDocument
from service.keys.wrapping import (
    KeyRefused,
    bound,
    check_destroyable,
    check_wrapped,
    check_wraps,
    not_present,
)
from service.kit.errors import IntegrityBroken


def load(uri: str, data: Path | None) -> "FileKey":
    """The root key in the file; KeyRefused in every doubt."""
    return FileKey(path_of(uri), data)


def create(uri: str, data: Path | None) -> "FileKey":
    """A new root key in a new file, closed to everybody else."""
    path = path_of(uri)
    disk.check_place(path, data)
    document = KeyDocument(urandom(8).hex(), 1, 1, {1: urandom(KEY_BYTES)})
    disk.make(path, document.encode())
    return FileKey(path, data)


def exists(uri: str, data: Path | None) -> bool:
    # A dangling link is something too: the key it names is lost, and no other takes its place.
    return os.path.lexists(path_of(uri))


def path_of(uri: str) -> Path:
    """Where the file provider keeps the key."""
    scheme, _, rest = uri.partition(":")
    if scheme != "file" or not rest:
        raise KeyRefused(Text("主密钥地址应为 file:路径。", "The address must be file:PATH."))
    return Path(rest).expanduser()


class FileKey(ProvidedKey):
    """A `RootKey` whose versions are in this process's memory and in a file."""

    _state: "_State"

    def __init__(self, path: Path, data: Path | None = None) -> None:
        self._path = path
        self._data = data
        self._lock = threading.Lock()
        self._state = self._read()
        self.id = self._state.id

    def wrap_many(
        self, items: Sequence[tuple[bytes, bytes]], *, version: int | None = None
    ) -> list[tuple[int, bytes]]:
        # A primary that another process replaced must wrap nothing more, so the file is asked.
        if disk.state(self._path) != self._state.stamp:
            self.reload()
        held = self._state
        number = held.primary if version is None else version
        check_wraps(held, number)
        cipher = held.ciphers[number]
        nonces = [urandom(12) for _ in items]
        return [
            (number, nonce + cipher.encrypt(nonce, key, bound(belongs, number)))
            for nonce, (key, belongs) in zip(nonces, items, strict=True)
        ]

    def unwrap_many(self, items: Sequence[tuple[int, bytes, bytes]]) -> list[bytes]:
        return [self._unwrap(*item) for item in items]

    # -- the life of a version -----------------------------------------------------------------

    def add_version(self) -> int:
        def added(old: KeyDocument) -> KeyDocument:
            number = old.last + 1
            return replace(old, last=number, keys={**old.keys, number: urandom(KEY_BYTES)})

        return self._change(added).last

    def make_primary(self, version: int) -> None:
        def switched(old: KeyDocument) -> KeyDocument:
            if version not in old.keys:
                raise not_present(version)
            return replace(old, primary=version)

        self._change(switched)

    def destroy(self, version: int) -> None:
        def without(old: KeyDocument) -> KeyDocument:
            check_destroyable(old, version)
            return replace(old, keys={n: key for n, key in old.keys.items() if n != version})

        self._change(without)

    def reload(self) -> None:
        found = self._read()
        if found.id != self.id:
            raise KeyRefused(_ANOTHER)
        self._state = found

    def close(self) -> None:
        """Nothing is open between two calls."""

    # -- inside --------------------------------------------------------------------------------

    def _unwrap(self, version: int, wrapped: bytes, belongs: bytes) -> bytes:
        check_wrapped(version, wrapped)
        cipher = self._state.ciphers.get(version) or self._met(version)
        if cipher is None:
            raise IntegrityBroken
        try:
            return cipher.decrypt(wrapped[:12], wrapped[12:], bound(belongs, version))
        except InvalidTag:
            raise IntegrityBroken from None

    def _change(self, step: Callable[[KeyDocument], KeyDocument]) -> KeyDocument:
        """Replace the file by a later state of itself; threads and processes take turns."""
        with self._lock, disk.turn(self._path):
            new = step(self._document())
            disk.replace(self._path, new.encode())
            self.reload()
            return new

    def _met(self, version: int) -> AESGCM | None:
        """Another process may have added a version since the file was read."""
        try:
            self.reload()
        except KeyRefused:
            # What is held goes on opening what it can; the operator hears of it at `keys check`.
            return None
        return self._state.ciphers.get(version)

    def _document(self) -> KeyDocument:
        disk.check_place(self._path, self._data)
        try:
            return KeyDocument.decode(disk.read(self._path))
        except NoDocument as failure:
            refused = disk.refused(self._path, failure.why.zh, failure.why.en)
        # Raised out here, because the cause has seen key material.
        raise refused

    def _read(self) -> "_State":
        # The stamp is asked first: a change in between makes it look old, and it is read again.
        stamp = disk.state(self._path)
        return _State(self._document(), stamp)


class _State:
    """One state of the versions; replaced as a whole, so that threads never see half a change."""

    __slots__ = ("ciphers", "id", "primary", "stamp", "versions")

    def __init__(self, document: KeyDocument, stamp: tuple[int, int, int] | None) -> None:
        self.id = document.id
        self.primary = document.primary
        self.versions = frozenset(document.keys)
        self.ciphers = {number: AESGCM(key) for number, key in document.keys.items()}
        self.stamp = stamp


_ANOTHER = Text(
    "密钥文件中已是另一个主密钥，请恢复原文件。",
    "The key file holds another root key than before; restore the file.",
)
