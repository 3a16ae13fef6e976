"""Published tables are whole, non-negative and add up exactly in every direction."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.anonymity import noise
from service.domain.anonymity.consistency import (
    consistent,
    fit_table,
    largest_remainder,
    onto_simplices,
    round_rows,
)
from service.domain.anonymity.estimates import Precision
from service.domain.anonymity.tree import Counts, Floats, Tree
from tests.city_room import People, universe

CADENCES = ("monthly", "quarterly", "communities", "annual")


@pytest.mark.parametrize("cadence", CADENCES)
@pytest.mark.parametrize(
    ("districts", "people"), [(1, 0), (4, 0), (4, 40), (4, 3_000), (9, 200_000)]
)
def test_tables_add_up_whatever_the_size_of_the_city(
    districts: int, people: int, cadence: str
) -> None:
    of = universe(districts, cadence=cadence)
    measured = noise.draw(People.random(of, people).tables, of)
    tables = consistent(Precision.of(of).estimate(measured), of.tables)
    participants = tables["participation"][..., 0]
    assert list(tables) == list(of.tables)
    for table, counts in tables.items():
        tree = of.tables[table].tree
        assert counts.dtype == np.int64
        assert (counts >= 0).all()
        assert (counts.sum(axis=-1) == participants[: len(counts)]).all()
        assert (tree.total(counts[tree.leaves]) == counts).all()


def test_rounding_keeps_large_tables_within_a_few_people_of_the_estimate() -> None:
    """Where nothing is near zero, additive tables differ from the estimates by rounding only."""
    of = universe(cadence="communities")
    tables = People.random(of, 0).tables
    for table, counts in tables.items():
        tree = of.tables[table].tree
        leaves = np.full((len(tree.leaves), *counts.shape[1:]), 90_000 // counts.shape[-1])
        counts[:] = tree.total(leaves)
    estimates = Precision.of(of).estimate(noise.draw(tables, of))
    whole = consistent(estimates, of.tables)
    for table, estimate in estimates.items():
        assert np.abs(whole[table] - estimate).max() < 6


@st.composite
def forests(draw: st.DrawFn) -> tuple[Floats, Counts, Tree]:
    """Estimates of one parent and its children by category, with whole participants."""
    children, size = draw(st.integers(1, 6)), draw(st.integers(2, 5))
    people = draw(st.lists(st.integers(0, 500), min_size=children, max_size=children))
    number = st.floats(-200, 700, allow_nan=False)
    rows = children + 1
    cells = draw(st.lists(number, min_size=rows * size, max_size=rows * size))
    sums = np.array([sum(people), *people])[:, None]
    tree = Tree(np.array([-1] + [0] * children))
    return np.array(cells).reshape(rows, 1, size), sums, tree


@given(forest=forests())
@settings(deadline=None)
def test_a_fit_keeps_both_margins_and_is_the_nearest(forest: tuple[Floats, Counts, Tree]) -> None:
    table, sums, tree = forest
    fitted = fit_table(table, sums, tree)
    assert (fitted >= 0).all()
    np.testing.assert_allclose(fitted.sum(axis=-1), sums, atol=1e-6)
    children = fitted[1:, 0]
    np.testing.assert_allclose(children.sum(axis=0), fitted[0, 0], atol=len(children) * 0.05 + 0.05)
    # Variational inequality against tables with the same margins: moves of one person in a square.
    moves = [
        (a, b, c, d)
        for a in range(len(children))
        for b in range(len(children))
        for c in range(table.shape[-1])
        for d in range(table.shape[-1])
        if a < b and c != d and children[a, c] >= 1 and children[b, d] >= 1
    ]
    for a, b, c, d in moves[:20]:
        other = children.copy()
        other[a, c] -= 1
        other[a, d] += 1
        other[b, d] -= 1
        other[b, c] += 1
        inner = ((table[1:, 0] - children) * (other - children)).sum()
        assert inner < 1


@given(forest=forests())
@settings(deadline=None)
def test_rounding_is_controlled(forest: tuple[Floats, Counts, Tree]) -> None:
    """No cell moves by two, and no column sum by more than two."""
    table, sums, tree = forest
    fitted = fit_table(table, sums, tree)[1:]
    rounded = round_rows(fitted, sums[1:])
    assert (rounded >= 0).all()
    assert (rounded.sum(axis=-1) == sums[1:]).all()
    assert np.abs(rounded - fitted).max() <= 2.5
    assert np.abs(rounded.sum(axis=0) - fitted.sum(axis=0)).max() < 2


@given(parts=st.lists(st.floats(-50, 500), min_size=1, max_size=12), total=st.integers(0, 3_000))
@settings(deadline=None)
def test_largest_remainder_keeps_the_total(parts: list[float], total: int) -> None:
    fitted = onto_simplices(np.array([parts]), np.array([total]))
    rounded = largest_remainder(fitted, np.array([total]))
    assert rounded.sum() == total
    assert (rounded >= 0).all()
    assert np.abs(rounded - fitted).max() < 1 + 1e-6


@given(
    rows=st.lists(st.lists(st.floats(-100, 100), min_size=4, max_size=4), min_size=1, max_size=5),
    total=st.integers(0, 200),
)
@settings(deadline=None)
def test_projection_onto_simplices_is_the_nearest_point(
    rows: list[list[float]], total: int
) -> None:
    table = np.array(rows)
    projected = onto_simplices(table, np.full(len(rows), total))
    np.testing.assert_allclose(projected.sum(axis=1), total, atol=1e-6)
    assert (projected >= 0).all()
    # Variational inequality: no corner of the simplex lies on the target's side.
    for row, point in zip(table, projected, strict=True):
        for corner in total * np.eye(4):
            assert (row - point) @ (corner - point) < 1e-6 * (1 + total * 300)
