"""The Merkle tree against the recursive definitions of RFC 9162, and against forgers."""

from hashlib import sha256

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from service.audit.tree import (
    Edge,
    consistency,
    grow,
    inclusion,
    is_consistent,
    is_included,
    leaf_hash,
    root_of,
)

SIZES = st.integers(1, 70)


def data(size: int) -> list[bytes]:
    return [number.to_bytes(2, "big") for number in range(size)]


# -- the definitions, as slow as they are written ------------------------------------------------


def split(size: int) -> int:
    return max(2**power for power in range(size.bit_length()) if 2**power < size)


def mth(entries: list[bytes]) -> bytes:
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(b"\0" + entries[0]).digest()
    k = split(len(entries))
    return sha256(b"\1" + mth(entries[:k]) + mth(entries[k:])).digest()


def path(m: int, entries: list[bytes]) -> list[bytes]:
    if len(entries) == 1:
        return []
    k = split(len(entries))
    if m < k:
        return [*path(m, entries[:k]), mth(entries[k:])]
    return [*path(m - k, entries[k:]), mth(entries[:k])]


def subproof(m: int, entries: list[bytes], whole: bool) -> list[bytes]:
    if m == len(entries):
        return [] if whole else [mth(entries)]
    k = split(len(entries))
    if m <= k:
        return [*subproof(m, entries[:k], whole), mth(entries[k:])]
    return [*subproof(m - k, entries[k:], False), mth(entries[:k])]


def node_at(height: int, index: int) -> bytes:
    return mth(
        [number.to_bytes(2, "big") for number in range(index << height, index + 1 << height)]
    )


def hashes(size: int) -> list[bytes]:
    return [leaf_hash(one) for one in data(size)]


# -- properties ----------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 40), max_size=6))
def test_growing_in_any_steps_gives_the_defined_root(steps: list[int]) -> None:
    edge, total = Edge(), 0
    for step in steps:
        edge, _ = grow(edge, hashes(total + step)[total:])
        total += step
        assert edge.size == total
        assert len(edge.nodes) == total.bit_count()
        assert edge.root() == mth(data(total))


def test_every_complete_tile_is_handed_out_once() -> None:
    edge, kept = Edge(), []
    for number in range(66_000):
        edge, nodes = grow(edge, [leaf_hash(number.to_bytes(3, "big"))])
        kept += nodes
    assert [(one.level, one.number) for one in kept if one.level == 1] == [
        (1, number) for number in range(66_000 // 256)
    ]
    assert [(one.level, one.number) for one in kept if one.level > 1] == [(2, 0)]
    lower = [one.hash for one in kept if one.level == 1][:256]
    assert next(one.hash for one in kept if one.level == 2) == root_of(lower)


@given(SIZES, st.data())
def test_an_inclusion_proof_is_the_defined_path_and_holds(size: int, draw: st.DataObject) -> None:
    index = draw.draw(st.integers(0, size - 1))
    proof = inclusion(index, size, node_at)
    assert proof == path(index, data(size))
    assert is_included(hashes(size)[index], index, size, proof, mth(data(size)))


@given(SIZES, st.data())
def test_a_consistency_proof_is_the_defined_one_and_holds(size: int, draw: st.DataObject) -> None:
    first = draw.draw(st.integers(1, size))
    proof = consistency(first, size, node_at)
    assert proof == subproof(first, data(size), True)
    assert is_consistent(first, size, mth(data(first)), mth(data(size)), proof)


@given(SIZES, st.data())
def test_an_inclusion_proof_holds_for_nothing_else(size: int, draw: st.DataObject) -> None:
    index = draw.draw(st.integers(0, size - 1))
    other = draw.draw(st.integers(0, size + 1))
    assume(other != index)
    proof, root = inclusion(index, size, node_at), mth(data(size))
    leaf = hashes(size)[index]
    assert not is_included(leaf, other, size, proof, root)
    assert not is_included(sha256(leaf).digest(), index, size, proof, root)
    assert not is_included(leaf, index, size, proof, sha256(root).digest())
    assert not is_included(leaf, index, size, [*proof, leaf], root)
    if proof:
        spoilt = draw.draw(st.integers(0, len(proof) - 1))
        changed = [sha256(n).digest() if i == spoilt else n for i, n in enumerate(proof)]
        assert not is_included(leaf, index, size, changed, root)
        assert not is_included(leaf, index, size, proof[:-1], root)


@given(SIZES, st.data())
def test_a_fork_has_no_consistency_proof(size: int, draw: st.DataObject) -> None:
    """Whoever changed an entry below the first size cannot make the old proof fit the new root."""
    first = draw.draw(st.integers(1, size))
    forged = draw.draw(st.integers(0, first - 1))
    entries = data(size)
    entries[forged] = b"forged"
    assert not is_consistent(
        first, size, mth(data(first)), mth(entries), subproof(first, entries, True)
    )


@pytest.mark.parametrize(("first", "second"), [(0, 0), (0, 4), (5, 4), (-1, 4)])
def test_trees_that_cannot_be_are_refused(first: int, second: int) -> None:
    with pytest.raises(ValueError, match="no such"):
        consistency(first, second, node_at)
    assert not is_consistent(first, second, b"", b"", [])


@pytest.mark.parametrize(("index", "size"), [(0, 0), (4, 4), (-1, 4)])
def test_leaves_that_cannot_be_are_refused(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no such"):
        inclusion(index, size, node_at)
    assert not is_included(b"", index, size, [], b"")
