"""Use cases of sign-in: sign up, prove, refresh, revoke, and the operator's hiring of others."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from sqlalchemy import Connection

from consent.vocabulary import Text
from service.identity import names, store
from service.identity.caller import Audience
from service.identity.store import Client, Practitioner, Refresh
from service.kit.errors import Conflict, Fault, Invalid, Unauthenticated
from service.kit.hashing import digest, same
from service.kit.ids import new_id, parse_id
from service.kit.passwords import Passwords

REFRESH_LIFETIME = timedelta(days=30)
KIND_OF_AUDIENCE: dict[str, Audience] = {"resident": "resident", "practitioner": "doctor"}
CLIENT_ROLES: dict[str, Audience] = {"city": "city"}
_UNAMBIGUOUS = "abcdefghjkmnpqrstuvwxyz23456789"


class BlindIndex(Protocol):
    """The part of the system keys that sign-in needs."""

    def blind_index(self, kind: str, text: str) -> bytes: ...


class BadGrant(Unauthenticated):
    """The credentials do not fit; which part does not is never said."""

    code = "invalid-credentials"
    sentence = Text(
        "登录名或密码不正确，或凭证已失效。", "The credentials are wrong or have ended."
    )
    oauth = "invalid_grant"


class BadClient(BadGrant):
    oauth = "invalid_client"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A proven caller and the sign-in (`family`) every token of theirs descends from."""

    subject: UUID
    audience: Audience
    auth_time: datetime
    acr: int
    family: UUID
    refresh_token: str | None


def tag_of(index: BlindIndex, login: str) -> bytes:
    """The blind-index tag under which a sign-in name is kept."""
    return index.blind_index("login", names.normal_login(login))


def login(conn: Connection, tag: bytes) -> store.Login | None:
    """Who signs in under a name, for the edge to check the password outside any transaction."""
    return store.login(conn, tag)


def sign_up(conn: Connection, tag: bytes, *, resident: UUID, password_hash: str) -> bool:
    """Keep a resident's sign-in; False when the name is somebody's already."""
    return store.add_login(conn, tag, subject=resident, kind="resident", password=password_hash)


def sign_in(conn: Connection, login: store.Login, now: datetime) -> SignedIn:
    """Begin a family of tokens for somebody whose password was just checked."""
    audience = KIND_OF_AUDIENCE[login.kind]
    return _issue(
        conn, Refresh(new_id(), login.subject, login.kind, now, "1", False, now), audience
    )


def refresh(conn: Connection, token: str, now: datetime) -> SignedIn | None:
    """Trade a refresh token for the next one.

    A token that was used before means that two parties hold it: the whole family ends, and the
    answer is None, so that the revocation is committed; the caller then says `BadGrant`.
    """
    row = store.refresh(conn, digest(token.encode()))
    if row is None or row.expires_at <= now:
        return None
    if row.used or not store.spend_refresh(conn, digest(token.encode())):
        end_family(conn, row.family, now)
        return None
    return _issue(conn, row, KIND_OF_AUDIENCE[row.kind])


def end_family(conn: Connection, family: UUID, now: datetime) -> None:
    """Sign out one sign-in: no refresh, and its access tokens are void on the next request."""
    store.drop_family(conn, family)
    store.revoke(conn, family, now)


def end_all(conn: Connection, subject: UUID, now: datetime) -> None:
    """Sign out everywhere."""
    for family in store.families(conn, subject):
        store.revoke(conn, family, now)
    store.drop_refresh_of(conn, subject)


def identities(conn: Connection, subjects: Sequence[UUID]) -> dict[UUID, bytes]:
    """What stays the same when somebody signs up anew: the tag of the name they sign in with.

    A child has no sign-in, and nobody signs a child up anew: its id stands in.
    """
    own = {subject: subject.bytes for subject in subjects}
    return own | store.tags_of(conn, subjects)


def forget(conn: Connection, subject: UUID, now: datetime) -> None:
    """Remove every way to sign in, and void the tokens that are out."""
    store.drop_logins(conn, subject)
    store.drop_refresh_of(conn, subject)
    store.revoke(conn, subject, now)


def revoke_token(conn: Connection, token: str, now: datetime) -> None:
    """End the family of a refresh token; an unknown token is no error (RFC 7009)."""
    row = store.refresh(conn, digest(token.encode()))
    if row is not None:
        end_family(conn, row.family, now)


def sign_in_client(conn: Connection, client_id: str, secret: str, now: datetime) -> SignedIn:
    """Prove a machine client; it gets no refresh token, because it can always come again."""
    known = parse_id(client_id)
    client = store.client(conn, known) if known else None
    expected = client.secret_hash if client else bytes(32)
    if not same(expected, digest(secret.encode())) or client is None:
        raise BadClient
    return SignedIn(client.client_id, CLIENT_ROLES[client.role], now, 1, new_id(), None)


def add_doctor(
    conn: Connection,
    index: BlindIndex,
    *,
    login: str,
    name: str,
    clinic: str,
    now: datetime,
    region: str | None = None,
    password: str | None = None,
    passwords: Passwords | None = None,
) -> dict[str, str]:
    """Let a practitioner sign in; the password is random unless given, and shown only here."""
    password = password or _one_time_password()
    faults = names.faults(login, password)
    if faults:
        raise Invalid(faults)
    hasher = passwords or Passwords()
    practitioner = Practitioner(new_id(), name.strip(), clinic.strip(), region)
    store.add_practitioner(conn, practitioner)
    kept = store.add_login(
        conn,
        tag_of(index, login),
        subject=practitioner.practitioner_id,
        kind="practitioner",
        password=hasher.hash(password),
    )
    if not kept:
        raise Conflict(LOGIN_TAKEN, code="login-taken")
    return {
        "practitioner_id": str(practitioner.practitioner_id),
        "login": login,
        "password": password,
    }


def add_client(
    conn: Connection, index: BlindIndex, *, role: str, name: str, now: datetime
) -> dict[str, str]:
    """Let a machine sign in; its secret has 256 random bits and is shown only here."""
    if role not in CLIENT_ROLES:
        raise Invalid([Fault("/role", "unknown-choice", _ROLES)])
    secret = secrets.token_urlsafe(32)
    client = Client(new_id(), role, digest(secret.encode()))
    store.add_client(conn, client, name)
    return {"client_id": str(client.client_id), "client_secret": secret}


LOGIN_TAKEN = Text("该登录名已被使用。", "That login is taken.")
_ROLES = Text("客户端角色只能是 city。", "The role of a client can only be city.")


def _issue(conn: Connection, row: Refresh, audience: Audience) -> SignedIn:
    token = secrets.token_urlsafe(32)
    # Refreshing never stretches a sign-in: it ends 30 days after the password was given.
    expires = row.auth_time + REFRESH_LIFETIME
    store.add_refresh(conn, digest(token.encode()), row._replace(used=False, expires_at=expires))
    return SignedIn(row.subject, audience, row.auth_time, int(row.acr), row.family, token)


def _one_time_password() -> str:
    """Twenty characters out of 31 that nobody confuses: 99 bits."""
    groups = ("".join(secrets.choice(_UNAMBIGUOUS) for _ in range(5)) for _ in range(4))
    return "-".join(groups)
