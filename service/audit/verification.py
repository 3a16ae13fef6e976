"""Proving that the access log is as it was written.

Two walks. The first follows every resident's chain and recomputes every hash; it names any entry
that was edited, moved or taken out of a chain. The second follows the tree from its first leaf to
its last and recomputes all that is kept about the whole: nodes, roots, heads, checkpoints. It finds
what was rewritten with all its hashes, as far as a checkpoint signed before tells; checkpoints that
somebody kept elsewhere are held against the log in the same walk.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection

from service.audit import checkpoint, heads, store
from service.audit.checkpoint import Checkpoint, Forged
from service.audit.entry import Head, Logged, canonical, link, micros
from service.audit.heads import Heads
from service.audit.store import Leaf
from service.audit.tree import Edge, Node, grow, leaf_hash
from service.kit.guard import Crossing, dangerously_without_permit

Keys = Mapping[str, Ed25519PublicKey]
_UNREADABLE = (ValueError, TypeError, OverflowError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """The first thing that is not as it was written.

    An entry is named by `subject` and `seq` where its chain still tells them, and by its place in
    the tree otherwise: it is `leaf`, or where only a checkpoint knows, one from `leaf` to `until`.
    """

    why: str
    subject: UUID | None = None
    seq: int | None = None
    leaf: int | None = None
    until: int | None = None
    checkpoint: int | None = None


class _Found(Exception):
    def __init__(self, breach: Breach) -> None:
        super().__init__(breach.why)
        self.breach = breach


def verify(conn: Connection, keys: Keys, copies: Iterable[str] = ()) -> Breach | None:
    """Recompute everything; the first breach, or None when all is as it was written.

    `keys` are all that ever signed checkpoints, by kid. `copies` are texts of checkpoints from
    elsewhere. A log cut or rewritten behind its last checkpoint and the last copy, with everything
    that depends on it, cannot be told from an honest one. Read it `at_one_moment`.
    """
    try:
        with dangerously_without_permit(conn, Crossing.VERIFICATION):
            _follow_chains(conn)
            _follow_tree(conn, keys, list(copies))
    except _Found as found:
        return found.breach
    except _UNREADABLE:
        return Breach(why="a row of what is kept about the whole cannot be read")
    return None


# -- chains --------------------------------------------------------------------------------------


def _follow_chains(conn: Connection) -> None:
    ends = store.ends(conn)
    for subject, rows in groupby(store.every_row(conn), key=lambda row: bytes(row.resident_id)):
        reached, leaf = Head(), -1
        for row in rows:
            one = _read(row)
            _check(one, reached, leaf)
            reached, leaf = Head(one.link.seq, one.link.hash), one.link.leaf
        _end(subject, reached, ends.pop(subject, Head()))
    for subject, end in ends.items():
        _end(subject, Head(), end)
        # As if it had just begun: nobody writes that, and the next checkpoint would count it.
        raise _Found(Breach(why="the end of a chain that has no entry", subject=_id(subject)))


def _read(row: Any) -> Logged:
    try:
        one = store.logged_of(row)
        canonical(one.entry, one.link.seq, one.link.leaf)
    except _UNREADABLE as odd:
        why = "this entry cannot be read"
        subject = _id(bytes(row.resident_id))
        raise _Found(Breach(why=why, subject=subject, seq=row.seq, leaf=row.leaf)) from odd
    return one


def _check(one: Logged, before: Head, leaf: int) -> None:
    expected = link(one.entry, before, one.link.leaf)
    if one.link.seq != expected.seq:
        why = "an entry is missing here"
    elif one.link.previous_hash != expected.previous_hash:
        why = "this entry does not follow the one before it"
    elif one.link.hash != expected.hash:
        why = "this entry was changed"
    elif one.link.leaf <= leaf:
        why = "this entry stands before the one it follows"
    else:
        return
    raise _Found(Breach(why=why, subject=one.entry.subject, seq=expected.seq, leaf=one.link.leaf))


def _end(subject: bytes, reached: Head, end: Head) -> None:
    if end.seq > reached.seq:
        why, seq = "the chain was cut after the entry before", reached.seq + 1
    elif end != reached:
        why, seq = "the end of the chain is not this entry", reached.seq
    else:
        return
    raise _Found(Breach(why=why, subject=_id(subject), seq=seq))


def _id(subject: bytes) -> UUID | None:
    return UUID(bytes=subject) if len(subject) == 16 else None


# -- the tree ------------------------------------------------------------------------------------


def _follow_tree(conn: Connection, keys: Keys, copies: Sequence[str]) -> None:
    signed = store.every_checkpoint(conn)
    waiting = [*_chained(signed, keys), *(_genuine(text, keys) for text in copies)]
    waiting.sort(key=lambda one: one.size)
    walk = _Walk(store.every_node(conn), waiting)
    for leaf in store.every_leaf(conn):
        walk.step(leaf)
    walk.end()
    _match_state(conn, walk.edge, len(signed))
    _match_buckets(conn, signed, keys)
    if store.spare_rows(conn, signed[-1].number if signed else None):
        raise _Found(Breach(why="somebody added a row to what is kept about the whole"))


class _Walk:
    """From leaf to leaf, with what must be true wherever a checkpoint was made."""

    def __init__(self, nodes: Iterator[Node], waiting: Sequence[Checkpoint]) -> None:
        self.edge = Edge()
        self._heads = Heads()
        self._nodes = {(one.level, one.number): one.hash for one in nodes}
        self._waiting = list(reversed(waiting))
        self._proven = 0
        self._judge()

    def step(self, one: Leaf) -> None:
        if one.leaf != self.edge.size:
            raise _Found(Breach(why="an entry is missing here", leaf=self.edge.size))
        self.edge, completed = grow(self.edge, [leaf_hash(one.hash)])
        self._heads.move(one.subject, Head(one.seq, one.hash))
        for node in completed:
            if self._nodes.pop((node.level, node.number), None) != node.hash:
                raise _Found(Breach(why="a kept node of the tree is not this one", leaf=one.leaf))
        if self._waiting and self._waiting[-1].size == self.edge.size:
            self._judge()

    def end(self) -> None:
        if self._waiting:
            cut = self._waiting[-1]
            raise _Found(
                Breach(
                    why="the log was cut: a checkpoint knows of an entry here",
                    leaf=self.edge.size,
                    until=cut.size - 1,
                    checkpoint=cut.number,
                )
            )
        for level, number in sorted(self._nodes):
            first = number << 8 * level
            raise _Found(Breach(why="a kept node of the tree has no entries", leaf=first))

    def _judge(self) -> None:
        while self._waiting and self._waiting[-1].size == self.edge.size:
            one = self._waiting.pop()
            if (one.root, one.heads) != (self.edge.root(), self._heads.root()):
                raise _Found(
                    Breach(
                        why="the log is not the one this checkpoint was made of",
                        leaf=self._proven,
                        until=one.size - 1,
                        checkpoint=one.number,
                    )
                )
        self._proven = self.edge.size


def _match_state(conn: Connection, edge: Edge, checkpoints: int) -> None:
    state = store.tree(conn)
    if state is None:
        if edge.size or checkpoints:
            raise _Found(Breach(why="the state of the tree is missing"))
        return
    kept = state.edge
    if kept.size > edge.size:
        raise _Found(
            Breach(
                why="the log was cut after the entry before", leaf=edge.size, until=kept.size - 1
            )
        )
    if kept != edge:
        raise _Found(Breach(why="the state of the tree is not that after this", leaf=edge.size - 1))
    if state.checkpoints != checkpoints:
        raise _Found(Breach(why="a checkpoint is missing here", checkpoint=checkpoints + 1))


def _match_buckets(conn: Connection, signed: Sequence[Any], keys: Keys) -> None:
    if not signed:
        return
    last = checkpoint.read(signed[-1].text, keys)
    roots = store.bucket_roots(conn, last.number)
    if roots is None or heads.root(roots) != last.heads:
        raise _Found(
            Breach(why="the hashes kept for proofs are not of this", checkpoint=last.number)
        )


# -- checkpoints ---------------------------------------------------------------------------------


def _chained(signed: Sequence[Any], keys: Keys) -> Iterator[Checkpoint]:
    previous, size = checkpoint.FIRST, 0
    for number, one in enumerate(signed, 1):
        if one.number != number:
            raise _Found(Breach(why="a checkpoint is missing here", checkpoint=number))
        made = _genuine(one.text, keys, number)
        if (made.number, made.size, micros(made.at)) != (one.number, one.size, one.at):
            raise _Found(Breach(why="this checkpoint was changed", checkpoint=number))
        if made.previous != previous or made.size < size:
            why = "this checkpoint does not follow the one before it"
            raise _Found(Breach(why=why, checkpoint=number))
        previous, size = checkpoint.digest(one.text), made.size
        yield made


def _genuine(text: str, keys: Keys, number: int | None = None) -> Checkpoint:
    try:
        return checkpoint.read(text, keys)
    except Forged as odd:
        raise _Found(Breach(why=f"a checkpoint is not genuine: {odd}", checkpoint=number)) from odd
