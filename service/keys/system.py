"""Keys of the service itself: the blind index, named secrets and signing keys.

Each is 32 random bytes wrapped by the root key and made at first use; of two processes that make
the same one at once, the first wins and both use it. A signing key passes through the stages next,
current, previous and retired: next is published before it signs and previous after it has, so a
verifier that caches the set never meets an unknown key.
"""

import re
import threading
import time
from hashlib import sha256
from os import urandom
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from service.keys.keystore import Keystore
from service.keys.wrapping import belonging
from service.kit.crypto import kdf
from service.kit.crypto.aead import Key

KID = re.compile(r"[A-Za-z0-9_-]{1,32}")
_NAME = re.compile(r"[a-z][a-z-]{0,13}")
PREVIOUS, CURRENT, NEXT, RETIRED = "previous", "current", "next", "retired"
_AFTER = {NEXT: CURRENT, CURRENT: PREVIOUS, PREVIOUS: RETIRED}
REMEMBERED = 300.0
"""Seconds after which a process looks for signing keys that another process renewed."""


class SigningKey(NamedTuple):
    """An Ed25519 key (RFC 8032) under the name verifiers know it by."""

    kid: str
    private: Ed25519PrivateKey
    stage: str

    @property
    def public(self) -> Ed25519PublicKey:
        return self.private.public_key()


class SystemKeys:
    """Reads and makes system keys; safe between threads and processes."""

    def __init__(self, keystore: Keystore) -> None:
        self._keystore = keystore
        self._secrets: dict[str, bytes] = {}
        self._signing: dict[str, tuple[float, list[SigningKey]]] = {}
        self._lock = threading.Lock()

    def blind_index(self, kind: str, text: str) -> bytes:
        """Sixteen bytes by which a login, phone or national id is found without being stored.

        The caller normalises `text`: two spellings give two indexes.
        """
        return kdf.tag(self._secret("index-1"), kind, text.encode(), 16)

    def secret(self, name: str) -> bytes:
        """The 32-byte secret of one use, such as "statistics", "cursor" or "code"."""
        return self._secret(f"secret-{name}")

    def seal(self, name: str, place: bytes, text: bytes) -> bytes:
        """A statement of the service to itself, sealed for one place and one use."""
        return self._key(name).seal(text, place)

    def open(self, name: str, place: bytes, sealed: bytes) -> bytes:
        """The text of `seal`; IntegrityBroken for anything else."""
        return self._key(name).open(sealed, place)

    def signing_key(self, name: str) -> SigningKey:
        """The key that signs now for one use, such as "jwt", "receipt" or "release"."""
        return next(key for key in self.signing_keys(name) if key.stage == CURRENT)

    def signing_keys(self, name: str) -> list[SigningKey]:
        """Every key a verifier may meet: previous (once there was one), current and next."""
        known = self._signing.get(name)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        with self._lock:
            keys = self._read_signing(name) or self._first_signing(name)
            self._signing[name] = (time.monotonic() + REMEMBERED, keys)
        return keys

    def verifying_keys(self, name: str) -> dict[str, Ed25519PublicKey]:
        """Every key that ever signed for one use, by kid: for statements that never expire."""
        self.signing_keys(name)
        rows = self._keystore.system(_signing_name(name))
        return {
            row.kid: Ed25519PrivateKey.from_private_bytes(self._unwrapped(row)).public_key()
            for row in rows
        }

    def renew_signing_key(self, name: str) -> None:
        """Move every key one stage on and make a next one."""
        self.signing_keys(name)
        full = _signing_name(name)
        rows = self._keystore.system(full)
        moved = {row.kid: _AFTER[row.stage] for row in rows if row.stage in _AFTER}
        number = max(row.number for row in rows) + 1
        self._keystore.restage(full, moved, self._made(full, number, NEXT))
        self._signing.pop(name, None)

    # -- inside ------------------------------------------------------------------------------

    def _key(self, name: str) -> Key:
        return Key(self.secret(name), dek_id=0, epoch=0)

    def _secret(self, name: str) -> bytes:
        known = self._secrets.get(name)
        if known is not None:
            return known
        _check_name(name.removeprefix("secret-"))
        with self._lock:
            rows = self._keystore.system(name)
            if not rows:
                self._keystore.add_system([self._made(name, 1, CURRENT)])
                rows = self._keystore.system(name)
            key = self._unwrapped(next(row for row in rows if row.stage == CURRENT))
            return self._secrets.setdefault(name, key)

    def _read_signing(self, name: str) -> list[SigningKey]:
        return [
            SigningKey(
                row.kid, Ed25519PrivateKey.from_private_bytes(self._unwrapped(row)), row.stage
            )
            for row in self._keystore.system(_signing_name(name))
            if row.stage != RETIRED
        ]

    def _first_signing(self, name: str) -> list[SigningKey]:
        full = _signing_name(name)
        self._keystore.add_system([self._made(full, 1, CURRENT), self._made(full, 2, NEXT)])
        return self._read_signing(name)

    def _made(self, name: str, number: int, stage: str) -> dict[str, Any]:
        """A new wrapped key. The deployment is in its kid, so two services never share one."""
        short = name.removeprefix("signing-")
        kid = f"{short}-{self._keystore.deployment.hex()[:8]}-{number}"
        if not KID.fullmatch(kid):
            raise ValueError("a kid has 1 to 32 letters, digits, _ or -")
        version, wrapped = self._keystore.kek.wrap(
            urandom(32), belongs_to(self._keystore.deployment, name, kid)
        )
        return {
            "name": name,
            "kid": kid,
            "number": number,
            "stage": stage,
            "kek_version": version,
            "wrapped": wrapped,
        }

    def _unwrapped(self, row: Any) -> bytes:
        bound = belongs_to(self._keystore.deployment, row.name, row.kid)
        return self._keystore.kek.unwrap(row.kek_version, bytes(row.wrapped), bound)


def belongs_to(deployment: bytes, name: str, kid: str) -> bytes:
    """What a wrapped system key belongs to."""
    subject = sha256(f"{name}\0{kid}".encode()).digest()[:16]
    return belonging("system", deployment, subject)


def _check_name(name: str) -> None:
    if not (_NAME.fullmatch(name) or name == "index-1"):
        raise ValueError("a key's name has up to 14 small letters and hyphens")


def _signing_name(name: str) -> str:
    _check_name(name)
    return f"signing-{name}"
