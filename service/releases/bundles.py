"""A release as one file that anybody checks offline: a zip of the signed bytes, nothing derived.

`manifest.json`, `signature.jws` (compact JWS over exactly these bytes), `table.csv`, `key.json`
(the public key, RFC 8037) and, but for the first release, `previous.json`, the manifest before.
`clients/verifiers/release.py` checks it without this service.
"""

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from service.kit.errors import IntegrityBroken
from service.kit.hashing import canonical_json
from service.releases import artifact as artifacts
from service.releases import store, sums, views
from service.releases.store import Artifact

MANIFEST, SIGNATURE, TABLE = "manifest.json", "signature.jws", "table.csv"
KEY, PREVIOUS = "key.json", "previous.json"
FIRST_DAY = (1980, 1, 1, 0, 0, 0)
"""The earliest time a zip can tell: the same release is the same file whenever it is made."""
LARGEST = 1 << 28


def pack(conn: Connection, release_id: str) -> bytes:
    """The zip of a stored release; NotFound when there is none."""
    kept = views.find(conn, release_id)
    files = {
        MANIFEST: kept.manifest,
        SIGNATURE: kept.signature.encode(),
        TABLE: kept.csv,
        KEY: canonical_json(artifacts.jwk(kept.public_key, artifacts.kid_of(kept.signature))),
    }
    before = _before(conn, kept)
    if before is not None:
        files[PREVIOUS] = before
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for name, body in files.items():
            packed.writestr(zipfile.ZipInfo(name, FIRST_DAY), body, zipfile.ZIP_DEFLATED)
    return content.getvalue()


def read(path: Path) -> dict[str, bytes]:
    """The files of a bundle, from the zip or from the directory it was unpacked to.

    IntegrityBroken when it is neither, too large, or holds two files of one name.
    """
    if path.is_dir():
        return {one.name: one.read_bytes() for one in path.iterdir() if one.is_file()}
    try:
        with zipfile.ZipFile(path) as packed:
            inside = packed.infolist()
            names = {one.filename for one in inside}
            if len(names) != len(inside) or sum(one.file_size for one in inside) > LARGEST:
                raise IntegrityBroken
            return {name: packed.read(name) for name in names}
    except zipfile.BadZipFile:
        raise IntegrityBroken from None


def verify(files: Mapping[str, bytes], keys: bytes | None = None) -> dict[str, Any]:
    """The manifest of a bundle whose signature, table, chain and sums hold; or IntegrityBroken.

    `keys` is a JSON Web Key Set that the bundle's own key must be in. Without it the bundle is
    signed with the key it holds, which whoever relies on it has to know.
    """
    try:
        signature, table = files[SIGNATURE].decode("ascii"), files[TABLE]
        key = json.loads(files[KEY])
        public_key = artifacts.public_key_of(key)
        if keys is not None and not _among(key, json.loads(keys)):
            raise IntegrityBroken
        previous = files.get(PREVIOUS)
        manifest = artifacts.verify(signature, public_key, csv_content=table, previous=previous)
        linked = (manifest["previous"] is None) == (previous is None)
        named = artifacts.kid_of(signature) == key["kid"]
        signed = artifacts.payload_of(signature) == files[MANIFEST]
        if not (linked and named and signed):
            raise IntegrityBroken
        sums.check(manifest, artifacts.read_csv(table))
    except (ValueError, LookupError, TypeError):
        raise IntegrityBroken from None
    return manifest


def _among(key: dict[str, str], keys: dict[str, Any]) -> bool:
    return [one["x"] for one in keys["keys"] if one["kid"] == key["kid"]] == [key["x"]]


def _before(conn: Connection, kept: Artifact) -> bytes | None:
    return next(
        (
            manifest
            for _, manifest, _ in store.manifests(conn)
            if artifacts.sha256(manifest) == kept.previous_sha256
        ),
        None,
    )
