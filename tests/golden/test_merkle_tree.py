"""The tree of the access log against published vectors; the file names their source."""

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from service.audit.tree import (
    Edge,
    consistency,
    grow,
    inclusion,
    is_consistent,
    is_included,
    leaf_hash,
    node_hash,
)

VECTORS = json.loads((Path(__file__).parent / "data" / "merkle_tree.json").read_text("utf-8"))
LEAVES = [leaf_hash(bytes.fromhex(one)) for one in VECTORS["leaves"]]


def node_at(height: int, index: int) -> bytes:
    if height == 0:
        return LEAVES[index]
    return node_hash(node_at(height - 1, 2 * index), node_at(height - 1, 2 * index + 1))


def hashes(case: dict[str, Any]) -> list[bytes]:
    return [b64decode(one) for one in case["proof"] or ()]


@pytest.mark.parametrize("size", range(9))
def test_roots_and_edges_are_those_published(size: int) -> None:
    edge, _ = grow(Edge(), LEAVES[:size])
    assert edge.root().hex() == VECTORS["roots"][size]
    assert [node.hex() for node in edge.nodes] == VECTORS["edges"][size]


@pytest.mark.parametrize("case", VECTORS["inclusion"], ids=lambda case: case["name"])
def test_inclusion_is_judged_as_published(case: dict[str, Any]) -> None:
    index, size = case["leafIdx"], case["treeSize"]
    leaf, root = b64decode(case["leafHash"] or ""), b64decode(case["root"] or "")
    assert is_included(leaf, index, size, hashes(case), root) is not case["wantErr"]
    if not case["wantErr"] and size <= 8 and leaf == LEAVES[index]:
        assert inclusion(index, size, node_at) == hashes(case)


@pytest.mark.parametrize("case", VECTORS["consistency"], ids=lambda case: case["name"])
def test_consistency_is_judged_as_published(case: dict[str, Any]) -> None:
    first, second = case["size1"], case["size2"]
    roots = b64decode(case["root1"] or ""), b64decode(case["root2"] or "")
    assert is_consistent(first, second, *roots, hashes(case)) is not case["wantErr"]
    if not case["wantErr"] and first:
        assert consistency(first, second, node_at) == hashes(case)
