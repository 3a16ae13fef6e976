"""Identity tokens of the configured provider, read as strictly as our own."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import jwt

from service.identity.caller import STEP_UP
from service.identity.federation.provider import Provider
from service.kit import jose
from service.kit.hashing import same
from service.kit.tokens import LEEWAY

LENGTH = 16 * 1024
OLDEST = timedelta(minutes=10)
NOT_FRESH = STEP_UP + LEEWAY
HEADER = {"alg", "kid", "typ"}
KINDS = {"RS256": "RSA", "ES256": "EC", "EdDSA": "OKP"}
"""The one type of key each algorithm is for."""


class Account(NamedTuple):
    """Who the provider says it is, when they proved it, and how strongly (1 or 2)."""

    subject: str
    auth_time: datetime
    acr: int


async def read(
    token: str,
    provider: Provider,
    *,
    algorithms: frozenset[str],
    strong: frozenset[str],
    nonce: str,
    now: datetime,
) -> Account | None:
    """The account a token is about; None when anything is wrong. `Unavailable` without keys."""
    try:
        if len(token) > LENGTH or not token.isascii():
            return None
        header, _ = jose.parts(token)
        if not {"alg", "kid"} <= header.keys() <= HEADER or header.get("typ", "JWT") != "JWT":
            return None
        algorithm, kid = header["alg"], header["kid"]
        if algorithm not in algorithms or algorithm not in KINDS or not isinstance(kid, str):
            return None
        key = await provider.key(kid)
        if key is None or not _fits(key, algorithm):
            return None
        claims = jose.payload_of(token, jwt.PyJWK(key, algorithm).key, [algorithm])
        return _account(claims, provider, strong=strong, nonce=nonce, now=now)
    except (jwt.PyJWTError, ValueError, KeyError, TypeError):
        return None


def _fits(key: Mapping[str, Any], algorithm: str) -> bool:
    """Whether the provider published this key for signing with this algorithm."""
    return (
        key.get("kty") == KINDS[algorithm]
        and key.get("alg", algorithm) == algorithm
        and key.get("use", "sig") == "sig"
    )


def _account(
    claims: Mapping[str, Any],
    provider: Provider,
    *,
    strong: frozenset[str],
    nonce: str,
    now: datetime,
) -> Account | None:
    issued, expires = jose.instant(claims["iat"]), jose.instant(claims["exp"])
    # A session elsewhere may be days old. One that does not say is no fresh proof of anything.
    proved = jose.instant(claims["auth_time"]) if "auth_time" in claims else issued - NOT_FRESH
    started = jose.instant(claims["nbf"]) if "nbf" in claims else issued
    audience, subject = claims["aud"], claims["sub"]
    acceptable = (
        claims["iss"] == provider.issuer
        and audience in (provider.client_id, [provider.client_id])
        and claims.get("azp", provider.client_id) == provider.client_id
        and same(str(claims["nonce"]).encode(), nonce.encode())
        and isinstance(subject, str)
        and 1 <= len(subject) <= 255
        and now - OLDEST <= issued <= now + LEEWAY
        and started <= now + LEEWAY
        and proved <= now + LEEWAY
        and now < expires + LEEWAY
    )
    if not acceptable:
        return None
    methods = claims.get("amr", [])
    said = {claims.get("acr"), *(methods if isinstance(methods, list) else ())}
    return Account(subject, min(proved, now), 2 if said & strong else 1)
