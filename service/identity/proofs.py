"""Proofs of possession (DPoP, RFC 9449): the sender of a token shows that it holds the token's key.

A proof is a JWS over one request: method, address, the moment, an id of its own and, with a token,
the token's hash. It passes within a minute and once only, in whichever process it arrives.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import jwt
from sqlalchemy import Connection

from service.identity import store
from service.kit import jose
from service.kit.hashing import digest, same
from service.kit.tokens import LEEWAY

TYPE = "dpop+jwt"
FRESH = timedelta(seconds=60)
LENGTH = 2048
HEADER = {"typ", "alg", "jwk"}


class Proof(NamedTuple):
    """A proof that is good but may have been seen before: whose key, and how to remember it."""

    thumbprint: str
    digest: bytes
    until: datetime


def read(
    proof: str, *, method: str, addresses: Collection[str], token: str | None, now: datetime
) -> Proof | None:
    """Check everything about a proof but whether it is new; None when anything is wrong.

    `addresses` are the spellings of the request's own address that count as it, normalised by
    `normal_address`. `token` is the access token that came along, None at the door
    where tokens are made.
    """
    try:
        if len(proof) > LENGTH or not proof.isascii():
            return None
        header, _ = jose.parts(proof)
        if header.keys() != HEADER or header["typ"] != TYPE:
            return None
        jwk = jose.public_jwk(header["jwk"])
        algorithm = jose.algorithm_of(jwk)
        if header["alg"] != algorithm:
            return None
        claims = jose.payload_of(proof, jose.key_of(jwk), [algorithm])
        if not _is_for(claims, method, addresses, token):
            return None
        made, name = jose.instant(claims["iat"]), claims["jti"]
        if not now - FRESH <= made <= now + LEEWAY or not 1 <= len(name) <= 128:
            return None
        thumbprint = jose.thumbprint(jwk)
        # A name that is no Unicode text cannot be encoded: a `ValueError` too.
        seen = digest(b"proof", thumbprint.encode(), name.encode())
    except (jwt.PyJWTError, ValueError, KeyError, TypeError):
        return None
    return Proof(thumbprint, seen, made + FRESH + LEEWAY)


def use(conn: Connection, proof: Proof) -> bool:
    """Note a proof; False when it came before, to whichever process."""
    return store.use_once(conn, proof.digest, proof.until)


def _is_for(
    claims: Mapping[str, Any], method: str, addresses: Collection[str], token: str | None
) -> bool:
    if not all(isinstance(claims[name], str) for name in ("htm", "htu", "jti")):
        return False
    if token is not None:
        expected = jose.base64url(sha256(token.encode()).digest())
        if not same(expected.encode(), str(claims["ath"]).encode()):
            return False
    elif "ath" in claims:
        return False
    return bool(claims["htm"] == method and normal_address(claims["htu"]) in addresses)


def normal_address(address: str) -> str:
    """Scheme and host in lower case, no default port, query or fragment (RFC 3986, 6.2)."""
    parts = urlsplit(address)
    scheme, host, port = parts.scheme.lower(), parts.hostname or "", parts.port
    usual = {"http": 80, "https": 443}.get(scheme)
    where = host if port in (None, usual) else f"{host}:{port}"
    return f"{scheme}://{where}{parts.path or '/'}"
