"""Pulling another node's releases: oldest first, each checked, each kept once, nothing in between.

What is kept are the bytes that were signed. A release is kept in a transaction of its own, so a
pull that is cut off goes on where it stopped; two pulls at once keep what one would have kept.
"""

from datetime import datetime
from typing import Any, NamedTuple

import jwt
from sqlalchemy.exc import IntegrityError

from consent.vocabulary import Text
from service.kit.db import Database
from service.kit.errors import IntegrityBroken, NotFound
from service.releases import artifact as artifacts
from service.releases import sums
from service.releases.nodes import store
from service.releases.nodes.line import TABLE, Line
from service.releases.nodes.refusals import away, refused
from service.releases.nodes.store import Link, Node
from service.releases.store import Artifact
from service.releases.views import RELEASE_ID

LISTED = "/v1/city/releases"
MALFORMED = (ValueError, LookupError, TypeError, AttributeError)
"""What a document of another shape than a release's makes of reading it."""
NOT_TRUSTED = Text(
    "该节点不受信任：请先运行 kangma releases trust。",
    "This node is not trusted: run kangma releases trust first.",
)


class Pulled(NamedTuple):
    node: str
    new: list[str]
    held: int
    """Releases of the node that are kept now."""


def find(db: Database, name_or_url: str) -> Node:
    found = db.read(lambda conn: store.node(conn, name_or_url.rstrip("/")))
    if found is None:
        raise NotFound(NOT_TRUSTED)
    return found


def pull(db: Database, node: Node, line: Line, now: datetime) -> Pulled:
    """Keep every release that is new; PullRefused names the first that may not be kept."""
    held = db.read(lambda conn: store.chain(conn, node.name))
    keys = trusted_keys(db, node)
    listed = _listed(node, line)
    _compare(node, held, listed)
    new: list[str] = []
    for release_id, manifest_sha256 in listed[len(held) :]:
        kept = _fetched(node, line, keys, release_id, held[-1] if held else None)
        if kept.manifest_sha256 != manifest_sha256:
            raise refused(node.name, release_id, "replayed")
        _keep(db, node, kept, now)
        held.append(Link(release_id, kept.sequence, kept.manifest_sha256))
        new.append(release_id)
    return Pulled(node.name, new, len(held))


def _listed(node: Node, line: Line) -> list[tuple[str, str]]:
    """(release id, SHA-256 of the manifest) as the node lists them, oldest first."""
    try:
        items = line.document(LISTED)["items"]
        found = [(str(one["release_id"]), str(one["manifest_sha256"])) for one in reversed(items)]
    except MALFORMED:
        found = [("", "")]
    if not all(RELEASE_ID.fullmatch(release_id) for release_id, _ in found):
        raise away(node.name, "的发布列表无法读取", "lists releases that cannot be read")
    ids = [release_id for release_id, _ in found]
    for release_id in ids:
        if ids.count(release_id) > 1:
            raise refused(node.name, release_id, "twice")
    return found


def _compare(node: Node, held: list[Link], listed: list[tuple[str, str]]) -> None:
    """What was pulled must still be there, at its place and with its hash."""
    told = dict(listed)
    for place, link in enumerate(held):
        if link.release_id not in told:
            raise refused(node.name, link.release_id, "withdrawn")
        if listed[place] != (link.release_id, link.manifest_sha256):
            raise refused(node.name, link.release_id, "fork")


def _fetched(
    node: Node, line: Line, keys: dict[str, bytes], release_id: str, last: Link | None
) -> Artifact:
    """A release whose key, words, link, table and sums hold; PullRefused otherwise."""
    path = f"{LISTED}/{release_id}"
    try:
        jws = str(line.document(f"{path}/signature")["jws"])
        manifest = _signed(jws, keys)
        payload = artifacts.payload_of(jws)
        told = manifest["release_id"], manifest["previous"], manifest["table"]["sha256"]
        published_at = datetime.fromisoformat(manifest["published_at"])
    except MALFORMED:
        raise refused(node.name, release_id, "unreadable") from None
    except IntegrityBroken:
        raise refused(node.name, release_id, "foreign-key") from None
    if told[0] != release_id:
        raise refused(node.name, release_id, "replayed")
    if told[1] != (last and {"release_id": last.release_id, "sha256": last.manifest_sha256}):
        raise refused(node.name, release_id, "gap")
    table = line.content(f"{path}/table?format=csv", TABLE)
    if artifacts.sha256(table) != told[2]:
        raise refused(node.name, release_id, "changed-table")
    _check_sums(node, release_id, manifest, table)
    kid = artifacts.kid_of(jws)
    return Artifact(
        release_id=release_id,
        sequence=last.sequence + 1 if last else 1,
        published_at=published_at,
        csv=table,
        csv_sha256=told[2],
        manifest=payload,
        manifest_sha256=artifacts.sha256(payload),
        previous_sha256=last.manifest_sha256 if last else None,
        signature=jws,
        public_key=keys[kid],
    )


def _signed(jws: str, keys: dict[str, bytes]) -> dict[str, Any]:
    """The manifest, under a trusted key; IntegrityBroken for any other."""
    try:
        key = keys[artifacts.kid_of(jws)]
    except (jwt.InvalidTokenError, LookupError):
        raise IntegrityBroken from None
    return artifacts.verify(jws, key)


def _check_sums(node: Node, release_id: str, manifest: dict[str, Any], table: bytes) -> None:
    try:
        sums.check(manifest, artifacts.read_csv(table))
    except IntegrityBroken:
        raise refused(node.name, release_id, "sums") from None
    except MALFORMED:
        raise refused(node.name, release_id, "unreadable") from None


def _keep(db: Database, node: Node, kept: Artifact, now: datetime) -> None:
    """Once, whoever else is pulling: another pull may have kept the same bytes just now."""
    try:
        db.write(lambda conn: store.add_artifact(conn, node.name, kept, now))
    except IntegrityError:
        if _kept(db, node, kept.release_id) != kept:
            raise refused(node.name, kept.release_id, "fork") from None


def verify(db: Database) -> dict[str, int]:
    """Check every pulled release again, by node; how many there are, or IntegrityBroken."""
    return {node.name: _verified(db, node) for node in db.read(store.all_nodes)}


def _verified(db: Database, node: Node) -> int:
    keys = trusted_keys(db, node)
    previous: bytes | None = None
    chain = db.read(lambda conn: store.chain(conn, node.name))
    for link in chain:
        kept = _kept(db, node, link.release_id)
        if kept is None or artifacts.payload_of(kept.signature) != kept.manifest:
            raise IntegrityBroken
        key = keys.get(artifacts.kid_of(kept.signature))
        if key is None:
            raise IntegrityBroken
        artifacts.verify(kept.signature, key, csv_content=kept.csv, previous=previous)
        previous = kept.manifest
    return len(chain)


def _kept(db: Database, node: Node, release_id: str) -> Artifact | None:
    return db.read(lambda conn: store.artifact(conn, node.name, release_id))


def trusted_keys(db: Database, node: Node) -> dict[str, bytes]:
    """Raw public keys by the names that signatures give them."""
    return {key.kid: key.public_key for key in db.read(store.all_keys) if key.node == node.name}
