"""The statements that add to the access log: few for however many entries, all prepared.

Nothing here changes or deletes an entry or a checkpoint. Every look pays for its entry, so an
addition takes one statement a table, and rows are made for the driver at once.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from service.audit.entry import Head, Logged, micros
from service.audit.store import TREE, Signed, State, state_of
from service.audit.tables import (
    access_buckets,
    access_checkpoints,
    access_heads,
    access_log,
    access_nodes,
    access_tree,
)
from service.audit.tree import Edge, Node
from service.kit.bulk import Bulk, Found
from service.kit.errors import IntegrityBroken
from service.kit.prepared import Prepared, pipelined

_LOCKED = Prepared(
    select(access_tree.c.size, access_tree.c.edge, access_tree.c.checkpoints)
    .where(access_tree.c.id == TREE)
    .with_for_update()
)
_HEADS = Found(select(access_heads), access_heads.c.resident_id)
_ENTRIES = Bulk(access_log)
_NODES = Bulk(access_nodes)
_MOVED_HEADS = Bulk(access_heads, "resident_id")
_MOVED_TREE = Bulk(access_tree, "id")


def lock_tree(conn: Connection) -> State:
    """The state of the tree, locked until the commit: whoever adds entries comes one by one."""
    rows = _LOCKED.rows(conn, {})
    if not rows:
        _plant(conn)
        rows = _LOCKED.rows(conn, {})
    return state_of(*rows[0])


def locked(conn: Connection, subjects: Iterable[bytes]) -> tuple[State, dict[bytes, Head]]:
    """As `lock_tree`, and the head of each chain by its subject's id, read once the lock is held.

    A subject nobody has looked at has no head.
    """
    with pipelined(conn):
        tree, heads = _LOCKED.later(conn, {}), _HEADS.later(conn, list(subjects))
        rows, reached = tree(), heads()
    if not rows:
        # Whatever was read without the lock counts for nothing.
        lock_tree(conn)
        return locked(conn, subjects)
    return state_of(*rows[0]), {
        bytes(subject): Head(seq, bytes(hash_)) for subject, seq, hash_ in reached
    }


def add(
    conn: Connection,
    logged: Sequence[Logged],
    moved: Mapping[bytes, Head],
    state: State,
    nodes: Sequence[Node],
) -> None:
    """Keep entries, move the heads and the tree: one statement each."""
    with pipelined(conn):
        _ENTRIES.run(conn, [row_of(one) for one in logged])
        _MOVED_HEADS.run(
            conn,
            [
                {"resident_id": subject, "seq": seq, "hash": hash_}
                for subject, (seq, hash_) in moved.items()
            ],
        )
        _NODES.run(conn, [one._asdict() for one in nodes])
        _MOVED_TREE.run(conn, [_tree_row(state)])


def add_checkpoint(conn: Connection, signed: Signed, bucket_roots: Sequence[bytes]) -> None:
    """Keep a checkpoint, and of the heads under it what a proof needs, in place of those before."""
    conn.execute(access_checkpoints.insert(), signed._asdict())
    conn.execute(access_tree.update().values(checkpoints=signed.number))
    conn.execute(delete(access_buckets))
    row = {"checkpoint": signed.number, "hashes": b"".join(bucket_roots)}
    conn.execute(access_buckets.insert(), row)


def _plant(conn: Connection) -> None:
    """Begin the tree where there is no entry yet; anywhere else its row was taken away.

    Whoever plants holds the tree until the commit, so what is in the log then was there before it.
    Looking first would take the entries of a process that plants meanwhile for such.
    """
    insert: Any = sqlite_insert if conn.dialect.name == "sqlite" else postgresql_insert
    plant = insert(access_tree).on_conflict_do_nothing().returning(access_tree.c.id)
    if conn.execute(plant, _tree_row(State(Edge(), 0))).first() is None:
        return
    if conn.execute(select(access_log.c.seq).limit(1)).first() is not None:
        raise IntegrityBroken


def _tree_row(state: State) -> dict[str, Any]:
    size, nodes = state.edge
    return {
        "id": TREE,
        "size": size,
        "edge": b"".join(nodes),
        "checkpoints": state.checkpoints,
    }


def row_of(logged: Logged) -> dict[str, Any]:
    """An entry as the driver takes it."""
    entry, (seq, leaf, previous_hash, hash_) = logged
    return {
        "resident_id": entry.subject.bytes,
        "seq": seq,
        "leaf": leaf,
        "at": micros(entry.at),
        "actor_kind": entry.actor_kind,
        "actor_id": entry.actor_id,
        "actor_name": entry.actor_name,
        "on_behalf_of": entry.on_behalf_of,
        "automatic": entry.automatic,
        "action": entry.action,
        "purpose": entry.purpose,
        "classes": entry.classes,
        "decision": entry.decision,
        "rule": entry.rule,
        "grant_id": None if entry.grant_id is None else entry.grant_id.bytes,
        "revision": entry.revision,
        "request_id": entry.request_id,
        "row_count": entry.row_count,
        "previous_hash": previous_hash,
        "hash": hash_,
    }
