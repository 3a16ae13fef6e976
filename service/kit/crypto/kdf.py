"""Keys and tags derived from a key: HKDF-SHA256 (RFC 5869) and HMAC-SHA256 (RFC 2104)."""

import hmac

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def derive(key: bytes, label: str, *, salt: bytes = b"", size: int = 32) -> bytes:
    """A key of `size` bytes for one use; different labels give independent keys."""
    return HKDF(SHA256(), length=size, salt=salt or None, info=label.encode()).derive(key)


def tag(key: bytes, label: str, text: bytes, size: int) -> bytes:
    """The first `size` bytes of a keyed hash. The label has no NUL, so pairs never collide."""
    return hmac.digest(key, label.encode() + b"\0" + text, "sha256")[:size]
