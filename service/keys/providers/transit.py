"""The transit provider: the root key is in HashiCorp Vault or OpenBao and never leaves it.

The key is of type aes256-gcm96, not exportable, not derived. Only batches are sent, 500 items at
most, each with its `associated_data` and `key_version`; a single key is a batch of one. The engine
writes `vault:vN:base64(nonce 12 | ciphertext | tag 16)`: N and the bytes are what Kangma stores.

Versions are the engine's own. `min_encryption_version` is the primary: the engine itself refuses
to encrypt under an older one, so a process that has not yet seen a switch cannot wrap under it.
Destroying raises `min_decryption_version` and then trims, which deletes the version for good.
API: <https://openbao.org/api-docs/secret/transit/>, paths keys, encrypt, decrypt, rotate, config
and trim; <https://developer.hashicorp.com/vault/api-docs/secret/transit> is the same for these.
"""

import base64
import threading
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from consent.vocabulary import Text
from service.keys.providers.base import ProvidedKey
from service.keys.providers.transit_http import TransitHttp, TransitUri
from service.keys.wrapping import (
    WRAPPED_BYTES,
    KeyRefused,
    bound,
    check_destroyable,
    check_wrapped,
    check_wraps,
    not_present,
)
from service.kit.errors import IntegrityBroken, Unavailable

T = TypeVar("T")
BATCH = 500
_TYPE = "aes256-gcm96"


def load(uri: str, data: Path | None) -> "TransitKey":
    """The root key in the engine; KeyRefused when it is not there or could leave it."""
    return TransitKey(TransitHttp(TransitUri.parse(uri)))


def create(uri: str, data: Path | None) -> "TransitKey":
    """A new root key made by the engine; KeyRefused where one bears the name."""
    address = TransitUri.parse(uri)
    way = TransitHttp(address)
    try:
        _make(way)
    except BaseException:
        way.close()
        raise
    return TransitKey(way)


def _make(way: TransitHttp) -> None:
    if _there(way):
        raise KeyRefused(
            Text("密钥服务已有同名密钥。", "The key service has a key of this name already.")
        )
    name = way.address.key
    body = {"type": _TYPE, "exportable": False, "allow_plaintext_backup": False}
    way.change("keys", name, body=body)
    way.change("keys", name, "config", body={"min_encryption_version": 1})


def exists(uri: str, data: Path | None) -> bool:
    way = TransitHttp(TransitUri.parse(uri))
    try:
        return _there(way)
    finally:
        way.close()


def _there(way: TransitHttp) -> bool:
    status, _ = way.read("keys", way.address.key)
    return status != 404


class _State(NamedTuple):
    """What the engine said last."""

    primary: int
    versions: frozenset[int]


