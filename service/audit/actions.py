"""Adding to the access log, reading it, and saying from time to time what it was.

What `append` is given is written in the transaction of the look itself: when an entry cannot be
kept, the look is rolled back too, and what was read never leaves. Denied attempts are entries as
well.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from service.audit import additions, checkpoint, heads, store, tree
from service.audit.checkpoint import Checkpoint
from service.audit.entry import START, Entry, Head, Logged, link
from service.audit.heads import HeadProof
from service.audit.store import Signed, State
from service.kit.groups import together
from service.kit.guard import keeping_the_log


@dataclass(frozen=True, slots=True)
class Survey:
    """What a checkpoint will say, read at one moment."""

    after: Signed | None
    size: int
    root: bytes
    bucket_roots: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Proof:
    """That a resident's entries up to `last` are in a checkpoint, and that it knows no more."""

    checkpoint: str
    last: Logged
    inclusion: Sequence[bytes]
    head: HeadProof


def append(conn: Connection, entries: Sequence[Entry]) -> None:
    """Keep entries, whatever number of subjects, with all others of the group before its commit."""
    if entries:
        together(conn, _keep, entries)


def page(
    conn: Connection, subject: UUID, *, before: int | None = None, limit: int = 50
) -> list[Logged]:
    """A resident's entries, newest first; `before` is the last `link.seq` of the page before."""
    return store.of_subject(conn, subject, before=before, limit=limit)


def survey(conn: Connection) -> Survey | None:
    """What the next checkpoint has to say; None while nothing was added since the last one."""
    state, last = store.tree(conn), store.last_checkpoint(conn)
    if state is None or state.edge.size == (0 if last is None else last.size):
        return None
    return Survey(last, state.edge.size, state.edge.root(), heads.buckets(store.every_head(conn)))


def seal_off(
    conn: Connection,
    seen: Survey,
    *,
    kid: str,
    key: Ed25519PrivateKey,
    issuer: str,
    now: datetime,
) -> Signed | None:
    """Sign a checkpoint of what was seen; None when another process was quicker."""
    number = 1 if seen.after is None else seen.after.number + 1
    # Under the lock of the tree, so that two processes cannot both be the next.
    if additions.lock_tree(conn).checkpoints != number - 1:
        return None
    made = Checkpoint(
        number=number,
        size=seen.size,
        root=seen.root,
        heads=heads.root(seen.bucket_roots),
        previous=checkpoint.FIRST if seen.after is None else checkpoint.digest(seen.after.text),
        # A JWS tells whole seconds.
        at=now.replace(microsecond=0),
    )
    text = checkpoint.sign(made, kid=kid, key=key, issuer=issuer)
    signed = Signed(number, seen.size, made.at, text)
    additions.add_checkpoint(conn, signed, seen.bucket_roots)
    return signed


def newest(conn: Connection) -> Signed | None:
    """The last checkpoint; None before the first."""
    return store.last_checkpoint(conn)


def proof(conn: Connection, subject: UUID) -> Proof | None:
    """The newest proof about a resident; None when no checkpoint knows of an entry yet."""
    with keeping_the_log(conn):
        return _proof(conn, subject)


def _proof(conn: Connection, subject: UUID) -> Proof | None:
    newest = store.proving(conn)
    if newest is None:
        return None
    signed, roots = newest
    chains = store.bucket_at(conn, subject, signed.size)
    head = dict(chains).get(subject)
    if head is None:
        return None
    (last,) = store.of_subject(conn, subject, before=head.seq + 1, limit=1)
    path = tree.inclusion(last.link.leaf, signed.size, store.Nodes(conn))
    return Proof(signed.text, last, path, heads.proof(subject, chains, roots))


def consistency(conn: Connection, first: int, second: int) -> list[bytes]:
    """That the tree of `first` entries is the beginning of that of `second`, both of the past."""
    with keeping_the_log(conn):
        return tree.consistency(first, second, store.Nodes(conn))


def _keep(conn: Connection, entries: Iterable[Entry]) -> None:
    entries = list(entries)
    subjects = [entry.subject.bytes for entry in entries]
    state, reached = additions.locked(conn, set(subjects))
    logged = []
    for leaf, (entry, subject) in enumerate(zip(entries, subjects, strict=True), state.edge.size):
        placed = link(entry, reached.get(subject, START), leaf)
        reached[subject] = Head(placed.seq, placed.hash)
        logged.append(Logged(entry, placed))
    edge, nodes = tree.grow(state.edge, [tree.leaf_hash(one.link.hash) for one in logged])
    additions.add(conn, logged, reached, State(edge, state.checkpoints), nodes)
