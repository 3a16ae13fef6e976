"""What the city reads of other publishers. `own` is this node itself, in the same words."""

import json
from typing import Any

from sqlalchemy import Connection

from service.kit.errors import NotFound
from service.kit.hashing import canonical_json
from service.releases import artifact as artifacts
from service.releases import store as own
from service.releases import views
from service.releases.nodes import store
from service.releases.nodes.trust import NAME, OWN
from service.releases.store import Artifact


def find(conn: Connection, node: str, release_id: str) -> Artifact:
    """A release as its node signed it; NotFound when it is not here."""
    if node == OWN:
        return views.find(conn, release_id)
    known = NAME.fullmatch(node) and views.RELEASE_ID.fullmatch(release_id)
    kept = store.artifact(conn, node, release_id) if known else None
    if kept is None:
        raise NotFound
    return kept


def listed(conn: Connection) -> bytes:
    """This node and every trusted one with the releases that are here, newest first."""
    pulled, keys = store.summaries(conn), store.all_keys(conn)
    items = [_own(conn)]
    items += [
        {
            "node": node.name,
            "url": node.url,
            "keys": [
                artifacts.jwk(key.public_key, key.kid) for key in keys if key.node == node.name
            ],
            "releases": [
                {
                    "release_id": one.release_id,
                    "sequence": one.sequence,
                    "published_at": one.published_at.isoformat(timespec="seconds"),
                    "manifest_sha256": one.manifest_sha256,
                    "table_sha256": one.csv_sha256,
                    "pulled_at": one.pulled_at.isoformat(timespec="seconds"),
                }
                for one in pulled
                if one.node == node.name
            ],
        }
        for node in store.all_nodes(conn)
    ]
    return canonical_json({"items": items, "next": None})


def _own(conn: Connection) -> dict[str, Any]:
    """Its keys are those of the service's key set, where every reader finds them."""
    releases = []
    for number, (release_id, raw, _) in enumerate(own.manifests(conn), 1):
        manifest = json.loads(raw)
        releases.append(
            {
                "release_id": release_id,
                "sequence": number,
                "published_at": manifest["published_at"],
                "manifest_sha256": artifacts.sha256(raw),
                "table_sha256": manifest["table"]["sha256"],
                "pulled_at": None,
            }
        )
    return {"node": OWN, "url": None, "keys": [], "releases": releases[::-1]}
