"""Devices that a name was signed in from: whoever guesses elsewhere does not hold them back.

After a right password the device gets a token, and shows it beside the next password of that name.
Tries with a good one are counted for that device alone; all others as ever. A token is no proof of
anything and opens nothing, and it is worth nothing once the password is another or somebody else's.
An unknown name has none, so it looks like a name whose tokens are elsewhere.
"""

import base64
import binascii
from datetime import UTC, datetime, timedelta
from os import urandom

from service.identity.store import Login
from service.kit.hashing import keyed, same

REMEMBERED = timedelta(days=180)
_NONCE, _AT, _TAG = 16, 8, 16
LONGEST = 64
"""Characters of a token, and some to spare."""


def issue(secret: bytes, tag: bytes, login: Login, now: datetime) -> str:
    """A token for a device from which `login` just gave the right password."""
    body = urandom(_NONCE) + int(now.timestamp()).to_bytes(_AT, "big")
    return base64.urlsafe_b64encode(body + _signed(secret, tag, login, body)).decode()


def known(
    secret: bytes, tag: bytes, login: Login | None, token: str | None, now: datetime
) -> bytes | None:
    """Which device this is, if it was given its token for this very name and password."""
    if token is None:
        return None
    try:
        text = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error):
        return None
    body, signed = text[: _NONCE + _AT], text[_NONCE + _AT :]
    # Worked out for an unknown name as well, so that no clock tells the two apart.
    good = same(signed, _signed(secret, tag, login, body))
    if login is None or not good:
        return None
    given = datetime.fromtimestamp(int.from_bytes(body[_NONCE:], "big"), UTC)
    return body[:_NONCE] if given <= now < given + REMEMBERED else None


def _signed(secret: bytes, tag: bytes, login: Login | None, body: bytes) -> bytes:
    # The stored hash has a salt: signing up anew under the name, or a new password, ends all.
    stored = "" if login is None else login.password_hash
    return keyed(secret, b"device", tag, stored.encode(), body)[:_TAG]