class TransitKey(ProvidedKey):
    """A `RootKey` in a Transit engine."""

    _state: _State

    def __init__(self, way: TransitHttp) -> None:
        self._way = way
        self._name = way.address.key
        self.id = f"{way.address.mount}/{way.address.key}"
        self._changing = threading.Lock()
        try:
            self._state = self._read()
        except BaseException:
            way.close()
            raise

    def wrap_many(
        self, items: Sequence[tuple[bytes, bytes]], *, version: int | None = None
    ) -> list[tuple[int, bytes]]:
        wrapped: list[tuple[int, bytes]] = []
        for part in _parts(items):
            wrapped += self._wrap(part, version)
        return wrapped

    def unwrap_many(self, items: Sequence[tuple[int, bytes, bytes]]) -> list[bytes]:
        for version, wrapped, _ in items:
            check_wrapped(version, wrapped)
        if any(version not in self._state.versions for version, _, _ in items):
            # Another process may have added it.
            self.reload()
            if any(version not in self._state.versions for version, _, _ in items):
                raise IntegrityBroken
        return [key for part in _parts(items) for key in self._unwrap(part)]

    # -- the life of a version -----------------------------------------------------------------

    def add_version(self) -> int:
        with self._changing:
            self.reload()
            # Without this the newest version would at once be the primary.
            self._configure(min_encryption_version=self._state.primary)
            self._way.change("keys", self._name, "rotate", body={})
            self.reload()
            return max(self._state.versions)

    def make_primary(self, version: int) -> None:
        with self._changing:
            self.reload()
            if version not in self._state.versions:
                raise not_present(version)
            self._configure(min_encryption_version=version)
            self.reload()

    def destroy(self, version: int) -> None:
        with self._changing:
            self.reload()
            check_destroyable(self._state, version)
            self._configure(
                min_encryption_version=self._state.primary, min_decryption_version=version + 1
            )
            body = {"min_available_version": version + 1}
            self._way.change("keys", self._name, "trim", body=body)
            self.reload()

    def reload(self) -> None:
        self._state = self._read()

    def close(self) -> None:
        self._way.close()

    # -- inside --------------------------------------------------------------------------------

    def _wrap(
        self, items: list[tuple[bytes, bytes]], version: int | None
    ) -> list[tuple[int, bytes]]:
        for last in (False, True):
            number = self._state.primary if version is None else version
            check_wraps(self._state, number)
            batch = [
                {
                    "plaintext": _text(key),
                    "associated_data": _text(bound(belongs, number)),
                    "key_version": number,
                }
                for key, belongs in items
            ]
            status, data = self._way.ask("encrypt", self._name, body={"batch_input": batch})
            if status == 200:
                results = _results(data, len(items))
                return [(number, _bytes_of(each.get("ciphertext"), number)) for each in results]
            if last:
                break
            # The engine refuses a version that is no longer the primary: look, and once more.
            self.reload()
        raise Unavailable(_NONSENSE)

    def _unwrap(self, items: list[tuple[int, bytes, bytes]]) -> list[bytes]:
        batch = [
            {
                "ciphertext": f"vault:v{version}:{_text(wrapped)}",
                "associated_data": _text(bound(belongs, version)),
            }
            for version, wrapped, belongs in items
        ]
        status, data = self._way.ask("decrypt", self._name, body={"batch_input": batch})
        results = _results(data, len(items))
        # 400 is the engine's word for a batch of which an item failed.
        if status == 400 or any(each.get("error") for each in results):
            raise IntegrityBroken
        if status != 200:
            raise Unavailable(_NONSENSE)
        return [_key_of(each.get("plaintext")) for each in results]

    def _configure(self, **values: int) -> None:
        self._way.change("keys", self._name, "config", body=dict(values))

    def _read(self) -> _State:
        status, data = self._way.read("keys", self._name)
        if status == 404:
            raise KeyRefused(
                Text("密钥服务没有这个主密钥。", "The key service has no such root key.")
            )
        try:
            _check_kind(data)
            latest = _number(data["latest_version"])
            oldest = max(_number(data["min_decryption_version"]), _minimum(data), 1)
            primary = _number(data["min_encryption_version"]) or latest
        except (KeyError, TypeError):
            raise Unavailable(_NONSENSE) from None
        return _State(primary, frozenset(range(oldest, latest + 1)))


_NONSENSE = Text("密钥服务的应答不合协议。", "The key service answered against its protocol.")
_LEAKY = Text(
    "密钥服务中的密钥不是不可导出的 aes256-gcm96 密钥。",
    "The key of the key service is not an aes256-gcm96 key that can never be exported.",
)


def _check_kind(data: dict[str, Any]) -> None:
    leaky = data.get("exportable") or data.get("allow_plaintext_backup")
    if data["type"] != _TYPE or data.get("derived") or leaky:
        raise KeyRefused(_LEAKY)


def _number(value: object) -> int:
    if type(value) is not int:
        raise TypeError
    return value


def _minimum(data: dict[str, Any]) -> int:
    return _number(data.get("min_available_version", 0))


def _results(data: dict[str, Any], expected: int) -> list[dict[str, Any]]:
    results = data.get("batch_results")
    if not isinstance(results, list) or len(results) != expected:
        raise Unavailable(_NONSENSE)
    if not all(isinstance(each, dict) for each in results):
        raise Unavailable(_NONSENSE)
    return results


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _bytes_of(ciphertext: object, version: int) -> bytes:
    start = f"vault:v{version}:"
    if isinstance(ciphertext, str) and ciphertext.startswith(start):
        wrapped = _decoded(ciphertext.removeprefix(start))
        if len(wrapped) == WRAPPED_BYTES:
            return wrapped
    raise Unavailable(_NONSENSE)


def _key_of(plaintext: object) -> bytes:
    key = _decoded(plaintext) if isinstance(plaintext, str) else b""
    if not key:
        raise Unavailable(_NONSENSE)
    return key


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""


def _parts(items: Sequence[T]) -> list[list[T]]:
    rest = iter(items)
    return list(iter(lambda: list(islice(rest, BATCH)), []))
