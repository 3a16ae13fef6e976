"""The bytes of a release: a canonical CSV, a manifest that names everything, a signature over it.

The manifest is JSON with sorted members and no spaces (RFC 8785 spelling for the strings, whole
numbers and short decimals used here). The signature is a compact JWS (RFC 7515) with EdDSA
(RFC 8037) whose payload is exactly the manifest's bytes; the manifest holds the SHA-256 of the
CSV and of the manifest before it, so one signature vouches for the whole chain.
"""

import csv
import hashlib
import io
import json
from collections.abc import Iterable
from dataclasses import fields
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import OKPAlgorithm
from jwt.utils import base64url_decode, base64url_encode

from service.domain.anonymity.rows import Row
from service.kit.errors import IntegrityBroken

COLUMNS = tuple(field.name for field in fields(Row))
_values = attrgetter(*COLUMNS)
CELL = tuple(name for name in COLUMNS if name != "measured")
"""Members of a cell in the HTTP contract."""
WHOLE = frozenset({"count", "low", "high", "measured"})
SHARES = frozenset({"share", "share_low", "share_high"})
MANIFEST_TYPE = "kangma-release+jws"
SPECIFICATION_TYPE = "kangma-specification+jws"


class Signer(NamedTuple):
    """An Ed25519 key (RFC 8032) under the name verifiers know it by."""

    kid: str
    private: Ed25519PrivateKey


def csv_bytes(rows: Iterable[Row]) -> bytes:
    """UTF-8, comma, CR LF (RFC 4180), shares with four decimals, empty where not published."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in rows:
        values = _values(row)
        writer.writerow([f"{v:.4f}" if isinstance(v, float) else v for v in values])
    return text.getvalue().encode()


@lru_cache(maxsize=8)
def read_csv(content: bytes) -> tuple[dict[str, Any], ...]:
    """The same rows with their numbers, for every form that is derived from the bytes."""
    table = csv.DictReader(io.StringIO(content.decode(), newline=""))
    return tuple({name: _value(name, text) for name, text in line.items()} for line in table)


def _value(name: str, text: str) -> Any:
    if name in WHOLE:
        return int(text) if text else None
    if name in SHARES:
        return float(text) if text else None
    return text


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def sign(payload: bytes, signer: Signer, kind: str = MANIFEST_TYPE) -> str:
    """A compact JWS over exactly these bytes."""
    return jwt.api_jws.encode(
        payload, signer.private, algorithm="EdDSA", headers={"kid": signer.kid, "typ": kind}
    )


def verify(
    signature: str,
    public_key: bytes,
    *,
    csv_content: bytes | None = None,
    previous: bytes | None = None,
    kind: str = MANIFEST_TYPE,
) -> dict[str, Any]:
    """The signed manifest, or IntegrityBroken.

    With `csv_content` the table must be the signed one; with `previous` (the manifest before) the
    chain must hold.
    """
    key = Ed25519PublicKey.from_public_bytes(public_key)
    try:
        signed = jwt.api_jws.decode_complete(signature, key, algorithms=["EdDSA"])
    except jwt.InvalidTokenError:
        raise IntegrityBroken from None
    if signed["header"].get("typ") != kind:
        raise IntegrityBroken
    manifest: dict[str, Any] = json.loads(signed["payload"])
    if csv_content is not None and manifest["table"]["sha256"] != sha256(csv_content):
        raise IntegrityBroken
    if previous is not None and (manifest["previous"] or {}).get("sha256") != sha256(previous):
        raise IntegrityBroken
    return manifest


def payload_of(signature: str) -> bytes:
    """The bytes a compact JWS carries, unverified; ValueError when it is spelled in two ways."""
    parts = signature.split(".")
    raw = [base64url_decode(part) for part in parts]
    if [base64url_encode(part).decode() for part in raw] != parts:
        raise ValueError("not a strict compact JWS")
    return raw[1]


def public_key_of(key: dict[str, str]) -> bytes:
    """The raw key of an Ed25519 JSON Web Key; ValueError when it is of another kind."""
    if (key["kty"], key["crv"]) != ("OKP", "Ed25519"):
        raise ValueError("not an Ed25519 key")
    return base64url_decode(key["x"])


def kid_of(signature: str) -> str:
    """The name of the key that a JWS says it was made with."""
    return str(jwt.get_unverified_header(signature)["kid"])


def raw_public_key(signer: Signer) -> bytes:
    return signer.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def jwk(public_key: bytes, kid: str) -> dict[str, str]:
    """The public key as a JSON Web Key (RFC 8037)."""
    key = Ed25519PublicKey.from_public_bytes(public_key)
    members: dict[str, str] = OKPAlgorithm.to_jwk(key, as_dict=True)
    return {**{name: members[name] for name in ("kty", "crv", "x")}, "kid": kid, "alg": "EdDSA"}
