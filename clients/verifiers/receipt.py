"""Check a consent receipt with nothing but the public keys of the service that signed it.

    receipt.py RECEIPT JWKS      each a file, or - for standard input

RECEIPT holds the compact JWS, or the answer of `GET /v1/me/grants/{id}/receipt`; JWKS is what
`/.well-known/jwks.json` answers. Prints what was agreed, or says what is wrong and exits with 1.
"""

import base64
import json
import re
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FIELDS = {  # Mandatory in ISO/IEC TS 27560:2023, as the W3C DPV guide lists them.
    "header": "schema_version record_id receipt_id pii_principal_id",
    "processing": "privacy_notice language purposes pii_information pii_controllers jurisdiction"
    " storage_locations retention_period recipient_third_parties withdrawal_method",
    "parties": "party_id party_address party_name party_contact party_type",
    "events": "event_time validity_duration entity_id event_type event_state",
    "processing.privacy_notice": "id version language sha256",
    "processing.purposes": "purpose name",
    "processing.pii_information": "pii_type name",
}


class Wrong(Exception):
    """The receipt is not what the service signed, or not all of a receipt."""


def decode(part):
    if not re.fullmatch(r"[A-Za-z0-9_-]+", part):
        raise Wrong("not base64url")
    raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != part:
        raise Wrong("base64url with stray bits")  # Or two texts would carry one signature.
    return raw


def verify(token, jwks):
    """The claims of a good receipt; raises Wrong."""
    parts = token.split(".")
    if len(parts) != 3:
        raise Wrong("not a JWS in compact form")
    try:
        header, claims = (json.loads(decode(part)) for part in parts[:2])
        if set(header) != {"alg", "typ", "kid"} or header["alg"] != "EdDSA":
            raise Wrong("not signed with EdDSA")
        if header["typ"] != "consent-receipt+jwt":
            raise Wrong("not a consent receipt")
        keys = [key for key in jwks["keys"] if key["kid"] == header["kid"] is not None]
        if len(keys) != 1 or (keys[0]["kty"], keys[0]["crv"]) != ("OKP", "Ed25519"):
            raise Wrong("signed with a key that is not in the key set")
        public = Ed25519PublicKey.from_public_bytes(decode(keys[0]["x"]))
        public.verify(decode(parts[2]), ".".join(parts[:2]).encode())
    except InvalidSignature:
        raise Wrong("the signature does not fit") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Wrong("not readable") from None
    if missing := absent(claims):
        raise Wrong("without " + ", ".join(missing))
    return claims


def absent(claims):
    """Mandatory fields that are missing or empty."""
    missing = [] if isinstance(claims, dict) and claims.get("iss") else ["iss"]
    for place, names in FIELDS.items():
        found = claims
        for step in place.split("."):
            found = found.get(step) if isinstance(found, dict) else None
        for one in (found or [None]) if isinstance(found, list) else [found]:
            held = one if isinstance(one, dict) else {}
            missing += [f"{place}.{n}" for n in names.split() if held.get(n) in (None, "", [], {})]
    return missing


def summary(claims):
    did, head = claims["processing"], claims["header"]
    yield f"receipt {head['receipt_id']} of {claims['iss']}: genuine and complete"
    yield f"person: {head['pii_principal_id']}"
    yield f"notice: {did['privacy_notice']['id']} {did['privacy_notice']['version']}"
    yield "for: " + "; ".join(one["name"] for one in did["purposes"])
    yield "data: " + "; ".join(one["name"] for one in did["pii_information"])
    yield "parties: " + "; ".join(one["party_name"] for one in claims["parties"])
    for one in claims["events"]:
        yield f"{one['event_time']} {one['event_type']} by {one['entity_id']}: {one['event_state']}"


if __name__ == "__main__":
    try:
        text, keys = ((sys.stdin if a == "-" else open(a)).read().strip() for a in sys.argv[1:])
        text = json.loads(text)["receipt"] if text.startswith("{") else text
        print("\n".join(summary(verify(text, json.loads(keys)))))
    except (Wrong, OSError, ValueError, KeyError) as wrong:
        sys.exit(f"NOT a good receipt: {wrong}")
