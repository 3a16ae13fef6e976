"""Check an exported access log: `python access_log.py EXPORT JWKS [CHECKPOINT ...]`.

EXPORT is the answer of GET /v1/me/access-log/export, JWKS of GET /.well-known/jwks.json, CHECKPOINT
of GET /v1/audit/checkpoint, kept before. Shares no code with the service. RFC 7515, 8037, 9162.
"""

import base64
import hashlib
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

EPOCH, MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def demand(holds, why):
    if not holds:
        raise ValueError(why)


def opened(text, keys, typ):
    """The claims of a JWS that one of the keys signed."""
    parts = [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in text.split(".")]
    header, claims = map(json.loads, parts[:2])
    demand((header["alg"], header["typ"]) == ("EdDSA", typ), "another kind of statement")
    keys[header["kid"]].verify(parts[2], text.rpartition(".")[0].encode())
    return claims


def climbed(leaf, index, size, path):
    """The root that an inclusion path leads to (RFC 9162, 2.1.3.2)."""
    demand(0 <= index < size, "no such leaf")
    last = size - 1
    for node in map(bytes.fromhex, path):
        demand(last, "the path is too long")
        if index & 1 or index == last:
            leaf = sha(b"\1", node, leaf)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            leaf = sha(b"\1", leaf, node)
        index, last = index >> 1, last >> 1
    demand(last == 0, "the path is too short")
    return leaf


def linked(one, subject, previous):
    """The hash of an entry after the one before it, when it shows what its hash covers."""
    kept, actor, grant = json.loads(one["hashed"]), one["actor"], one["grant_id"]
    at = (datetime.fromisoformat(one["at"]) - EPOCH) // MICROSECOND
    shown = ["kangma access 2", UUID(subject).hex, one["seq"], one["leaf"], at, actor["kind"]]
    shown += [actor["id"], actor["name"], actor["on_behalf_of"], one["automatic"], one["action"]]
    shown += [one["purpose"], kept[12], one["decision"], one["rule"], grant and UUID(grant).hex]
    shown += [kept[16], one["request_id"], one["rows"]]
    if actor["kind"] == "resident":  # A guardian is kept under a name for this child alone.
        kept[6:9] = shown[6:9]
    demand(kept == shown, f"entry {one['seq']} shows something else than was kept")
    return sha(previous, one["hashed"].encode())


def check(export, jwks, copies=()):
    """How many entries there are and how many a checkpoint proves; raises where one is wrong."""
    octets = {key["kid"]: base64.urlsafe_b64decode(key["x"] + "=") for key in jwks["keys"]}
    keys = {kid: Ed25519PublicKey.from_public_bytes(key) for kid, key in octets.items()}
    claims = opened(export, keys, "access-log+jwt")
    subject, proof, hashes = claims["sub"], claims["proof"], [bytes(32)]
    for number, one in enumerate(claims["entries"], 1):
        demand(one["seq"] == number, f"entry {number} is missing")
        hashes.append(linked(one, subject, hashes[-1]))
        demand(one["hash"] == hashes[-1].hex(), f"entry {number} was changed")
    if proof is None:
        return len(claims["entries"]), 0
    point = opened(proof["checkpoint"], keys, "audit-checkpoint+jwt")
    seq, path = proof["inclusion"]["seq"], proof["inclusion"]["path"]
    root = climbed(sha(b"\0", hashes[seq]), claims["entries"][seq - 1]["leaf"], point["size"], path)
    demand(root.hex() == point["root"], "the entry is not in the checkpoint")
    head, whose = proof["head"], UUID(subject)
    end = sha(b"\0", whose.bytes, seq.to_bytes(8, "big"), hashes[seq])
    bucket = climbed(end, head["index"], head["size"], head["in_bucket"])
    heads = climbed(sha(b"\0", bucket), whose.int >> 116, 4096, head["over_buckets"])
    demand(heads.hex() == point["heads"], "the checkpoint knows of another last entry")
    for copy in copies:
        number = opened(copy, keys, "audit-checkpoint+jwt")["number"]
        demand(copy == proof["checkpoint"] or number != point["number"], "the log was forked")
    return len(claims["entries"]), seq


if __name__ == "__main__":
    answer, jwks, *kept = (json.loads(Path(name).read_text("utf-8")) for name in sys.argv[1:])
    found = check(answer["export"], jwks, [one["checkpoint"] for one in kept])
    print("{} entries, unchanged and complete; {} of them under a checkpoint".format(*found))
