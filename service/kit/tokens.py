"""Access tokens: short EdDSA JWTs, read as strictly as sealing.md section 5 says.

PyJWT checks the signature and the registered claims with every option named; what it would let
pass is refused before it sees the token: other headers than alg, typ and kid, a kid that is not
ours, duplicate members, long tokens and long lifetimes. A token that passed is remembered by its
digest until it expires, so a second look costs a hash; revocation is not remembered here and is
asked for on every request (`service.identity.revocations`).
"""

import base64
import json
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from threading import Lock
from typing import Any, Protocol
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from service.kit.errors import Unauthenticated
from service.kit.ids import new_id, parse_id

ALGORITHM = "EdDSA"
TYPE = "at+jwt"
LIFETIME = timedelta(minutes=10)
LONGEST = timedelta(seconds=900)
LEEWAY = timedelta(seconds=5)
SIZE_LIMIT = 4096
KID = re.compile(r"[A-Za-z0-9_-]{1,32}")
HEADER_MEMBERS = {"alg", "typ", "kid"}
REQUIRED = ["iss", "aud", "exp", "iat", "sub", "jti", "scope", "auth_time", "acr", "sid"]
REMEMBERED = 20_000


class SigningKey(Protocol):
    """An Ed25519 key, the name its public half is published under, and its stage of life."""

    @property
    def kid(self) -> str: ...

    @property
    def private(self) -> Ed25519PrivateKey: ...

    @property
    def stage(self) -> str: ...


Keys = Callable[[], Sequence[SigningKey]]
"""The keys of this moment: previous and next verify, only `current` signs."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says. `family` is the sign-in it descends from (`sid`)."""

    subject: UUID
    audience: str
    scope: frozenset[str]
    auth_time: datetime
    acr: int
    family: UUID
    expires_at: datetime
    token_id: str


class Tokens:
    """Signs with the current key, reads with the published set; one algorithm for every key."""

    def __init__(self, issuer: str, keys: Keys) -> None:
        self._issuer = issuer
        self._keys = keys
        self._remembered: OrderedDict[bytes, Claims] = OrderedDict()
        self._lock = Lock()

    def issue(
        self,
        *,
        subject: UUID,
        audience: str,
        scope: frozenset[str],
        auth_time: datetime,
        acr: int,
        family: UUID,
        now: datetime,
    ) -> str:
        """A token for one audience that lives ten minutes."""
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "aud": audience,
            "sub": str(subject),
            "iat": int(now.timestamp()),
            "exp": int((now + LIFETIME).timestamp()),
            "jti": str(new_id()),
            "scope": " ".join(sorted(scope)),
            "auth_time": int(auth_time.timestamp()),
            "acr": str(acr),
            "sid": str(family),
        }
        signing = next(key for key in self._keys() if key.stage == "current")
        headers = {"typ": TYPE, "kid": signing.kid}
        return jwt.encode(claims, signing.private, algorithm=ALGORITHM, headers=headers)

    def verify(self, token: str, *, audience: str, now: datetime) -> Claims:
        """The claims of a token meant for `audience`, or `Unauthenticated` without a reason.

        The caller still has to ask whether the token's family or subject was revoked.
        """
        if len(token) > SIZE_LIMIT or not token.isascii():
            raise Unauthenticated
        digest = sha256(token.encode()).digest()
        claims = self._remembered.get(digest)
        if claims is None:
            claims = self._read(token, now)
            self._remember(digest, claims)
        if claims.audience != audience or claims.expires_at + LEEWAY <= now:
            raise Unauthenticated
        return claims

    def _remember(self, digest: bytes, claims: Claims) -> None:
        with self._lock:
            self._remembered[digest] = claims
            while len(self._remembered) > REMEMBERED:
                self._remembered.popitem(last=False)

    def _read(self, token: str, now: datetime) -> Claims:
        try:
            header, payload = _plain_parts(token)
            key = self._key_of(header)
            # PyJWT reads the machine's clock, so the times are checked below against `now`.
            claims = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                issuer=self._issuer,
                options={
                    "require": REQUIRED,
                    "verify_signature": True,
                    "verify_iss": True,
                    "verify_aud": False,
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
        except (jwt.PyJWTError, ValueError, RecursionError):
            raise Unauthenticated from None
        if claims != payload:
            raise Unauthenticated
        return _claims(claims, now)

    def _key_of(self, header: Mapping[str, Any]) -> Ed25519PublicKey:
        kid = header.get("kid")
        well_formed = (
            set(header) == HEADER_MEMBERS
            and header["alg"] == ALGORITHM
            and header["typ"] == TYPE
            and isinstance(kid, str)
            and KID.fullmatch(kid) is not None
        )
        if not well_formed:
            raise ValueError("not a header of ours")
        for key in self._keys():
            if key.kid == kid:
                return key.private.public_key()
        raise ValueError("not a key of ours")


def _plain_parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and payload, each an object in which no member comes twice."""
    segments = token.split(".")
    if len(segments) != 3:
        raise ValueError("a token has three parts")
    header, payload = (_object(_decoded(segment)) for segment in segments[:2])
    _decoded(segments[2])
    return header, payload


def _decoded(segment: str) -> bytes:
    """Base64url in its one canonical spelling: a token has no second form with the same meaning."""
    raw = base64.b64decode(segment + "=" * (-len(segment) % 4), altchars=b"-_", validate=True)
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != segment:
        raise ValueError("not canonical base64url")
    return raw


def _object(raw: bytes) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) != len(pairs):
            raise ValueError("a member comes twice")
        return members

    found = json.loads(raw.decode("utf-8"), object_pairs_hook=once)
    if not isinstance(found, dict):
        raise ValueError("not an object")
    return found


def _claims(claims: Mapping[str, Any], now: datetime) -> Claims:
    issued, expires, proved = (_instant(claims[name]) for name in ("iat", "exp", "auth_time"))
    subject, family = (
        parse_id(claims[name]) if isinstance(claims[name], str) else None for name in ("sub", "sid")
    )
    texts = (claims["aud"], claims["scope"], claims["jti"], claims["acr"])
    acceptable = (
        all(isinstance(text, str) for text in texts)
        and claims["acr"] in {"1", "2", "3"}
        and "nbf" not in claims
        and issued <= now + LEEWAY
        and proved <= issued
        and now < expires + LEEWAY
        and timedelta(0) < expires - issued <= LONGEST
    )
    if not acceptable or subject is None or family is None:
        raise Unauthenticated
    return Claims(
        subject=subject,
        audience=claims["aud"],
        scope=frozenset(claims["scope"].split()),
        auth_time=proved,
        acr=int(claims["acr"]),
        family=family,
        expires_at=expires,
        token_id=claims["jti"],
    )


def _instant(value: Any) -> datetime:
    if type(value) is not int or not 0 < value < 1 << 35:
        raise Unauthenticated
    return datetime.fromtimestamp(value, UTC)


def jwks(keys: Iterable[SigningKey]) -> dict[str, Any]:
    """The public halves as an RFC 7517 set."""
    return {"keys": [_jwk(key.kid, key.private.public_key()) for key in keys]}


def _jwk(kid: str, key: Ed25519PublicKey) -> dict[str, str]:
    raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    x = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    return {"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": ALGORITHM, "kid": kid, "x": x}
