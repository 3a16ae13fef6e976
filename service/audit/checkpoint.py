"""A checkpoint: what the whole log was at a moment, signed, to be kept by others.

A JWS (EdDSA) like every other statement of the service (ADR 0014), checked with the keys under
/.well-known/jwks.json. It names how many entries there were, the root of the tree over them and the
hash over the heads of all chains, and repeats the hash of the checkpoint before it. It says nothing
about any person.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

TYPE = "audit-checkpoint+jwt"
FIRST = bytes(32)
"""What the first checkpoint repeats as the hash before it."""
_NEEDED = ["iss", "iat", "number", "size", "root", "heads", "previous"]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """`size` entries with the tree's `root` and the `heads` of all chains, at `at` (seconds)."""

    number: int
    size: int
    root: bytes
    heads: bytes
    previous: bytes
    at: datetime


class Forged(ValueError):
    """The text is no checkpoint signed by a known key."""


def sign(made: Checkpoint, *, kid: str, key: Ed25519PrivateKey, issuer: str) -> str:
    """The JWS in compact form; the same checkpoint gives the same bytes."""
    claims = {
        "iss": issuer,
        "iat": int(made.at.timestamp()),
        "number": made.number,
        "size": made.size,
        "root": made.root.hex(),
        "heads": made.heads.hex(),
        "previous": made.previous.hex(),
    }
    headers = {"typ": TYPE, "kid": kid}
    return jwt.encode(claims, key, algorithm="EdDSA", headers=headers)


def read(text: str, keys: Mapping[str, Ed25519PublicKey]) -> Checkpoint:
    """The checkpoint of a text whose signature one of these keys made, by kid; else `Forged`."""
    try:
        header = jwt.get_unverified_header(text)
        if header.get("typ") != TYPE:
            raise Forged("this is no checkpoint")
        key = keys[header["kid"]]
        claims = jwt.decode(
            text,
            key,
            algorithms=["EdDSA"],
            # A checkpoint never expires, and one from a clock that was ahead is one all the same.
            options={"require": _NEEDED, "verify_iat": False, "verify_aud": False},
        )
        return _of(claims)
    except (jwt.InvalidTokenError, KeyError, TypeError, ValueError) as odd:
        raise Forged("the signature does not hold") from odd


def digest(text: str) -> bytes:
    """The hash by which the next checkpoint names this one."""
    return sha256(text.encode()).digest()


def _of(claims: Mapping[str, Any]) -> Checkpoint:
    return Checkpoint(
        number=int(claims["number"]),
        size=int(claims["size"]),
        root=bytes.fromhex(claims["root"]),
        heads=bytes.fromhex(claims["heads"]),
        previous=bytes.fromhex(claims["previous"]),
        at=datetime.fromtimestamp(claims["iat"], UTC),
    )
