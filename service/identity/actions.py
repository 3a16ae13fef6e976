"""Use cases of sign-in: sign up, prove, refresh, revoke, and the operator's hiring of others."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol
from uuid import UUID

from jwt import PyJWTError
from sqlalchemy import Connection

from consent.vocabulary import Text
from service.clinics import actions as clinics
from service.identity import names, store
from service.identity.caller import AUDIENCES, Audience, Caller
from service.identity.store import Client, Practitioner, Refresh
from service.kit import caps, jose
from service.kit.errors import Conflict, Fault, Invalid, NotFound, Unauthenticated
from service.kit.hashing import canonical_json, digest, same
from service.kit.ids import new_id, parse_id
from service.kit.passwords import Passwords

REFRESH_LIFETIME = timedelta(days=30)
KEPT = timedelta(hours=1)
"""How long ended rows lie about: longer than a token lives, and than failed passwords count."""
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
    """Begin a family of tokens for somebody whose password was just checked.

    `BadGrant` where the password was changed while it was checked.
    """
    known = store.login_of(conn, login.subject, hold=True)
    if known is None or known.password_hash != login.password_hash:
        raise BadGrant
    return begin(conn, subject=login.subject, kind=login.kind, acr=1, now=now)


def begin(
    conn: Connection,
    *,
    subject: UUID,
    kind: str,
    acr: int,
    now: datetime,
    auth_time: datetime | None = None,
) -> SignedIn:
    """Begin a family of tokens for a resident or practitioner, proven now or at `auth_time`.

    `BadGrant` for one who was shut out or erased while they proved themselves. Of too many sign-ins
    the oldest end.
    """
    if not _may_sign_in(conn, subject):
        raise BadGrant
    # Before this one is among them: a proof elsewhere may be older than all others.
    for family in store.oldest_families(conn, subject, beyond=caps.most("sign-ins") - 1):
        end_family(conn, family, now)
    row = Refresh(new_id(), subject, kind, auth_time or now, str(acr), False, now)
    return _issue(conn, row, KIND_OF_AUDIENCE[kind])


def again(caller: Caller, acr: int, now: datetime) -> SignedIn:
    """The same sign-in, proven anew: a fresh time, the strength of this proof, no new refresh."""
    return SignedIn(caller.id, AUDIENCES[caller.kind], now, acr, caller.family, None)


def hold_sign_in(conn: Connection, caller: Caller, now: datetime) -> None:
    """Let nobody else change how the caller signs in, or end this sign-in, before the commit.

    `Unauthenticated` where it ended, or its owner was erased, after the request was let in:
    otherwise whoever is just being signed out keeps a key of their own.
    """
    ended = {caller.id, caller.family}
    if not _may_sign_in(conn, caller.id) or ended & store.revoked_since(conn, now - KEPT):
        raise Unauthenticated


def password_of(conn: Connection, subject: UUID) -> store.Login | None:
    """How somebody who is signed in may prove themselves by password."""
    return store.login_of(conn, subject)


def refresh(conn: Connection, token: str, now: datetime) -> SignedIn | None:
    """Trade a refresh token for the next one.

    A token that was used before means that two parties hold it: the whole family ends, and the
    answer is None, so that the revocation is committed; the caller then says `BadGrant`.
    """
    row = store.refresh(conn, digest(token.encode()))
    if row is None or row.expires_at <= now:
        return None
    # Held before the token is spent: what ends sign-ins meanwhile finds the next token as well.
    may = _may_sign_in(conn, row.subject)
    fresh = not row.used and store.spend_refresh(conn, digest(token.encode()))
    if not fresh or not may:
        end_family(conn, row.family, now)
        return None
    return _issue(conn, row, KIND_OF_AUDIENCE[row.kind])


def end_family(conn: Connection, family: UUID, now: datetime) -> None:
    """Sign out one sign-in: no refresh, and its access tokens are void on the next request."""
    store.drop_family(conn, family)
    store.revoke(conn, family, now)


def end_sign_in(conn: Connection, subject: UUID, family: UUID, now: datetime) -> None:
    """As `end_family`, and no refresh that is under way outlives it."""
    store.login_of(conn, subject, hold=True)
    end_family(conn, family, now)


def end_others(conn: Connection, caller: Caller, now: datetime) -> None:
    """Sign out everywhere but here."""
    store.login_of(conn, caller.id, hold=True)
    for family in store.families(conn, caller.id):
        if family != caller.family:
            end_family(conn, family, now)


def end_all(conn: Connection, subject: UUID, now: datetime) -> None:
    """Sign out everywhere."""
    store.login_of(conn, subject, hold=True)
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


def tidy(conn: Connection, now: datetime) -> int:
    """Drop rows of sign-in that no longer matter to anybody; how many."""
    return store.forget_before(conn, now - KEPT)


def revoke_token(conn: Connection, token: str, now: datetime) -> None:
    """End the family of a refresh token; an unknown token is no error (RFC 7009)."""
    row = store.refresh(conn, digest(token.encode()))
    if row is not None:
        end_sign_in(conn, row.subject, row.family, now)


def sign_in_client(conn: Connection, client_id: str, secret: str, now: datetime) -> SignedIn:
    """Prove a machine client; it gets no refresh token, because it can always come again."""
    known = parse_id(client_id)
    client = store.client(conn, known) if known else None
    expected = client.secret_hash if client else None
    if not same(expected or bytes(32), digest(secret.encode())) or client is None or not expected:
        raise BadClient
    return as_machine(client, now)


def as_machine(client: Client, now: datetime, *, acr: int = 1) -> SignedIn:
    """A machine that was just proven."""
    return SignedIn(client.client_id, CLIENT_ROLES[client.role], now, acr, new_id(), None)


def add_doctor(
    conn: Connection,
    index: BlindIndex,
    *,
    login: str,
    name: str,
    clinic: str,
    now: datetime,
    region: str | None = None,
    role: str = clinics.DEFAULT_ROLE,
    password: str | None = None,
    passwords: Passwords | None = None,
) -> dict[str, str]:
    """Let a practitioner sign in; the password is random unless given, and shown only here.

    The clinic is found by its name in any spelling, or made.
    """
    password = password or one_time_password()
    faults = names.faults(login, password)
    if faults:
        raise Invalid(faults)
    hasher = passwords or Passwords()
    works_at = clinics.find_or_make(conn, clinic)
    post = clinics.take_post(conn, new_id(), clinic=works_at, role=role, now=now)
    practitioner = Practitioner(
        post.practitioner_id, name.strip(), works_at.name, region, post.clinic_id, post.role
    )
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
        "clinic_id": str(works_at.clinic_id),
        "login": login,
        "password": password,
    }


def move_practitioner(
    conn: Connection, practitioner_id: UUID, *, clinic: str, role: str, now: datetime
) -> dict[str, str]:
    """Let a practitioner work elsewhere, or as something else; the next request knows.

    The caller also drops their panel's cards, which were made under the grants of the old post.
    """
    if not store.hold_in_office(conn, practitioner_id):
        raise NotFound(_NOBODY)
    works_at = clinics.find_or_make(conn, clinic)
    post = clinics.take_post(conn, practitioner_id, clinic=works_at, role=role, now=now)
    store.move(conn, practitioner_id, works_at.clinic_id, works_at.name, post.role)
    return {
        "practitioner_id": str(practitioner_id),
        "clinic_id": str(works_at.clinic_id),
        "role": post.role,
    }


def disable_practitioner(conn: Connection, practitioner_id: UUID, *, now: datetime) -> None:
    """Let a practitioner in no more: no sign-in, no refresh, and tokens that are out are void."""
    if store.practitioner(conn, practitioner_id) is None:
        raise NotFound(_NOBODY)
    store.disable(conn, practitioner_id)
    clinics.leave_office(conn, practitioner_id, now=now)
    end_all(conn, practitioner_id, now)
    store.revoke(conn, practitioner_id, now)


def add_client(
    conn: Connection,
    index: BlindIndex,
    *,
    role: str,
    name: str,
    now: datetime,
    key: Mapping[str, Any] | Literal["generate"] | None = None,
) -> dict[str, str]:
    """Let a machine sign in by a key of its own, or by a secret of 256 random bits.

    `key` is its public JWK (Ed25519 or P-256), or "generate". What is secret is shown only here.
    """
    if role not in CLIENT_ROLES:
        raise Invalid([Fault("/role", "unknown-choice", _ROLES)])
    if key is None:
        secret = secrets.token_urlsafe(32)
        client = Client(new_id(), role, digest(secret.encode()))
        store.add_client(conn, client, name)
        return {"client_id": str(client.client_id), "client_secret": secret}
    client = Client(new_id(), role, None)
    store.add_client(conn, client, name)
    if key == "generate":
        public, private = jose.made_pair()
        return {**add_key(conn, client, public), "private_key": private}
    return add_key(conn, client, key)


def add_key(conn: Connection, client: Client, key: Mapping[str, Any]) -> dict[str, str]:
    """Let a machine sign with one more key; `Invalid` when it is not a public one we read."""
    try:
        public = jose.public_jwk(key)
        jose.key_of(public)
    except (ValueError, PyJWTError):
        raise Invalid([Fault("/key", "not-a-key", _NO_KEY)]) from None
    thumbprint = jose.thumbprint(public)
    store.add_client_key(conn, client.client_id, thumbprint, canonical_json(public).decode())
    return {"client_id": str(client.client_id), "kid": thumbprint}


LOGIN_TAKEN = Text("该登录名已被使用。", "That login is taken.")
_NOBODY = Text("没有这位医务人员。", "There is no such practitioner.")
_NO_KEY = Text(
    "需要 Ed25519 或 P-256 公钥的 JWK，且不得含私钥。",
    "It must be the JWK of an Ed25519 or P-256 public key, without its private half.",
)
_ROLES = Text("客户端角色只能是 city。", "The role of a client can only be city.")


def _may_sign_in(conn: Connection, subject: UUID) -> bool:
    """Asked in the transaction that hands out tokens: checking a password takes a while."""
    known = store.login_of(conn, subject, hold=True)
    return known is not None and not known.disabled


def _issue(conn: Connection, row: Refresh, audience: Audience) -> SignedIn:
    token = secrets.token_urlsafe(32)
    # Refreshing never stretches a sign-in: it ends 30 days after the password was given.
    expires = row.auth_time + REFRESH_LIFETIME
    store.add_refresh(conn, digest(token.encode()), row._replace(used=False, expires_at=expires))
    return SignedIn(row.subject, audience, row.auth_time, int(row.acr), row.family, token)


def one_time_password() -> str:
    """Twenty characters out of 31 that nobody confuses: 99 bits."""
    groups = ("".join(secrets.choice(_UNAMBIGUOUS) for _ in range(5)) for _ in range(4))
    return "-".join(groups)
