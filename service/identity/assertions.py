"""Machines prove themselves by signing (private_key_jwt, RFC 7523): no secret crosses the wire."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import jwt
from sqlalchemy import Connection

from service.identity import store
from service.identity.actions import SignedIn, as_machine
from service.identity.proofs import Proof
from service.kit import jose
from service.kit.hashing import digest
from service.kit.ids import parse_id
from service.kit.tokens import LEEWAY

KIND = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST = timedelta(minutes=5)
LENGTH = 4096
TYPES = (None, "JWT", "client-authentication+jwt")
ACR = 2
"""A key that never leaves the machine, and a token that only its holder can use."""


class Assertion(NamedTuple):
    """A good assertion: whose, and how to remember that it came."""

    client_id: UUID
    digest: bytes
    until: datetime


def keys(conn: Connection, assertion: str) -> dict[str, str]:
    """The keys of the machine that an assertion says it is from; none for an unknown one."""
    try:
        _, claims = jose.parts(assertion[: LENGTH + 1])
    except ValueError:
        return {}
    said = claims.get("iss")
    client_id = parse_id(said) if isinstance(said, str) else None
    return store.client_keys_of(conn, client_id) if client_id else {}


def read(
    assertion: str, known: Mapping[str, str], *, audiences: Collection[str], now: datetime
) -> Assertion | None:
    """Check everything about an assertion but whether it is new; None when anything is wrong.

    `known` are the machine's keys from `keys`, `audiences` the names of this service's token door.
    """
    try:
        if len(assertion) > LENGTH or not assertion.isascii():
            return None
        header, _ = jose.parts(assertion)
        if not header.keys() <= {"alg", "typ", "kid"} or header.get("typ") not in TYPES:
            return None
        jwk = json.loads(_chosen(header, known))
        algorithm = jose.algorithm_of(jwk)
        if header["alg"] != algorithm:
            return None
        claims = jose.payload_of(assertion, jose.key_of(jwk), [algorithm])
        return _claimed(claims, audiences, now)
    except (jwt.PyJWTError, ValueError, KeyError, TypeError):
        return None


def _chosen(header: Mapping[str, Any], known: Mapping[str, str]) -> str:
    """The key a header names; a machine with one key need not name it."""
    if "kid" in header:
        return known[header["kid"]]
    (only,) = known.values()
    return only


def _claimed(
    claims: Mapping[str, Any], audiences: Collection[str], now: datetime
) -> Assertion | None:
    client_id, name, expires = parse_id(claims["sub"]), claims["jti"], jose.instant(claims["exp"])
    started = [jose.instant(claims[one]) for one in ("iat", "nbf") if one in claims]
    audience = claims["aud"]
    if isinstance(audience, list) and len(audience) == 1:
        audience = audience[0]
    acceptable = (
        claims["iss"] == claims["sub"]
        and isinstance(audience, str)
        and audience in audiences
        and 8 <= len(name) <= 128
        and now < expires + LEEWAY
        and expires <= now + LONGEST + LEEWAY
        and all(now - LONGEST <= one <= now + LEEWAY for one in started)
    )
    if not acceptable or client_id is None:
        return None
    seen = digest(b"assertion", client_id.bytes, name.encode())
    return Assertion(client_id, seen, expires + LEEWAY)


def sign_in(conn: Connection, assertion: Assertion, proof: Proof, now: datetime) -> SignedIn | None:
    """Use an assertion and its proof up; None when either came before, or the machine is gone.

    Nothing is raised, so that what was used stays used.
    """
    fresh = [store.use_once(conn, one.digest, one.until) for one in (assertion, proof)]
    client = store.client(conn, assertion.client_id)
    return as_machine(client, now, acr=ACR) if client is not None and all(fresh) else None
