"""One hash over the heads of all chains, so that no chain can be cut between two checkpoints.

Two RFC 9162 trees, one over the other: the heads of a bucket (subjects whose ids begin with the
same twelve bits) in the order of their ids, and the roots of all 4,096 buckets. A proof of one
resident's head therefore needs the heads of one bucket only, and shows nothing but hashes of them.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from uuid import UUID

from service.audit import tree
from service.audit.entry import Head

BUCKET_BITS = 12
BUCKETS = 1 << BUCKET_BITS
Chain = tuple[UUID, Head]


@dataclass(frozen=True, slots=True)
class HeadProof:
    """That a head is among those of a checkpoint: its place in its bucket, and two paths."""

    index: int
    size: int
    in_bucket: tuple[bytes, ...]
    over_buckets: tuple[bytes, ...]


def _blanks() -> list[bytes]:
    """A complete binary tree over empty buckets: the root at 1, the children of n at 2n, 2n + 1."""
    levels = [[tree.leaf_hash(tree.EMPTY)] * BUCKETS]
    while len(levels[-1]) > 1:
        node = levels[-1][0]
        levels.append([tree.node_hash(node, node)] * (len(levels[-1]) >> 1))
    return [b"", *chain.from_iterable(reversed(levels))]


_BLANKS = _blanks()


class Heads:
    """The heads as they move, for somebody who walks through the log."""

    def __init__(self) -> None:
        self._leaves: defaultdict[int, dict[bytes, bytes]] = defaultdict(dict)
        self._moved: set[int] = set()
        self._nodes = [*_BLANKS]

    def move(self, subject: UUID, head: Head) -> None:
        bucket = bucket_of(subject)
        self._leaves[bucket][subject.bytes] = _leaf(subject, head)
        self._moved.add(bucket)

    def root(self) -> bytes:
        for bucket in self._moved:
            leaves = self._leaves[bucket]
            within = tree.root_of(leaves[subject] for subject in sorted(leaves))
            self._nodes[BUCKETS + bucket] = tree.leaf_hash(within)
        self._climb(BUCKETS + bucket for bucket in self._moved)
        self._moved.clear()
        return self._nodes[1]

    def _climb(self, changed: Iterable[int]) -> None:
        nodes, level = self._nodes, set(changed)
        while level and 1 not in level:
            level = {node >> 1 for node in level}
            for node in level:
                nodes[node] = tree.node_hash(nodes[2 * node], nodes[2 * node + 1])


def bucket_of(subject: UUID) -> int:
    return subject.int >> 128 - BUCKET_BITS


def buckets(chains: Iterable[Chain]) -> list[bytes]:
    """The root of each bucket; `chains` come in the order of the subjects' ids."""
    roots = [tree.EMPTY] * BUCKETS
    for bucket, members in groupby(chains, key=lambda one: bucket_of(one[0])):
        roots[bucket] = tree.root_of(_leaves(members))
    return roots


def root(bucket_roots: Sequence[bytes]) -> bytes:
    """The hash over all heads, from the roots of their buckets."""
    return tree.root_of(map(tree.leaf_hash, bucket_roots))


def proof(subject: UUID, chains: Sequence[Chain], bucket_roots: Sequence[bytes]) -> HeadProof:
    """The proof of one head; `chains` are those of its bucket, in the order of their ids."""
    index = next(place for place, one in enumerate(chains) if one[0] == subject)
    within = tree.inclusion(index, len(chains), _reader(list(_leaves(chains))))
    over = tree.inclusion(
        bucket_of(subject), BUCKETS, _reader([tree.leaf_hash(one) for one in bucket_roots])
    )
    return HeadProof(index, len(chains), tuple(within), tuple(over))


def holds(proof_: HeadProof, subject: UUID, head: Head, heads: bytes) -> bool:
    """Whether a proof shows this head among those under a checkpoint's `heads`."""
    found = _leaf(subject, head)
    within = tree.path_root(found, proof_.index, proof_.size, proof_.in_bucket)
    if within is None:
        return False
    over = tree.leaf_hash(within)
    return tree.is_included(over, bucket_of(subject), BUCKETS, proof_.over_buckets, heads)


def _leaf(subject: UUID, head: Head) -> bytes:
    return tree.leaf_hash(subject.bytes + head.seq.to_bytes(8, "big") + head.hash)


def _leaves(chains: Iterable[Chain]) -> Iterator[bytes]:
    return (_leaf(subject, head) for subject, head in chains)


def _reader(leaves: Sequence[bytes]) -> tree.NodeAt:
    def node_at(height: int, index: int) -> bytes:
        return tree.root_of(leaves[index << height : index + 1 << height])

    return node_at
