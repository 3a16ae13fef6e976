"""Compact JWS read strictly: three canonical parts, plain objects, no member twice (RFC 7515).

What PyJWT would let pass is refused here before it sees the bytes; whoever reads a token of any
kind (access tokens, proofs, assertions, identity tokens) takes it apart with these functions.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from service.kit.nesting import is_deeper

PublicKey = Ed25519PublicKey | EllipticCurvePublicKey
MEMBERS = {"OKP": ("kty", "crv", "x"), "EC": ("kty", "crv", "x", "y")}
DEPTH = 32
"""Arrays and objects within each other; a key in a header is the deepest there should be."""
ALGORITHMS = {("OKP", "Ed25519"): "EdDSA", ("EC", "P-256"): "ES256"}
"""The key types others may prove themselves with, each with its one algorithm."""


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and payload of a compact JWS, or `ValueError`. The signature is not checked here."""
    segments = token.split(".")
    if len(segments) != 3:
        raise ValueError("a token has three parts")
    header, payload = (object_of(unbase64(segment)) for segment in segments[:2])
    unbase64(segments[2])
    return header, payload


def unbase64(segment: str) -> bytes:
    """Base64url in its one canonical spelling: a token has no second form with the same meaning."""
    raw = base64.b64decode(segment + "=" * (-len(segment) % 4), altchars=b"-_", validate=True)
    if base64url(raw) != segment:
        raise ValueError("not canonical base64url")
    return raw


def base64url(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def object_of(raw: bytes) -> dict[str, Any]:
    """A JSON object in which no member comes twice, or `ValueError`."""
    if is_deeper(raw, DEPTH):
        raise ValueError("nested too deeply")
    found = json.loads(raw.decode("utf-8"), object_pairs_hook=_once)
    if not isinstance(found, dict):
        raise ValueError("not an object")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member comes twice")
    return members


def instant(value: Any) -> datetime:
    """A NumericDate that is a whole, sensible number of seconds, or `ValueError`."""
    if type(value) is not int or not 0 < value < 1 << 35:
        raise ValueError("not a NumericDate")
    return datetime.fromtimestamp(value, UTC)


def public_jwk(jwk: Any) -> dict[str, str]:
    """The required members of a public Ed25519 or P-256 key, or `ValueError`.

    A private key that was sent by mistake is refused rather than trimmed: it is no longer secret.
    """
    if not isinstance(jwk, Mapping) or "d" in jwk or "k" in jwk:
        raise ValueError("not a public key")
    if (jwk.get("kty"), jwk.get("crv")) not in ALGORITHMS:
        raise ValueError("not a kind of key that is read here")
    found = {name: jwk.get(name) for name in MEMBERS[jwk["kty"]]}
    # Both curves have numbers of 32 bytes; another spelling would be another name for one key.
    numbers = [found[name] for name in ("x", "y") if name in found]
    if not all(isinstance(one, str) and len(unbase64(one)) == 32 for one in numbers):
        raise ValueError("not a public key")
    return {name: str(value) for name, value in found.items()}


def algorithm_of(jwk: Mapping[str, str]) -> str:
    """The one algorithm a key signs with."""
    return ALGORITHMS[jwk["kty"], jwk["crv"]]


def key_of(jwk: Mapping[str, str]) -> PublicKey:
    """The key itself; `jwt.PyJWTError` or `ValueError` when its numbers are no key."""
    key = jwt.PyJWK({**jwk}, algorithm_of(jwk)).key
    assert isinstance(key, Ed25519PublicKey | EllipticCurvePublicKey)
    return key


def made_pair() -> tuple[dict[str, str], str]:
    """A new Ed25519 key: its public JWK, and its private one as JSON text."""
    private = Ed25519PrivateKey.generate()
    public = {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": base64url(private.public_key().public_bytes_raw()),
    }
    secret = {**public, "d": base64url(private.private_bytes_raw()), "alg": "EdDSA"}
    return public, json.dumps(secret, separators=(",", ":"))


def thumbprint(jwk: Mapping[str, str]) -> str:
    """RFC 7638 SHA-256 thumbprint of a key as `public_jwk` answers it."""
    required = {name: jwk[name] for name in sorted(MEMBERS[jwk["kty"]])}
    return base64url(sha256(json.dumps(required, separators=(",", ":")).encode()).digest())


def payload_of(token: str, key: Any, algorithms: Sequence[str]) -> dict[str, Any]:
    """The payload under a checked signature; every claim is left to the caller.

    PyJWT would compare times with the machine's clock and lets some absences pass, so none of its
    own checks is on. Errors are `jwt.PyJWTError`.
    """
    payload: dict[str, Any] = jwt.decode(
        token,
        key,
        algorithms=list(algorithms),
        options={
            "verify_signature": True,
            "verify_iss": False,
            "verify_aud": False,
            "verify_exp": False,
            "verify_iat": False,
            "verify_nbf": False,
            "verify_sub": False,
            "verify_jti": False,
        },
    )
    return payload
