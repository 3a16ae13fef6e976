"""A machine client written apart from the client library: it signs whatever a test asks for."""

import base64
import json
from hashlib import sha256
from typing import Any
from uuid import uuid4

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from service.identity import actions as identity
from tests.asgi import ADDRESS
from tests.house_room import Town

TOKEN_URL = f"{ADDRESS}/v1/auth/token"
KIND = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def url64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Machine:
    """A registered client with a key. `members` replace or (with ...) drop claims."""

    def __init__(self, town: Town, algorithm: str = "EdDSA") -> None:
        self.town = town
        self.algorithm = algorithm
        self.private: Any = new_key(algorithm)
        made = town.house.db.write(
            lambda conn: identity.add_client(
                conn,
                town.house.system,
                role="city",
                name="Exchange",
                now=town.house.clock(),
                key=jwk_of(self.private),
            )
        )
        self.client_id = made["client_id"]

    @property
    def seconds(self) -> int:
        return int(self.town.house.clock().timestamp())

    def assertion(
        self, *, key: Any = None, header: dict[str, Any] | None = None, **members: Any
    ) -> str:
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": TOKEN_URL,
            "jti": str(uuid4()),
            "iat": self.seconds,
            "exp": self.seconds + 60,
            **members,
        }
        kept = {name: value for name, value in claims.items() if value is not ...}
        return jwt.encode(kept, key or self.private, self.algorithm, headers=header)

    def proof(
        self,
        method: str = "POST",
        url: str = TOKEN_URL,
        token: str | None = None,
        *,
        key: Any = None,
        header: dict[str, Any] | None = None,
        **members: Any,
    ) -> str:
        claims: dict[str, Any] = {
            "jti": str(uuid4()),
            "htm": method,
            "htu": url,
            "iat": self.seconds,
        }
        if token is not None:
            claims["ath"] = url64(sha256(token.encode()).digest())
        claims |= members
        kept = {name: value for name, value in claims.items() if value is not ...}
        made = {"typ": "dpop+jwt", "jwk": jwk_of(self.private), **(header or {})}
        return signed(kept, key or self.private, {**made, "alg": made.get("alg", self.algorithm)})

    def ask(self, *, proof: str | None = "", **form: str) -> httpx.Response:
        """Ask for a token; `proof=None` leaves the proof out."""
        headers = {} if proof is None else {"dpop": proof or self.proof()}
        sent = {
            "grant_type": "client_credentials",
            "client_assertion_type": KIND,
            "client_assertion": self.assertion(),
            **form,
        }
        return self.town.doors.post("/v1/auth/token", data=sent, headers=headers)

    def token(self) -> str:
        answer = self.ask()
        assert answer.status_code == 200, answer.text
        assert answer.json()["token_type"] == "DPoP"
        return str(answer.json()["access_token"])


def new_key(algorithm: str) -> Any:
    from cryptography.hazmat.primitives.asymmetric import ec

    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    return Ed25519PrivateKey.generate()


def jwk_of(private: Any) -> dict[str, str]:
    """The public JWK of a key."""
    public = private.public_key()
    if isinstance(private, Ed25519PrivateKey):
        return {"kty": "OKP", "crv": "Ed25519", "x": url64(public.public_bytes_raw())}
    numbers = public.public_numbers()
    x, y = (url64(number.to_bytes(32, "big")) for number in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


def signed(claims: dict[str, Any], key: Any, header: dict[str, Any]) -> str:
    """A JWS whose header says exactly this, signed by the key's own algorithm."""
    genuine = "EdDSA" if isinstance(key, Ed25519PrivateKey) else "ES256"
    kept = {name: value for name, value in header.items() if value is not ...}
    text = f"{url64(json.dumps(kept).encode())}.{url64(json.dumps(claims).encode())}"
    signature = jwt.get_algorithm_by_name(genuine).sign(text.encode(), key)
    return f"{text}.{url64(signature)}"
