"""Access tokens: short EdDSA JWTs, read as strictly as sealing.md section 5 says.

PyJWT checks the signature and the registered claims with every option named; what it would let
pass is refused before it sees the token: other headers than alg, typ and kid, a kid that is not
ours, duplicate members, long tokens and long lifetimes. A token that passed is remembered by its
digest until it expires, so a second look costs a hash; revocation is not remembered here and is
asked for on every request (`service.identity.revocations`).
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from threading import Lock
from typing import Any, Protocol
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from service.kit import jose
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
    thumbprint: str | None = None
    """RFC 7638 name of the key whose holder alone may use the token (`cnf.jkt`, RFC 9449)."""


class Tokens:
    """Signs with the current key, reads with the published set; one algorithm for every key."""

    def __init__(self, issuer: str, keys: Keys) -> None:
        self._issuer = issuer
        self._keys = keys
        self._remembered: OrderedDict[bytes, Claims] = OrderedDict()
        self._known: frozenset[str] = frozenset()
        self._seen: Sequence[SigningKey] = ()
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
        thumbprint: str | None = None,
    ) -> str:
        """A token for one audience that lives ten minutes; of one key's holder, if it is named."""
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
        if thumbprint is not None:
            claims["cnf"] = {"jkt": thumbprint}
        signing = next(key for key in self._keys() if key.stage == "current")
        headers = {"typ": TYPE, "kid": signing.kid}
        return jwt.encode(claims, signing.private, algorithm=ALGORITHM, headers=headers)

    def verify(self, token: str, *, audience: str, now: datetime) -> Claims:
        """The claims of a token meant for `audience`, or `Unauthenticated` without a reason.

        The caller still has to ask whether the token's family or subject was revoked.
        """
        if len(token) > SIZE_LIMIT or not token.isascii():
            raise Unauthenticated
        keys = self._keys()
        # The same list is the same set: whoever hands out keys makes a new one when they change.
        if keys is not self._seen:
            self._forget_with_keys(keys)
        digest = sha256(token.encode()).digest()
        claims = self._remembered.get(digest)
        if claims is None:
            claims = self._read(token, now)
            self._remember(digest, claims)
        if claims.audience != audience or claims.expires_at + LEEWAY <= now:
            raise Unauthenticated
        return claims

    def _forget_with_keys(self, keys: Sequence[SigningKey]) -> None:
        """A token is remembered no longer than the key that signed it is published."""
        kids = frozenset(key.kid for key in keys)
        with self._lock:
            if not kids >= self._known:
                self._remembered.clear()
            self._known, self._seen = kids, keys

    def _remember(self, digest: bytes, claims: Claims) -> None:
        with self._lock:
            self._remembered[digest] = claims
            while len(self._remembered) > REMEMBERED:
                self._remembered.popitem(last=False)

    def _read(self, token: str, now: datetime) -> Claims:
        try:
            header, payload = jose.parts(token)
            # PyJWT reads the machine's clock, so the times are checked below against `now`.
            claims = jose.payload_of(token, self._key_of(header), [ALGORITHM])
            # Two readers of one text must agree on what it says.
            if claims != payload or claims.get("iss") != self._issuer:
                raise Unauthenticated
            return _claims(claims, now)
        except (jwt.PyJWTError, ValueError, KeyError):
            raise Unauthenticated from None

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


def _claims(claims: Mapping[str, Any], now: datetime) -> Claims:
    """What a signed payload says; `KeyError` or `ValueError` where a claim is missing or odd."""
    issued, expires, proved = (jose.instant(claims[name]) for name in ("iat", "exp", "auth_time"))
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
        raise ValueError("a claim is not ours")
    return Claims(
        subject=subject,
        audience=claims["aud"],
        scope=frozenset(claims["scope"].split()),
        auth_time=proved,
        acr=int(claims["acr"]),
        family=family,
        expires_at=expires,
        token_id=claims["jti"],
        thumbprint=_confirmed(claims),
    )


def _confirmed(claims: Mapping[str, Any]) -> str | None:
    """The thumbprint a token is bound to. A confirmation that is not understood is no token."""
    if "cnf" not in claims:
        return None
    confirmation = claims["cnf"]
    if not isinstance(confirmation, dict) or confirmation.keys() != {"jkt"}:
        raise ValueError("not a confirmation of ours")
    thumbprint = confirmation["jkt"]
    if not isinstance(thumbprint, str) or len(jose.unbase64(thumbprint)) != 32:
        raise ValueError("not a thumbprint")
    return thumbprint


def jwks(keys: Iterable[SigningKey]) -> dict[str, Any]:
    """The public halves as an RFC 7517 set."""
    return {"keys": [_jwk(key.kid, key.private.public_key()) for key in keys]}


def _jwk(kid: str, key: Ed25519PublicKey) -> dict[str, str]:
    raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    x = jose.base64url(raw)
    return {"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": ALGORITHM, "kid": kid, "x": x}
