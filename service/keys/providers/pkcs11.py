"""The pkcs11 provider: the root key is made in a hardware security module and never leaves it.

Each version is a 256-bit AES key of the token, sensitive and not extractable, under one label with
its number as CKA_ID. It wraps by CKM_AES_GCM (PKCS#11 v2.40 section 2.11.4) inside the token. Which
version is primary and which number comes next is a data object of the token, written anew at each
change under a rising sequence; without one (a half-done start) version 1 is primary. Tested on
SoftHSM 2.
"""

import json
import threading
from collections.abc import Callable, Sequence
from os import urandom
from pathlib import Path
from typing import Any, NamedTuple, Protocol, cast

from pkcs11 import (
    Attribute,
    GCMParams,
    KeyType,
    Mechanism,
    MechanismFlag,
    Object,
    ObjectClass,
    SecretKey,
    exceptions,
)

from consent.vocabulary import Text
from service.keys.providers.base import ProvidedKey
from service.keys.providers.sessions import Pool, Seat, key_template
from service.keys.providers.token_uri import TokenUri
from service.keys.wrapping import (
    KeyRefused,
    bound,
    check_destroyable,
    check_wrapped,
    check_wraps,
    not_present,
)
from service.kit.errors import IntegrityBroken

_APPLICATION = "kangma"
_SEQUENCE_BEFORE_ANY = 0


def load(uri: str, data: Path | None) -> "Pkcs11Key":
    """The root key in the token; KeyRefused when it is not there or could leave it."""
    return Pkcs11Key(TokenUri.parse(uri))


def create(uri: str, data: Path | None) -> "Pkcs11Key":
    """A new root key made by the token itself; KeyRefused where one bears the label."""
    address = TokenUri.parse(uri)
    pool = Pool(address)
    try:
        pool.change(lambda seat: _create(seat, address.object))
    finally:
        pool.close()
    return Pkcs11Key(address)


def exists(uri: str, data: Path | None) -> bool:
    address = TokenUri.parse(uri)
    pool = Pool(address)
    try:
        return pool.run(lambda seat: _anything(seat, address.object))
    finally:
        pool.close()


class _State(NamedTuple):
    """What the token said last."""

    primary: int
    last: int
    sequence: int
    versions: frozenset[int]


class Pkcs11Key(ProvidedKey):
    """A `RootKey` in a token. Threads have sessions of their own; a lost one is opened again."""

    _state: _State

    def __init__(self, address: TokenUri) -> None:
        self._label = address.object
        self.id = f"{address.token}/{address.object}"
        self._pool = Pool(address)
        self._changing = threading.Lock()
        try:
            self._state = self._pool.run(self._read)
        except BaseException:
            self._pool.close()
            raise

    def wrap_many(
        self, items: Sequence[tuple[bytes, bytes]], *, version: int | None = None
    ) -> list[tuple[int, bytes]]:
        def work(seat: Seat) -> list[tuple[int, bytes]]:
            # A primary that another process replaced must wrap nothing more, so it is asked for.
            if _record(seat, self._label)[2] != self._state.sequence:
                self._state = self._read(seat)
            number = self._state.primary if version is None else version
            check_wraps(self._state, number)
            cipher = seat.key(self._label, number)
            if cipher is None:
                raise not_present(number)
            return [(number, _seal(cipher, key, bound(belongs, number))) for key, belongs in items]

        return self._pool.run(work) if items else []

    def unwrap_many(self, items: Sequence[tuple[int, bytes, bytes]]) -> list[bytes]:
        for version, wrapped, _ in items:
            check_wrapped(version, wrapped)

        def work(seat: Seat) -> list[bytes]:
            return [self._unwrap(seat, *item) for item in items]

        return self._pool.run(work) if items else []

    # -- the life of a version -----------------------------------------------------------------

    def add_version(self) -> int:
        def step(seat: Seat, old: _State) -> None:
            made = _generate(seat, self._label, old.last + 1)
            if len(_keys(seat, self._label, old.last + 1)) > 1:
                made.destroy()
                raise KeyRefused(_AT_ONCE)

        return self._change(step).last

    def make_primary(self, version: int) -> None:
        def step(seat: Seat, old: _State) -> None:
            if version not in old.versions:
                raise not_present(version)
            _write_record(seat, self._label, old._replace(primary=version))

        self._change(step)

    def destroy(self, version: int) -> None:
        def step(seat: Seat, old: _State) -> None:
            check_destroyable(old, version)
            # The numbers first: a destroyed one must not come back, whatever happens next.
            _write_record(seat, self._label, old)
            for key in _keys(seat, self._label, version):
                key.destroy()

        self._change(step)

    def reload(self) -> None:
        self._state = self._pool.run(self._read)

    def close(self) -> None:
        self._pool.close()

    # -- inside --------------------------------------------------------------------------------

    def _change(self, step: Callable[[Seat, _State], None]) -> _State:
        """One change and its result. Two processes that change at once are refused, not mixed."""

        def work(seat: Seat) -> _State:
            step(seat, self._read(seat))
            return self._read(seat)

        with self._changing:
            # A lost session is found and opened again here, where nothing is half done yet.
            self.reload()
            self._state = self._pool.change(work)
            return self._state

    def _unwrap(self, seat: Seat, version: int, wrapped: bytes, belongs: bytes) -> bytes:
        if version not in self._state.versions:
            # Another process may have added it.
            self._state = self._read(seat)
        cipher = seat.key(self._label, version) if version in self._state.versions else None
        if cipher is None:
            raise IntegrityBroken
        return _open(cipher, wrapped, bound(belongs, version))

    def _read(self, seat: Seat) -> _State:
        numbers = sorted(_number(key) for key in _keys(seat, self._label))
        if not numbers:
            raise KeyRefused(_text("没有这个主密钥。", "holds no such root key."))
        if len(set(numbers)) != len(numbers):
            raise KeyRefused(
                _text("有重复的主密钥版本。", "holds a version of the root key twice.")
            )
        primary, last, sequence = _record(seat, self._label)
        if primary not in numbers:
            raise KeyRefused(_text("没有主版本的密钥。", "does not hold the primary version."))
        return _State(primary, max(last, *numbers, 1), sequence, frozenset(numbers))


