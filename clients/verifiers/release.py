"""Check an anonymous release with nothing but the file that `kangma releases export` wrote.

    release.py RELEASE [JWKS]    RELEASE is a zip or a directory; JWKS is the answer of
`/.well-known/jwks.json`; without it compare the key that is printed with one you were given.
"""

import base64
import csv
import hashlib
import io
import json
import sys
import zipfile
from operator import itemgetter
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey as PublicKey

CELL = itemgetter("region", "metric", "category", "sex", "age")


class Wrong(Exception):
    """The release is not what was signed, or its tables do not add up."""


def need(true, why):
    if not true:
        raise Wrong(why)


def decode(part):
    raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    # Stray bits would let two texts carry one signature.
    need(base64.urlsafe_b64encode(raw).rstrip(b"=").decode() == part, "no strict base64url")
    return raw


def read(path):
    inside = Path(path) if Path(path).is_dir() else zipfile.Path(path)
    found = [(one.name, one.read_bytes()) for one in inside.iterdir() if one.is_file()]
    need(len(dict(found)) == len(found), "two files of one name")
    return dict(found)


def verify(files, trusted=None):
    """Manifest, rows and key of a good release; raises Wrong."""
    try:
        signed, _, signature = files["signature.jws"].decode().rpartition(".")
        head, payload = map(decode, signed.split("."))
        key, manifest = json.loads(files["key.json"]), json.loads(payload)
        known = [key] if trusted is None else [k for k in trusted["keys"] if k["kid"] == key["kid"]]
        need([one["x"] for one in known] == [key["x"]], "not a key that you trust")
        need((key["kty"], key["crv"]) == ("OKP", "Ed25519"), "not an Ed25519 key")
        kind = {"alg": "EdDSA", "kid": key["kid"], "typ": "kangma-release+jws"}
        need(json.loads(head) == kind, "not the header of a release")
        PublicKey.from_public_bytes(decode(key["x"])).verify(decode(signature), signed.encode())
        need(payload == files["manifest.json"], "another manifest was signed")
        table, before = files["table.csv"], files.get("previous.json")
        link, told = manifest["previous"] and manifest["previous"]["sha256"], manifest["table"]
        need(link == (before and hashlib.sha256(before).hexdigest()), "the chain is broken")
        need(told["sha256"] == hashlib.sha256(table).hexdigest(), "another table was signed")
        rows = list(csv.DictReader(io.StringIO(table.decode(), newline="")))
        adds_up(manifest, rows)
    except (InvalidSignature, ValueError, LookupError, TypeError, AttributeError) as error:
        raise Wrong(f"not readable, or not signed by this key ({type(error).__name__})") from None
    return manifest, rows, key


def adds_up(manifest, rows):
    """Divisions add up to the one above, categories to participants, sexes and ages to totals."""
    parent = {area["code"]: area["parent"] for area in manifest["regions"]["areas"]}
    children = {code: [*parent.values()].count(code) for code in parent}
    words = {metric["id"]: metric["categories"] for metric in manifest["metrics"]}
    strata, counts, sums = len({(row["sex"], row["age"]) for row in rows}) - 1, {}, {}
    for row in rows:
        key = where, what, _, *who = CELL(row)
        counts[key] = number = int(row["count"]) if row["status"] != "not_published" else None
        need(number is None or 0 <= int(row["low"]) <= number <= int(row["high"]), "odd count")
        above, people = parent[where], (where, "participation", "all", *who)
        wholes = [("area", (above, *key[1:]), children[above])] if above else []
        wholes += [(what, people, len(words[what]))] if what != "participation" else []
        wholes += [("who", (*key[:3], "all", "all"), strata)] if who != ["all", "all"] else []
        for whole in wholes:
            sums.setdefault(whole, []).append(number)
    need(len(counts) == len(rows), "a cell twice")
    for (_, total, expected), parts in sums.items():
        whole, complete = counts[total], len(parts) == expected
        good = complete and (None in (whole, *parts) or sum(parts) == whole)
        need(good, f"parts of {total} do not add up")


if __name__ == "__main__":
    try:
        keys = [json.loads(Path(name).read_bytes()) for name in sys.argv[2:]]
        told, rows, key = verify(read(sys.argv[1]), *keys)
    except (Wrong, OSError, ValueError, LookupError, zipfile.BadZipFile) as wrong:
        sys.exit(f"NOT a good release: {wrong}")
    print(f"{told['release_id']}: genuine, {len(rows)} cells add up; signed by {key['x']}")
