"""Signing in with an account elsewhere. Nobody is made by it: the operator links accounts.

Only the hash of `state` is kept. The nonce and the PKCE verifier (RFC 7636) are derived from it
under a key of this service, so what a browser carries around is worth nothing without us.
"""

import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Protocol

from sqlalchemy import Connection

from consent.vocabulary import Text
from service.identity import actions as identity
from service.identity import store
from service.identity.actions import BlindIndex, SignedIn
from service.identity.federation.identity_token import Account
from service.identity.passkeys import store as ceremonies
from service.identity.passkeys.store import Challenge
from service.kit.errors import Conflict, NotFound
from service.kit.hashing import digest, keyed
from service.kit.jose import base64url

OPEN = timedelta(minutes=10)
PURPOSE = "oidc"


class Secrets(Protocol):
    """The part of the system keys that federation needs."""

    def secret(self, name: str) -> bytes: ...


def begin(conn: Connection, now: datetime) -> str:
    """A `state` that comes back once, within ten minutes."""
    state = secrets.token_urlsafe(32)
    ceremonies.begin(conn, digest(state.encode()), Challenge(PURPOSE, None, now + OPEN))
    return state


def take(conn: Connection, state: str, now: datetime) -> bool:
    """Whether this state was given out and has not come back before."""
    begun = ceremonies.take(conn, digest(state.encode()))
    return begun is not None and begun.purpose == PURPOSE and now < begun.until


def nonce(system: Secrets, state: str) -> str:
    return base64url(keyed(system.secret("oidc"), b"nonce", state.encode()))


def verifier(system: Secrets, state: str) -> str:
    """The PKCE verifier: 43 characters that only this service can work out."""
    return base64url(keyed(system.secret("oidc"), b"verifier", state.encode()))


def code_challenge(verifier: str) -> str:
    """S256 of RFC 7636."""
    return base64url(sha256(verifier.encode()).digest())


def sign_in(
    conn: Connection, index: BlindIndex, issuer: str, account: Account, now: datetime
) -> SignedIn | None:
    """Begin a sign-in of the practitioner an account is linked to; None when it is to nobody."""
    login = store.linked(conn, _tag(index, issuer, account.subject))
    if login is None or login.disabled or login.kind != "practitioner":
        return None
    return identity.begin(
        conn,
        subject=login.subject,
        kind=login.kind,
        acr=account.acr,
        now=now,
        auth_time=account.auth_time,
    )


def link(
    conn: Connection, index: BlindIndex, *, login: str, issuer: str, subject: str
) -> dict[str, str]:
    """Link an account to the practitioner who signs in under a name."""
    found = store.login(conn, identity.tag_of(index, login))
    if found is None or found.kind != "practitioner":
        raise NotFound
    if not store.link(conn, _tag(index, issuer, subject), found.subject):
        raise Conflict(_LINKED, code="already-linked")
    return {"practitioner_id": str(found.subject), "issuer": issuer}


_LINKED = Text("该账户已关联。", "That account is linked already.")


def _tag(index: BlindIndex, issuer: str, subject: str) -> bytes:
    return index.blind_index("oidc", f"{issuer}\n{subject}")
