"""The JSON document of a key file, read without mercy.

    {"kangma_kek": 1, "id": "...", "primary": 1, "last": 1,
     "versions": {"1": {"key": "<base64, 32 bytes>"}}}

`last` is the highest number ever given, so that a destroyed version's number never comes back; a
file without it was never rotated. No error quotes what was read: it could be a key.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from consent.vocabulary import Text
from service.kit.nesting import is_deeper

FORMAT = 1
KEY_BYTES = 32
DEPTH = 3
_HIGHEST = (1 << 31) - 1


class NoDocument(Exception):
    """What was read is no sound key document. `why` continues "The file PATH ..."."""

    def __init__(self, zh: str, en: str) -> None:
        self.why = Text(zh, en)
        super().__init__(en)


@dataclass(frozen=True, slots=True, repr=False)
class KeyDocument:
    """A root key with all its versions in the open. It lives only while a file is read or made."""

    id: str
    primary: int
    last: int
    keys: Mapping[int, bytes]

    @property
    def versions(self) -> frozenset[int]:
        return frozenset(self.keys)

    def encode(self) -> bytes:
        text = {
            "kangma_kek": FORMAT,
            "id": self.id,
            "primary": self.primary,
            "last": self.last,
            "versions": {
                str(number): {"key": base64.b64encode(key).decode()}
                for number, key in sorted(self.keys.items())
            },
        }
        return json.dumps(text, indent=1).encode() + b"\n"

    @classmethod
    def decode(cls, content: bytes) -> "KeyDocument":
        """The document, or NoDocument with the first thing that is wrong."""
        if not content:
            raise NoDocument("是空的。", "is empty.")
        raw = _parsed(content)
        keys = {_number(name): _key(entry) for name, entry in _versions(raw).items()}
        primary, last = raw.get("primary"), raw.get("last", max(keys))
        if type(primary) is not int or primary not in keys:
            raise NoDocument("没有其主版本的密钥。", "does not hold its primary version.")
        if type(last) is not int or not max(keys) <= last <= _HIGHEST:
            raise NoDocument("版本编号有误。", "has a wrong number of versions.")
        if not isinstance(raw.get("id"), str) or not raw["id"]:
            raise NoDocument("没有标识。", "has no id.")
        return cls(raw["id"], primary, last, keys)


class _Twice(Exception):
    """A JSON object names one member twice, so readers could disagree about it."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Twice
    return members


def _parsed(content: bytes) -> dict[str, Any]:
    failure = NoDocument("不完整或不是 JSON。", "is truncated or not JSON.")
    try:
        raw = failure if is_deeper(content, DEPTH) else json.loads(content, object_pairs_hook=_once)
    except ValueError:
        raw = failure
    except _Twice:
        raw = NoDocument("有重复的版本或字段。", "names a version or a member twice.")
    # Raised out here, because the cause could quote key material.
    if isinstance(raw, NoDocument):
        raise raw
    if not isinstance(raw, dict) or "kangma_kek" not in raw:
        raise NoDocument("不是主密钥文件。", "is no file of a root key.")
    if type(raw["kangma_kek"]) is not int or raw["kangma_kek"] != FORMAT:
        raise NoDocument("格式版本未知。", "has a format that this release does not know.")
    return raw


def _versions(raw: dict[str, Any]) -> dict[str, Any]:
    versions = raw.get("versions")
    if not isinstance(versions, dict) or not versions:
        raise NoDocument("没有任何密钥版本。", "holds no version of a key.")
    return versions


def _number(name: str) -> int:
    # One spelling a number, or "1" and "01" would be two keys under one version.
    if not (name.isascii() and name.isdigit() and len(name) <= 10 and name == str(int(name))):
        raise NoDocument("版本编号有误。", "has a wrong number of a version.")
    if not 1 <= int(name) <= _HIGHEST:
        raise NoDocument("版本编号有误。", "has a wrong number of a version.")
    return int(name)


def _key(entry: Any) -> bytes:
    text = entry.get("key") if isinstance(entry, dict) else None
    try:
        key = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise NoDocument("有长度不对的密钥。", "holds a key that is not 32 bytes in base64.")
    return key
