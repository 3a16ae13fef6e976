"""Changing a password: by its owner, who knows it, and by the operator for staff who lost theirs.

Whoever knew the old one is signed out everywhere, so a password is changed against a thief too. No
operator sets a resident's: it would let them into the record.
"""

from datetime import datetime

from sqlalchemy import Connection

from consent.vocabulary import Text
from service.identity import actions, store
from service.identity.actions import BadGrant, BlindIndex, SignedIn
from service.identity.caller import Caller
from service.identity.passkeys import actions as passkeys
from service.identity.passkeys import store as keys
from service.identity.store import Login
from service.kit.errors import Conflict, NotFound, StrongerSignInRequired
from service.kit.log import log
from service.kit.passwords import Passwords

NO_PRACTITIONER = Text(
    "没有以此登录名登录的医务人员。", "No practitioner signs in under that name."
)

CHANGED_MEANWHILE = Text(
    "密码刚刚被更改，请重试。", "The password was changed a moment ago; try again."
)


def require_strength(conn: Connection, caller: Caller, now: datetime) -> None:
    """Whoever has a passkey changes how they sign in by a fresh proof with one, and no other.

    That is the password, recovery codes and the passkeys themselves. What is changed on the
    strength of it holds the sign-in first: a passkey that comes meanwhile counts.
    """
    if not keys.of(conn, caller.id):
        return
    caller.require_step_up(now)
    if caller.acr < passkeys.ACR:
        raise StrongerSignInRequired


def require_fresh(conn: Connection, caller: Caller, now: datetime) -> None:
    """A proof from the last five minutes, by passkey from whoever has one; held till the commit."""
    caller.require_step_up(now)
    actions.hold_sign_in(conn, caller, now)
    require_strength(conn, caller, now)


def change(
    conn: Connection, caller: Caller, before: Login, password_hash: str, now: datetime
) -> SignedIn:
    """Keep a new password, void recovery codes and end every sign-in; the caller goes on anew.

    The new sign-in is as old and as strong as the one it replaces: changing proves nothing more.
    `BadGrant` where the password became another since `before` was checked.
    """
    actions.hold_sign_in(conn, caller, now)
    require_strength(conn, caller, now)
    if not store.set_password(conn, before, password_hash):
        raise BadGrant
    if caller.kind == "resident":
        # Whoever knew the old one could make them.
        store.void_recovery(conn, caller.id)
    actions.end_all(conn, caller.id, now)
    return actions.begin(
        conn,
        subject=caller.id,
        kind=caller.kind,
        acr=caller.acr,
        now=now,
        auth_time=caller.auth_time,
    )


def reset(
    conn: Connection, index: BlindIndex, *, login: str, passwords: Passwords, now: datetime
) -> dict[str, str]:
    """Give a practitioner a random password, shown only here, and sign them out everywhere.

    Passkeys stay, and where there are any the password alone opens nothing in production.
    `NotFound` for a name that is no practitioner's, a resident's included.
    """
    found = actions.login(conn, actions.tag_of(index, login))
    if found is None or found.kind != "practitioner" or found.disabled:
        raise NotFound(NO_PRACTITIONER)
    password = actions.one_time_password()
    # Hashed before the sign-in is held, and compared with what it was: one of two at once loses.
    if not store.set_password(conn, found, passwords.hash(password)):
        raise Conflict(CHANGED_MEANWHILE)
    actions.end_all(conn, found.subject, now)
    log.warning("password reset by an operator", practitioner=found.subject)
    return {"practitioner_id": str(found.subject), "login": login, "password": password}
