"""The Merkle tree of RFC 9162 (Certificate Transparency 2.0), section 2.1: pure, over SHA-256.

A tree is written right to left in two forms. Its `Edge` holds the complete subtrees under the right
edge, largest first, one for each set bit of the size: enough to append and to tell the root, in
O(log n). A `Node` reader gives the hash of any complete subtree: enough for every proof.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import NamedTuple

NodeAt = Callable[[int, int], bytes]
"""The hash of the complete subtree of 2**height leaves that is the index-th of its height."""
HASH_BYTES = 32
EMPTY = sha256(b"").digest()
"""The root of the tree without leaves."""
TILE_HEIGHT = 8
"""Of the inner nodes, those at every eighth height are kept; 255 hashes give any other."""


class Node(NamedTuple):
    """A complete subtree of 256**level leaves, the number-th of its level from the left."""

    level: int
    number: int
    hash: bytes


class Edge(NamedTuple):
    """A tree by its right edge; `Edge()` has no leaves."""

    size: int = 0
    nodes: tuple[bytes, ...] = ()

    def root(self) -> bytes:
        """The Merkle tree hash (2.1.1)."""
        if not self.nodes:
            return EMPTY
        root = self.nodes[-1]
        for node in reversed(self.nodes[:-1]):
            root = node_hash(node, root)
        return root


def leaf_hash(entry: bytes) -> bytes:
    return sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()


def grow(edge: Edge, leaves: Iterable[bytes]) -> tuple[Edge, list[Node]]:
    """The tree with more leaf hashes, and the nodes to keep that were completed by them."""
    size, nodes, kept = edge.size, list(edge.nodes), []
    for leaf in leaves:
        node, height, index = leaf, 0, size
        while index & 1:
            node, height, index = node_hash(nodes.pop(), node), height + 1, index >> 1
            if height % TILE_HEIGHT == 0:
                kept.append(Node(height // TILE_HEIGHT, index, node))
        nodes.append(node)
        size += 1
    return Edge(size, tuple(nodes)), kept


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root over leaf hashes."""
    return grow(Edge(), leaves)[0].root()


def inclusion(index: int, size: int, node_at: NodeAt) -> list[bytes]:
    """PATH (2.1.3.1): that leaf `index` is in the tree of `size` leaves, leaf to root."""
    if not 0 <= index < size:
        raise ValueError("no such leaf")
    path, start, end = [], 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_span(node_at, middle, end))
            end = middle
        else:
            path.append(_span(node_at, start, middle))
            start = middle
    return path[::-1]


def consistency(first: int, second: int, node_at: NodeAt) -> list[bytes]:
    """PROOF (2.1.4.1): that the tree of `first` leaves is the beginning of that of `second`."""
    if not 0 < first <= second:
        raise ValueError("no such trees")
    path, start, end, whole = [], 0, second, True
    while first != end:
        middle = start + _split(end - start)
        if first <= middle:
            path.append(_span(node_at, middle, end))
            end = middle
        else:
            path.append(_span(node_at, start, middle))
            start, whole = middle, False
    if not whole:
        path.append(_span(node_at, start, end))
    return path[::-1]


def path_root(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root to which a path leads from a leaf hash (2.1.3.2); None when its length is wrong."""
    if not 0 <= index < size or len(leaf) != HASH_BYTES:
        return None
    at, last, found = index, size - 1, leaf
    for node in path:
        if last == 0:
            return None
        if at & 1 or at == last:
            found = node_hash(node, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, node)
        at, last = at >> 1, last >> 1
    return found if last == 0 else None


def is_included(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether a path proves the leaf hash in the tree of this root."""
    return path_root(leaf, index, size, path) == root


def is_consistent(
    first: int, second: int, first_root: bytes, second_root: bytes, path: Sequence[bytes]
) -> bool:
    """Whether a path proves that one tree is the beginning of the other (2.1.4.2).

    Every tree begins with the empty one, so a first size of 0 proves nothing and is refused.
    """
    if not 0 < first <= second:
        return False
    if first == second:
        return not path and first_root == second_root
    # A first tree that is complete is itself the node the proof begins with.
    steps = [first_root, *path] if first & (first - 1) == 0 else list(path)
    if not steps:
        return False
    at, last = first - 1, second - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = steps[0]
    for node in steps[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old, new = node_hash(node, old), node_hash(node, new)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            new = node_hash(new, node)
        at, last = at >> 1, last >> 1
    return last == 0 and old == first_root and new == second_root


def _split(size: int) -> int:
    """The largest power of two smaller than `size`."""
    return 1 << (size - 1).bit_length() - 1


def _span(node_at: NodeAt, start: int, end: int) -> bytes:
    """The hash over the leaves from `start` to before `end`, as the tree divides them."""
    size = end - start
    if size & (size - 1) == 0:
        height = size.bit_length() - 1
        return node_at(height, start >> height)
    middle = start + _split(size)
    return node_hash(_span(node_at, start, middle), _span(node_at, middle, end))
