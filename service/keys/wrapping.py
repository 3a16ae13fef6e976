"""The root key (KEK): it wraps the keys of residents and of the service, and nothing else.

Wherever it lives (`service.keys.providers`), a wrapped key is `nonce 12 | key 32 | tag 16` under
an AEAD with a 96-bit nonce. What it belongs to (label, deployment, subject, root key version) is
authenticated, so a wrapped key cannot be moved.
"""

from collections.abc import Sequence
from typing import Protocol

from consent.vocabulary import Text
from service.kit.errors import IntegrityBroken, ServiceError

WRAPPED_BYTES = 12 + 32 + 16


class KeyRefused(ServiceError):
    """The root key or the keystore cannot be used; the sentence tells the operator why."""

    code = "key-refused"
    sentence = Text("主密钥不可用。", "The root key cannot be used.")

    def __str__(self) -> str:
        return f"{self.sentence.en} {self.sentence.zh}"


class RootKey(Protocol):
    """Every present version of one root key. Readers take any version, writers the primary.

    Versions are numbered from 1 and a number never comes back. Every method may be called from any
    thread; a version that another process added is found when it is first met.
    """

    @property
    def id(self) -> str:
        """A name for people, the same for every version; no secret."""
        ...

    @property
    def primary(self) -> int:
        """The version that wraps new keys."""
        ...

    @property
    def versions(self) -> frozenset[int]:
        """The versions that still open something."""
        ...

    def wrap(self, key: bytes, belongs: bytes, *, version: int | None = None) -> tuple[int, bytes]:
        """(root key version, wrapped key). KeyRefused for an absent version or an
        older one than the primary: those only open."""
        ...

    def unwrap(self, version: int, wrapped: bytes, belongs: bytes) -> bytes:
        """The key; IntegrityBroken when it was altered, moved or wrapped by another root key."""
        ...

    def wrap_many(
        self, items: Sequence[tuple[bytes, bytes]], *, version: int | None = None
    ) -> list[tuple[int, bytes]]:
        """As `wrap` for each (key, belongs), in order and in as few round trips as there can be."""
        ...

    def unwrap_many(self, items: Sequence[tuple[int, bytes, bytes]]) -> list[bytes]:
        """As `unwrap` for each (version, wrapped, belongs); IntegrityBroken when any one fails."""
        ...

    def add_version(self) -> int:
        """Make one more version, not yet the primary; returns its number."""
        ...

    def make_primary(self, version: int) -> None:
        """Let this present version wrap from now on; KeyRefused when it is not there."""
        ...

    def destroy(self, version: int) -> None:
        """Destroy a version for good. KeyRefused for the primary or when an older one is there.

        The caller has made sure that nothing is wrapped by it.
        """
        ...

    def reload(self) -> None:
        """See what another process changed; KeyRefused when it is no longer the same root key."""
        ...

    def close(self) -> None:
        """Let go of connections; the root key is not used again."""
        ...


def belonging(label: str, deployment: bytes, subject: bytes = bytes(16)) -> bytes:
    """What a wrapped key belongs to, in fixed width: label 16 | deployment 16 | subject 16."""
    name = label.encode()
    if len(name) > 16 or len(deployment) != 16 or len(subject) != 16:
        raise ValueError("label, deployment and subject have at most 16, 16 and 16 bytes")
    return name.ljust(16, b"\0") + deployment + subject


def bound(belongs: bytes, version: int) -> bytes:
    """The authenticated data of a wrapped key: what it belongs to | root key version u32."""
    return belongs + version.to_bytes(4, "big")


def check_wrapped(version: int, wrapped: bytes) -> None:
    """IntegrityBroken unless this has the shape of a wrapped key."""
    if not 0 < version < 1 << 31 or len(wrapped) != WRAPPED_BYTES:
        raise IntegrityBroken


def not_present(version: int) -> KeyRefused:
    return KeyRefused(
        Text(f"主密钥没有第 {version} 版。", f"The root key has no version {version}.")
    )


def opens_only(version: int) -> KeyRefused:
    return KeyRefused(
        Text(
            f"第 {version} 版主密钥早于主版本，只能解开，不能再包装。",
            f"Version {version} of the root key is older than the primary and only opens.",
        )
    )


class Versions(Protocol):
    """The part of a root key, or of a state of one, that the rules of versions look at."""

    @property
    def primary(self) -> int: ...
    @property
    def versions(self) -> frozenset[int]: ...


def check_wraps(key: Versions, version: int) -> None:
    """KeyRefused unless the version may wrap new keys."""
    if version not in key.versions:
        raise not_present(version)
    if version < key.primary:
        raise opens_only(version)


def check_destroyable(key: Versions, version: int) -> None:
    """KeyRefused unless it is the oldest present version and not the primary."""
    if version not in key.versions:
        raise not_present(version)
    if version == key.primary:
        raise KeyRefused(
            Text("主版本不能销毁。", "The primary version of the root key is never destroyed.")
        )
    if version != min(key.versions):
        raise KeyRefused(
            Text("请先销毁更早的版本。", "Destroy the older versions of the root key first.")
        )
