"""A machine's own key: it signs who it is (RFC 7523), and that each request is its own (RFC 9449).

Needs the `cryptography` package: `pip install kangma-client[keys]`.
"""

import base64
import json
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

KIND = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LIFETIME = 60
"""Seconds an assertion is good for."""


class MachineKey:
    """An Ed25519 or P-256 private key. Its `repr` shows the public half's name only."""

    def __init__(self, jwk: Mapping[str, str]) -> None:
        names = ("crv", "kty", "x", "y") if jwk["kty"] == "EC" else ("crv", "kty", "x")
        self._public = {name: jwk[name] for name in names}
        self._algorithm = "ES256" if jwk["kty"] == "EC" else "EdDSA"
        self._sign = _signer(jwk)
        spelled = json.dumps(self._public, separators=(",", ":")).encode()
        self.thumbprint = _url64(sha256(spelled).digest())

    @classmethod
    def of(cls, given: "str | Mapping[str, str] | Path") -> "MachineKey":
        """From a JWK, its JSON text, or a file with either."""
        if isinstance(given, Path):
            given = given.read_text(encoding="utf-8")
        return cls(json.loads(given) if isinstance(given, str) else given)

    def __repr__(self) -> str:
        return f"MachineKey({self.thumbprint})"

    def assertion(self, client_id: str, *, audience: str) -> dict[str, str]:
        """The members of a token request that prove who asks."""
        now = int(time.time())
        claims = {
            "iss": client_id,
            "sub": client_id,
            "aud": audience,
            "jti": str(uuid4()),
            "iat": now,
            "exp": now + LIFETIME,
        }
        header = {"alg": self._algorithm, "typ": "JWT", "kid": self.thumbprint}
        return {"client_assertion_type": KIND, "client_assertion": self._signed(header, claims)}

    def proof(self, method: str, url: str, token: str | None) -> str:
        """The `DPoP` header of one request; with a token, of that token's use."""
        claims: dict[str, Any] = {
            "jti": str(uuid4()),
            "htm": method,
            "htu": url.partition("?")[0],
            "iat": int(time.time()),
        }
        if token is not None:
            claims["ath"] = _url64(sha256(token.encode()).digest())
        header = {"alg": self._algorithm, "typ": "dpop+jwt", "jwk": self._public}
        return self._signed(header, claims)

    def _signed(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        text = ".".join(_url64(json.dumps(part).encode()) for part in (header, claims))
        return f"{text}.{_url64(self._sign(text.encode()))}"


def _signer(jwk: Mapping[str, str]) -> Callable[[bytes], bytes]:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
    from cryptography.hazmat.primitives.hashes import SHA256

    secret = base64.urlsafe_b64decode(jwk["d"] + "==")
    if jwk["kty"] == "OKP":
        return Ed25519PrivateKey.from_private_bytes(secret).sign
    private = ec.derive_private_key(int.from_bytes(secret, "big"), ec.SECP256R1())

    def sign(message: bytes) -> bytes:
        pair = decode_dss_signature(private.sign(message, ec.ECDSA(SHA256())))
        return b"".join(number.to_bytes(32, "big") for number in pair)

    return sign


def _url64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
