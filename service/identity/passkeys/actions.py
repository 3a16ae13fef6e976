"""Use cases of passkeys: begin a ceremony, keep a credential, prove oneself, let one go.

A challenge is 32 random bytes of which the hash is kept for five minutes; the first answer to it
takes it away, good or bad. So that this is committed, nothing here raises on a bad answer.
"""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from service.identity.actions import BlindIndex
from service.identity.passkeys import ceremony, store
from service.identity.passkeys.ceremony import Party
from service.identity.passkeys.store import Challenge, Passkey
from service.kit.hashing import digest, same
from service.kit.ids import new_id
from service.kit.jose import base64url, unbase64

OPEN = timedelta(minutes=5)
REGISTER, PROVE = "register", "prove"
ACR = 2


class Proven(NamedTuple):
    """Who proved themselves; or the owner of a passkey whose counter went back, for the log."""

    passkey: Passkey | None
    rolled_back: UUID | None = None


def begin(conn: Connection, purpose: str, now: datetime, subject: UUID | None = None) -> bytes:
    """A challenge that can be answered once, within five minutes."""
    challenge = secrets.token_bytes(32)
    store.begin(conn, digest(challenge), Challenge(purpose, subject, now + OPEN))
    return challenge


def handle(index: BlindIndex, subject: UUID) -> bytes:
    """What an authenticator keeps as the user's id: sixteen bytes that name nobody elsewhere."""
    return index.blind_index("passkey-user", str(subject))


def register(
    conn: Connection,
    index: BlindIndex,
    party: Party,
    credential: Mapping[str, Any],
    *,
    subject: UUID,
    kind: str,
    now: datetime,
) -> Passkey | None:
    """Keep the credential that answers a challenge of this person's; None when it does not."""
    challenge = _answered(conn, credential, REGISTER, now, subject)
    made = ceremony.registered(party, credential, challenge) if challenge else None
    if made is None:
        return None
    tag = _tag(index, made.credential_id)
    passkey = Passkey(tag, new_id(), subject, kind, made.public_key, made.sign_count, now)
    return passkey if store.add(conn, passkey) else None


def prove(
    conn: Connection,
    index: BlindIndex,
    party: Party,
    credential: Mapping[str, Any],
    *,
    now: datetime,
    subject: UUID | None = None,
) -> Proven:
    """Whose passkey answers, after the same work whether or not it is known.

    `subject` asks for one person's: at a step-up, somebody else's proves nothing.
    """
    challenge = _answered(conn, credential, PROVE, now, None)
    known = store.find(conn, _tag(index, _credential_id(credential)))
    key = known.public_key if known is not None else ceremony.NOBODYS_KEY
    count = ceremony.asserted(party, credential, challenge or bytes(32), key)
    if known is None or challenge is None or count is None:
        return Proven(None)
    if not _owns(index, known, credential) or subject not in (None, known.subject):
        return Proven(None)
    if store.is_disabled(conn, known.subject):
        return Proven(None)
    # A counter that stands still or goes back means a copy of the authenticator. Those that do not
    # count always say zero.
    if (count or known.sign_count) and count <= known.sign_count:
        return Proven(None, known.subject)
    if not store.advance(conn, known.tag, known.sign_count, count):
        return Proven(None, known.subject)
    return Proven(known)


def _answered(
    conn: Connection,
    credential: Mapping[str, Any],
    purpose: str,
    now: datetime,
    subject: UUID | None,
) -> bytes | None:
    """The challenge of this ceremony that is answered, which is used up by it."""
    challenge = ceremony.challenge_of(credential)
    if challenge is None:
        return None
    begun = store.take(conn, digest(challenge))
    if begun is None or begun.until <= now:
        return None
    return challenge if (begun.purpose, begun.subject) == (purpose, subject) else None


def _owns(index: BlindIndex, passkey: Passkey, credential: Mapping[str, Any]) -> bool:
    """Whether the authenticator named the person the passkey was made for (WebAuthn 7.2, 6)."""
    said = credential["response"].get("userHandle")
    try:
        named = unbase64(said) if isinstance(said, str) else b""
    except ValueError:
        return False
    return same(named, handle(index, passkey.subject))


def _credential_id(credential: Mapping[str, Any]) -> bytes:
    try:
        return unbase64(credential["rawId"])
    except ValueError:
        return b""


def _tag(index: BlindIndex, credential_id: bytes) -> bytes:
    return index.blind_index("passkey", base64url(credential_id))
