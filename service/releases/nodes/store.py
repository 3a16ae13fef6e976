"""The only SQL of other publishers: whom this node trusts, and what was pulled from them."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, insert, or_, select

from service.releases.store import Artifact, artifact_of
from service.releases.tables import node_keys, nodes, pulled

BY_FIELD = [pulled.c[name] for name in Artifact._fields]


class Node(NamedTuple):
    """Another publisher and its address."""

    name: str
    url: str


class Key(NamedTuple):
    """A public key that an operator lets a node sign its releases with."""

    public_key: bytes
    node: str
    kid: str
    trusted_at: datetime


class Link(NamedTuple):
    """One pulled release as a link of its node's chain, without its table."""

    release_id: str
    sequence: int
    manifest_sha256: str


class Summary(NamedTuple):
    node: str
    release_id: str
    sequence: int
    published_at: datetime
    manifest_sha256: str
    csv_sha256: str
    pulled_at: datetime


def add_node(conn: Connection, node: Node) -> None:
    conn.execute(insert(nodes).values(node._asdict()))


def add_key(conn: Connection, key: Key) -> None:
    conn.execute(insert(node_keys).values(key._asdict()))


def node(conn: Connection, name_or_url: str) -> Node | None:
    asked = or_(nodes.c.name == name_or_url, nodes.c.url == name_or_url)
    row = conn.execute(select(nodes).where(asked)).first()
    return None if row is None else Node._make(row)


def all_nodes(conn: Connection) -> list[Node]:
    return [Node._make(row) for row in conn.execute(select(nodes).order_by(nodes.c.name))]


def all_keys(conn: Connection) -> list[Key]:
    """Every trusted key, by node in the order of trust."""
    found = select(node_keys).order_by(node_keys.c.node, node_keys.c.trusted_at, node_keys.c.kid)
    keys = [Key._make(row) for row in conn.execute(found)]
    return [key._replace(public_key=bytes(key.public_key)) for key in keys]


def chain(conn: Connection, name: str) -> list[Link]:
    """What was pulled from a node, oldest first."""
    found = select(*(pulled.c[field] for field in Link._fields)).where(pulled.c.node == name)
    return [Link._make(row) for row in conn.execute(found.order_by(pulled.c.sequence))]


def summaries(conn: Connection) -> list[Summary]:
    """Every pulled release without its bytes, by node, newest first."""
    found = select(*(pulled.c[field] for field in Summary._fields))
    ordered = found.order_by(pulled.c.node, pulled.c.sequence.desc())
    return [Summary._make(row) for row in conn.execute(ordered)]


def artifact(conn: Connection, name: str, release_id: str) -> Artifact | None:
    where = pulled.c.node == name, pulled.c.release_id == release_id
    return artifact_of(conn.execute(select(*BY_FIELD).where(*where)).first())


def add_artifact(conn: Connection, name: str, kept: Artifact, now: datetime) -> None:
    conn.execute(insert(pulled).values(kept._asdict() | {"node": name, "pulled_at": now}))
