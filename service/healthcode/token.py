"""The token of a health code: a random number, a time and our signature, and nothing about anyone.

Every token of a deployment has the same members and the same length, whoever it was made for, so
the picture cannot show a level even to somebody who collects them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from secrets import token_urlsafe
from typing import Any

import jwt

from service.keys.system import SigningKey
from service.kit import jose
from service.kit.tokens import ALGORITHM

LIFETIME = timedelta(seconds=60)
TYPE = "health-code+jwt"
SIZE_LIMIT = 1024
_CODE = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Code:
    """The random part of a token, and when the token ends."""

    number: str
    expires_at: datetime


def make(key: SigningKey, issuer: str, now: datetime) -> tuple[str, Code]:
    """A fresh token of 256 random bits that lives sixty seconds."""
    code = Code(token_urlsafe(32), _whole_second(now) + LIFETIME)
    claims: dict[str, Any] = {
        "iss": issuer,
        "exp": int(code.expires_at.timestamp()),
        "jti": code.number,
    }
    headers = {"typ": TYPE, "kid": key.kid}
    return jwt.encode(claims, key.private, algorithm=ALGORITHM, headers=headers), code


def read(keys: Sequence[SigningKey], issuer: str, token: str, now: datetime) -> Code | None:
    """The code of a token that we signed and that has not ended; None for anything else."""
    if len(token) > SIZE_LIMIT or not token.isascii():
        return None
    try:
        header, _ = jose.parts(token)
        known = {key.kid: key.public for key in keys}
        claims = jwt.decode(
            token,
            known[header["kid"]],
            algorithms=[ALGORITHM],
            issuer=issuer,
            # The clock of the house judges the time, below.
            options={
                "require": ["iss", "exp", "jti"],
                "verify_exp": False,
                "verify_aud": False,
            },
        )
    except (jwt.PyJWTError, KeyError, TypeError, ValueError):
        return None
    number, ends = claims["jti"], claims["exp"]
    well_formed = (
        header.get("typ") == TYPE
        and isinstance(number, str)
        and _CODE.fullmatch(number) is not None
        and type(ends) is int
    )
    if not well_formed:
        return None
    expires_at = datetime.fromtimestamp(ends, UTC)
    return Code(number, expires_at) if now < expires_at <= now + LIFETIME else None


def _whole_second(now: datetime) -> datetime:
    return now.replace(microsecond=0)
