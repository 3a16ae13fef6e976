"""How this node signs in at another: as a machine client there, by a secret or a key of its own.

A key signs who asks (RFC 7523) and that each request is its own (RFC 9449). Neither is stored here:
the operator names a file at each pull.
"""

import json
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from uuid import uuid4

import jwt

from consent.vocabulary import Text
from service.kit.errors import ServiceError

KIND = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LIFETIME = 60
"""Seconds an assertion is good for."""
NO_CREDENTIAL = Text(
    "凭证文件须为 kangma people add-client 打印的密钥（jwk）或口令。",
    "The credential file must hold the private JWK or the secret of the machine client.",
)


class CredentialRefused(ServiceError):
    code = "credential-refused"
    sentence = NO_CREDENTIAL


@dataclass(frozen=True)
class Credential:
    """A machine client's id with its secret, or with the private key it signs with."""

    client_id: str
    secret: str | None = field(default=None, repr=False)
    key: dict[str, str] | None = field(default=None, repr=False)

    @classmethod
    def read(cls, client_id: str, content: str) -> "Credential":
        """From the text of a file; CredentialRefused when it is neither."""
        text = content.strip()
        if not text.startswith("{"):
            if not text or len(text.splitlines()) != 1:
                raise CredentialRefused
            return cls(client_id, secret=text)
        try:
            given = json.loads(text)
            key = {name: str(given[name]) for name in ("kty", "crv", "x", "d")}
            made = cls(client_id, key=key | ({"y": given["y"]} if key["kty"] == "EC" else {}))
            made._signed({"typ": "JWT"}, {})
        except (ValueError, LookupError, TypeError, jwt.PyJWTError):
            raise CredentialRefused from None
        return made

    def form(self, door: str) -> dict[str, str]:
        """The members of a token request at the address `door`."""
        form = {"grant_type": "client_credentials", "client_id": self.client_id}
        if self.secret is not None:
            return form | {"client_secret": self.secret}
        now = int(time.time())
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": door,
            "jti": str(uuid4()),
            "iat": now,
            "exp": now + LIFETIME,
        }
        assertion = self._signed({"typ": "JWT", "kid": self._thumbprint()}, claims)
        return form | {"client_assertion_type": KIND, "client_assertion": assertion}

    def headers(self, method: str, url: str, token: str | None) -> dict[str, str]:
        """What a request carries besides; a proof is good for one request."""
        if self.key is None:
            return {} if token is None else {"Authorization": f"Bearer {token}"}
        claims: dict[str, Any] = {
            "jti": str(uuid4()),
            "htm": method,
            "htu": url.partition("?")[0],
            "iat": int(time.time()),
        }
        told = {} if token is None else {"Authorization": f"DPoP {token}"}
        if token is not None:
            claims["ath"] = _url64(sha256(token.encode()).digest())
        return told | {"DPoP": self._signed({"typ": "dpop+jwt", "jwk": self._public()}, claims)}

    def _public(self) -> dict[str, str]:
        assert self.key is not None
        return {name: self.key[name] for name in ("crv", "kty", "x", "y") if name in self.key}

    def _thumbprint(self) -> str:
        spelled = json.dumps(self._public(), separators=(",", ":"), sort_keys=True)
        return _url64(sha256(spelled.encode()).digest())

    def _signed(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        assert self.key is not None
        algorithm = "ES256" if self.key["kty"] == "EC" else "EdDSA"
        private = jwt.PyJWK(self.key, algorithm=algorithm).key
        return jwt.encode(claims, private, algorithm=algorithm, headers=header)


def _url64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
