"""A software authenticator: discoverable passkeys with real P-256, Ed25519 or RSA keys.

It answers the options of the service as a browser with a security key would, and lies wherever a
test tells it to.
"""

import base64
import json
from dataclasses import dataclass, field
from hashlib import sha256
from secrets import token_bytes
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, ATTESTED, EXTENDED = 0x01, 0x04, 0x40, 0x80
ORIGIN = "https://kangma.local"


def url64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unbase64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Held:
    """One credential as the device keeps it."""

    credential_id: bytes
    private: Any
    domain: str
    handle: bytes
    count: int = 0


@dataclass
class Authenticator:
    """A device with a fingerprint reader. `counts=False` is one that always says zero."""

    algorithm: str = "ES256"
    origin: str = ORIGIN
    counts: bool = True
    flags: int = PRESENT | VERIFIED
    domain: str | None = None
    """The domain to claim, where it shall not be the one that was asked for."""
    held: list[Held] = field(default_factory=list)

    def create(self, options: dict[str, Any], **lies: Any) -> dict[str, Any]:
        """What `navigator.credentials.create(options).toJSON()` gives."""
        asked = options["publicKey"]
        name = lies.get("id", token_bytes(32))
        one = Held(name, self._key(), asked["rp"]["id"], unbase64(asked["user"]["id"]))
        self.held.append(one)
        attested = bytes(16) + len(one.credential_id).to_bytes(2, "big") + one.credential_id
        attested += cbor2.dumps(lies.get("key", cose(one.private)))
        more = ATTESTED | (EXTENDED if "extensions" in lies else 0)
        data = self._data(one, more) + attested + lies.get("extensions", b"")
        statement = {"fmt": lies.get("format", "none"), "attStmt": {}, "authData": data}
        said = self._said("webauthn.create", asked["challenge"], lies)
        return {
            "id": url64(one.credential_id),
            "rawId": url64(one.credential_id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": url64(said),
                "attestationObject": url64(lies.get("object", cbor2.dumps(statement))),
                "transports": ["internal"],
            },
        }

    def get(self, options: dict[str, Any], number: int = 0, **lies: Any) -> dict[str, Any]:
        """What `navigator.credentials.get(options).toJSON()` gives, of one of the credentials."""
        asked = options["publicKey"]
        one = self.held[number]
        if self.counts:
            one.count += 1
        data = self._data(one, EXTENDED if "extensions" in lies else 0)
        data += lies.get("extensions", b"")
        said = self._said("webauthn.get", asked["challenge"], lies)
        signature = sign(one.private, data + sha256(said).digest())
        response = {
            "clientDataJSON": url64(said),
            "authenticatorData": url64(lies.get("data", data)),
            "signature": url64(lies.get("signature", signature)),
            "userHandle": url64(lies.get("handle", one.handle)),
        }
        return {
            "id": url64(one.credential_id),
            "rawId": url64(one.credential_id),
            "type": "public-key",
            "clientExtensionResults": {},
            "response": response,
        }

    def _said(self, kind: str, challenge: str, lies: dict[str, Any]) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps({**said, **lies.get("said", {})}).encode()

    def _data(self, one: Held, more: int) -> bytes:
        domain = sha256((self.domain or one.domain).encode()).digest()
        return domain + bytes([self.flags | more]) + one.count.to_bytes(4, "big")

    def _key(self) -> Any:
        if self.algorithm == "EdDSA":
            return Ed25519PrivateKey.generate()
        if self.algorithm == "RS256":
            return rsa.generate_private_key(65537, 2048)
        return ec.generate_private_key(ec.SECP256R1())


def cose(private: Any) -> dict[int, Any]:
    """The public half as a COSE key (RFC 9053)."""
    public = private.public_key()
    if isinstance(private, Ed25519PrivateKey):
        return {1: 1, 3: -8, -1: 6, -2: public.public_bytes_raw()}
    numbers = public.public_numbers()
    if isinstance(private, rsa.RSAPrivateKey):
        return {1: 3, 3: -257, -1: numbers.n.to_bytes(256, "big"), -2: b"\1\0\1"}
    x, y = (number.to_bytes(32, "big") for number in (numbers.x, numbers.y))
    return {1: 2, 3: -7, -1: 1, -2: x, -3: y}


def sign(private: Any, message: bytes) -> bytes:
    if isinstance(private, Ed25519PrivateKey):
        return private.sign(message)
    if isinstance(private, rsa.RSAPrivateKey):
        return private.sign(message, padding.PKCS1v15(), SHA256())
    signature: bytes = private.sign(message, ec.ECDSA(SHA256()))
    return signature
