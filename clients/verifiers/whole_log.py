"""Check a whole access log from `kangma audit export`: `python whole_log.py FILE JWKS`.

For the city's auditors. FILE holds one entry a line (a JSON array, in the order of the tree), then
one checkpoint a line (JWS), then a JWS over the SHA-256 of all lines before it. JWKS is the answer
of GET /.well-known/jwks.json, or a file of all keys that ever signed. Shares no code with the
service: standard library and `cryptography`.
"""

import base64
import hashlib
import json
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def demand(holds, why):
    if not holds:
        raise ValueError(why)


def opened(text, keys, typ):
    """The claims of a JWS that one of the keys signed."""
    parts = [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in text.split(".")]
    header, claims = json.loads(parts[0]), json.loads(parts[1])
    demand((header["alg"], header["typ"]) == ("EdDSA", typ), "another kind of statement")
    keys[header["kid"]].verify(parts[2], text.rpartition(".")[0].encode())
    return claims


def root_of(leaves):
    """The Merkle tree hash over leaf hashes (RFC 9162, 2.1.1), level by level."""
    if not leaves:
        return sha()
    while len(leaves) > 1:
        paired = [sha(b"\1", *leaves[at : at + 2]) for at in range(0, len(leaves) - 1, 2)]
        leaves = paired + leaves[len(leaves) & ~1 :]
    return leaves[0]


def heads_of(chains):
    """The hash over the last entries of all chains: 4,096 buckets by the first twelve bits."""
    buckets = [[] for _ in range(4096)]
    for subject, (seq, hash_) in sorted(chains.items()):
        end = bytes.fromhex(subject) + seq.to_bytes(8, "big") + hash_
        buckets[int(subject[:3], 16)].append(sha(b"\0", end))
    return root_of([sha(b"\0", root_of(one)) for one in buckets])


def check(text, jwks):
    """How many entries and checkpoints hold; ValueError naming the first that does not."""
    octets = {key["kid"]: base64.urlsafe_b64decode(key["x"] + "=") for key in jwks["keys"]}
    keys = {kid: Ed25519PublicKey.from_public_bytes(key) for kid, key in octets.items()}
    *lines, last = text.splitlines()
    sealed = opened(last, keys, "audit-export+jwt")
    demand(sha("".join(f"{one}\n" for one in lines).encode()).hex() == sealed["sha256"], "changed")
    points = [opened(one, keys, "audit-checkpoint+jwt") for one in lines if one[0] != "["]
    texts = [bytes(32).hex(), *(sha(one.encode()).hex() for one in lines if one[0] != "[")]
    entries = [one for one in lines if one[0] == "["]
    demand(len(entries) == sealed["size"], "entries are missing")
    chains, leaves, waiting = {}, [], list(enumerate(points, 1))

    def judge():
        while waiting and waiting[0][1]["size"] == len(leaves):
            number, point = waiting.pop(0)
            demand(point["number"] == number, f"checkpoint {number} is missing")
            demand(point["previous"] == texts[number - 1], f"checkpoint {number} follows another")
            demand(point["root"] == root_of(leaves).hex(), f"not the log of checkpoint {number}")
            demand(point["heads"] == heads_of(chains).hex(), f"not the heads of {number}")

    judge()
    for place, line in enumerate(entries):
        subject, seq, leaf = json.loads(line)[1:4]
        before, previous = chains.get(subject, (0, bytes(32)))
        demand((seq, leaf) == (before + 1, place), f"entry {place} is out of its place")
        chains[subject] = seq, sha(previous, line.encode())
        leaves.append(sha(b"\0", chains[subject][1]))
        judge()
    demand(not waiting, "a checkpoint knows of more entries")
    demand(sealed["root"] == root_of(leaves).hex(), "not the root that was signed")
    return len(entries), len(points)


if __name__ == "__main__":
    text, jwks = (Path(name).read_text("utf-8") for name in sys.argv[1:3])
    entries, points = check(text, json.loads(jwks))
    print(f"{entries} entries and {points} checkpoints, unchanged and complete")
