"""Keys and tags derived from a key: HKDF-SHA256 (RFC 5869) and the keyed hash of a suite."""

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from service.kit.crypto.aead import AES_256_GCM, Suite


def derive(key: bytes, label: str, *, salt: bytes = b"", size: int = 32) -> bytes:
    """A key of `size` bytes for one use; different labels give independent keys."""
    return HKDF(SHA256(), length=size, salt=salt or None, info=label.encode()).derive(key)


def tag(key: bytes, label: str, text: bytes, size: int, suite: Suite = AES_256_GCM) -> bytes:
    """The first `size` bytes of a keyed hash. The label has no NUL, so pairs never collide."""
    return suite.mac(key, label.encode() + b"\0" + text)[:size]