# -- objects of the token ----------------------------------------------------------------------


def _text(zh: str, en: str) -> Text:
    return Text(f"PKCS#11 令牌{zh}", f"The PKCS#11 token {en}")


def _keys(seat: Seat, label: str, version: int | None = None) -> list[SecretKey]:
    found = seat.find(key_template(label, version))
    return [key for key in found if isinstance(key, SecretKey)]


def _number(key: SecretKey) -> int:
    """The version of a key that is fit to be one; KeyRefused for one that could leave the token."""
    sound = (
        key.key_type is KeyType.AES
        and key[Attribute.VALUE_LEN] == 32
        and key[Attribute.SENSITIVE]
        and not key[Attribute.EXTRACTABLE]
    )
    if not sound or len(key.id) != 4:
        raise KeyRefused(
            _text(
                "中的密钥不是不可导出的 256 位 AES 密钥。",
                "holds a key under this label that is not AES-256, sensitive and unextractable.",
            )
        )
    return int.from_bytes(key.id, "big")


def _generate(seat: Seat, label: str, version: int) -> SecretKey:
    return seat.session.generate_key(
        KeyType.AES,
        256,
        id=version.to_bytes(4, "big"),
        label=label,
        store=True,
        capabilities=MechanismFlag.ENCRYPT | MechanismFlag.DECRYPT,
        template={
            Attribute.PRIVATE: True,
            Attribute.SENSITIVE: True,
            Attribute.EXTRACTABLE: False,
            Attribute.MODIFIABLE: False,
        },
    )


def _create(seat: Seat, label: str) -> None:
    if _anything(seat, label):
        raise KeyRefused(_text("已有同名密钥，不会被覆盖。", "has a key of this label already."))
    _generate(seat, label, 1)
    _write_record(seat, label, _State(1, 1, _SEQUENCE_BEFORE_ANY, frozenset({1})))


def _anything(seat: Seat, label: str) -> bool:
    return bool(seat.find({Attribute.LABEL: label}))


def _record(seat: Seat, label: str) -> tuple[int, int, int]:
    """(primary, last number given, sequence): the newest data object, or those of a fresh key."""
    return max(
        (_said(found) for found in _records(seat, label)),
        key=lambda row: row[2],
        default=(1, 1, _SEQUENCE_BEFORE_ANY),
    )


def _records(seat: Seat, label: str) -> list[Object]:
    return seat.find(_record_template(label))


def _record_template(label: str) -> dict[Attribute, Any]:
    return {
        Attribute.CLASS: ObjectClass.DATA,
        Attribute.APPLICATION: _APPLICATION,
        Attribute.LABEL: label,
    }


def _said(record: Object) -> tuple[int, int, int]:
    try:
        said = json.loads(record[Attribute.VALUE])
        return int(said["primary"]), int(said["last"]), int(said["sequence"])
    except (ValueError, TypeError, KeyError):
        raise KeyRefused(_text("中的版本记录已损坏。", "holds a broken record.")) from None


def _write_record(seat: Seat, label: str, state: _State) -> None:
    """A new data object first and the old ones away after it: there is always one to read."""
    old = _records(seat, label)
    sequence = state.sequence + 1
    said = {"primary": state.primary, "last": state.last, "sequence": sequence}
    value = json.dumps(said).encode()
    kept = {Attribute.TOKEN: True, Attribute.PRIVATE: True, Attribute.VALUE: value}
    made = seat.session.create_object({**_record_template(label), **kept})
    if sum(_said(each)[2] == sequence for each in _records(seat, label)) > 1:
        made.destroy()
        raise KeyRefused(_AT_ONCE)
    for each in old:
        each.destroy()


_AT_ONCE = Text(
    "另一进程正在更改主密钥，请稍后重试。",
    "Another process is changing the root key; try again in a moment.",
)


# -- AES-GCM inside the token ------------------------------------------------------------------


class _Cipher(Protocol):
    """What python-pkcs11 mixes into a key whose CKA_ENCRYPT and CKA_DECRYPT are set."""

    def encrypt(self, data: bytes, *, mechanism: Mechanism, mechanism_param: Any) -> bytes: ...
    def decrypt(self, data: bytes, *, mechanism: Mechanism, mechanism_param: Any) -> bytes: ...


def _seal(key: SecretKey, text: bytes, authenticated: bytes) -> bytes:
    nonce = urandom(12)
    return nonce + cast(_Cipher, key).encrypt(
        text,
        mechanism=Mechanism.AES_GCM,
        mechanism_param=GCMParams(nonce, authenticated, 128),
    )


def _open(key: SecretKey, wrapped: bytes, authenticated: bytes) -> bytes:
    try:
        return cast(_Cipher, key).decrypt(
            wrapped[12:],
            mechanism=Mechanism.AES_GCM,
            mechanism_param=GCMParams(wrapped[:12], authenticated, 128),
        )
    except (exceptions.EncryptedDataInvalid, exceptions.EncryptedDataLenRange):
        raise IntegrityBroken from None
    except (exceptions.GeneralError, exceptions.FunctionFailed):
        # Some tokens (SoftHSM) say no more than this to a wrong tag. Is the token itself well?
        # If it is not, this raises again and the session counts as lost.
        _seal(key, bytes(32), authenticated)
    raise IntegrityBroken
