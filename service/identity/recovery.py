"""Recovery codes: what a resident put by on paper for the day the password is forgotten.

No operator lets anybody into a resident's record, so without such a code, or a passkey, a forgotten
password shuts it for good. A code is worth as much as the password and is good once. It sets a new
password, so whoever had the old one is signed out. A password that is changed voids the codes:
whoever knew the old one may have made them.
"""

import unicodedata
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from service.identity import actions, store
from service.identity.actions import BadGrant, SignedIn
from service.identity.caller import Caller
from service.identity.store import Login
from service.kit.hashing import digest
from service.kit.ids import new_id

COUNT = 8
"""Codes on one sheet; a new sheet makes the one before worthless."""


class Sheet(NamedTuple):
    """How many codes are left, and when they were made; None before the first sheet."""

    left: int
    created_at: datetime | None


def make(conn: Connection, caller: Caller, now: datetime) -> list[str]:
    """A new sheet of codes, shown only here; those from before are void.

    `Unauthenticated` where the caller's sign-in ended after the request was let in.
    """
    # Held, so that of two at once the second voids the first, and a thief's does not outlive them.
    actions.hold_sign_in(conn, caller, now)
    codes = [actions.one_time_password() for _ in range(COUNT)]
    store.replace_recovery(conn, caller.id, [_digest(caller.id, code) for code in codes], now)
    return codes


def sheet(conn: Connection, resident: UUID) -> Sheet:
    return Sheet(*store.recovery(conn, resident))


def recover(
    conn: Connection, login: Login | None, code: str, password_hash: str, now: datetime
) -> SignedIn:
    """Use a code up for a new password; every sign-in from before ends and a new one begins.

    `BadGrant` for an unknown name, somebody else's code, and a code that was used.
    """
    # For nobody the same is asked of the database, so that it takes as long.
    may = login is not None and not login.disabled and login.kind == "resident"
    subject = login.subject if login is not None and may else new_id()
    before = store.login_of(conn, subject, hold=True)
    taken = store.take_recovery(conn, subject, _digest(subject, code))
    if before is None or not taken:
        raise BadGrant
    store.set_password(conn, before, password_hash)
    actions.end_all(conn, subject, now)
    return actions.begin(conn, subject=subject, kind=before.kind, acr=1, now=now)


def _digest(resident: UUID, code: str) -> bytes:
    """As people type it: full-width letters, capitals, blanks and dashes make no other code."""
    plain = unicodedata.normalize("NFKC", code).lower()
    typed = "".join(character for character in plain if character.isalnum())
    return digest(b"recovery code", resident.bytes, typed.encode())
