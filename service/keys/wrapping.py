"""The root key (KEK): it wraps the keys of residents and of the service, and nothing else.

A wrapped key is `nonce 12 | key 32 | tag 16` under AES-256-GCM. What it belongs to (label,
deployment, subject, root key version) is authenticated, so a wrapped key cannot be moved.
"""

from collections.abc import Mapping
from os import urandom

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from consent.vocabulary import Text
from service.kit.errors import IntegrityBroken, ServiceError

WRAPPED_BYTES = 12 + 32 + 16


class KeyRefused(ServiceError):
    """The root key or the keystore cannot be used; the sentence tells the operator why."""

    code = "key-refused"
    sentence = Text("主密钥不可用。", "The root key cannot be used.")

    def __str__(self) -> str:
        return f"{self.sentence.en} {self.sentence.zh}"


def belonging(label: str, deployment: bytes, subject: bytes = bytes(16)) -> bytes:
    """What a wrapped key belongs to, in fixed width: label 16 | deployment 16 | subject 16."""
    name = label.encode()
    if len(name) > 16 or len(deployment) != 16 or len(subject) != 16:
        raise ValueError("label, deployment and subject have at most 16, 16 and 16 bytes")
    return name.ljust(16, b"\0") + deployment + subject


class Kek:
    """Every present version of one root key. Readers take any version, writers the primary."""

    def __init__(self, id: str, versions: Mapping[int, bytes], primary: int) -> None:
        self.id = id
        self.primary = primary
        self._ciphers = {number: AESGCM(key) for number, key in versions.items()}
        if primary not in self._ciphers:
            raise ValueError("the primary version is not there")

    @property
    def version(self) -> int:
        """The version that wraps new keys."""
        return self.primary

    @property
    def versions(self) -> frozenset[int]:
        return frozenset(self._ciphers)

    def wrap(self, key: bytes, belongs: bytes, *, version: int | None = None) -> tuple[int, bytes]:
        """(root key version, wrapped key)."""
        number = self.primary if version is None else version
        nonce = urandom(12)
        bound = belongs + number.to_bytes(4, "big")
        return number, nonce + self._ciphers[number].encrypt(nonce, key, bound)

    def unwrap(self, version: int, wrapped: bytes, belongs: bytes) -> bytes:
        """The key; IntegrityBroken when it was altered, moved or wrapped by another root key."""
        cipher = self._ciphers.get(version)
        if cipher is None or len(wrapped) != WRAPPED_BYTES:
            raise IntegrityBroken
        try:
            return cipher.decrypt(wrapped[:12], wrapped[12:], belongs + version.to_bytes(4, "big"))
        except InvalidTag:
            raise IntegrityBroken from None
