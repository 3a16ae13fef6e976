"""Digests without ambiguity: parts are framed by their length before they are hashed."""

import hashlib
import hmac
import json
from typing import Any


def digest(*parts: bytes) -> bytes:
    """SHA-256 over length-framed parts: ("ab", "c") and ("a", "bc") differ."""
    return hashlib.sha256(_framed(parts)).digest()


def keyed(key: bytes, *parts: bytes) -> bytes:
    """HMAC-SHA-256 over length-framed parts."""
    return hmac.digest(key, _framed(parts), "sha256")


def same(left: bytes, right: bytes) -> bool:
    """Equality in a time that does not depend on where the two differ."""
    return hmac.compare_digest(left, right)


def canonical_json(value: Any) -> bytes:
    """One spelling for one value: sorted members, no spaces, UTF-8, finite numbers only."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def _framed(parts: tuple[bytes, ...]) -> bytes:
    return b"".join(len(part).to_bytes(8, "big") + part for part in parts)
