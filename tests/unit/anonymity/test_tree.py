"""The two passes over a tree equal a textbook solution, and their variances are true."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.anonymity.tree import Floats, Tree


@st.composite
def measured_trees(draw: st.DrawFn) -> tuple[Tree, Floats, Floats]:
    """A tree in pre-order, noisy values with two columns, and precisions; all leaves measured."""
    parents = [-1]
    for _ in range(draw(st.integers(0, 14))):
        # In pre-order the next row hangs below the last one or one of its ancestors.
        way = [len(parents) - 1]
        while parents[way[-1]] >= 0:
            way.append(parents[way[-1]])
        parents.append(draw(st.sampled_from(way)))
    tree = Tree(np.array(parents))
    number = st.floats(-1e4, 1e4, allow_nan=False)
    values = [[draw(number), draw(number)] for _ in parents]
    precision = [draw(st.sampled_from([0.0, 0.01, 0.5, 3.0])) for _ in parents]
    for leaf in tree.leaves:
        precision[leaf] = draw(st.sampled_from([0.02, 0.5, 2.0]))
    return tree, np.array(values), np.array(precision)


def _leaves_below(tree: Tree) -> Floats:
    """(area, leaf): 1 where the leaf lies in the area."""
    return tree.total(np.eye(len(tree.leaves)))


@given(case=measured_trees())
@settings(deadline=None, max_examples=200)
def test_estimates_and_variances_equal_dense_least_squares(
    case: tuple[Tree, Floats, Floats],
) -> None:
    tree, values, precision = case
    below = _leaves_below(tree)
    design = below * np.sqrt(precision)[:, None]
    seen = values * np.sqrt(precision)[:, None]
    leaves = np.linalg.lstsq(design, seen, rcond=None)[0]
    covariance = np.linalg.inv(design.T @ design)
    estimates, variances = tree.fit(values, precision)
    np.testing.assert_allclose(estimates, below @ leaves, atol=1e-6)
    np.testing.assert_allclose(variances, np.diag(below @ covariance @ below.T), rtol=1e-6)


def test_a_tree_of_one_area_is_what_was_measured() -> None:
    estimates, variances = Tree(np.array([-1])).fit(np.array([5.0]), np.array([0.25]))
    assert (estimates.tolist(), variances.tolist()) == ([5.0], [4.0])


def test_sums_go_up_and_further_axes_are_carried() -> None:
    tree = Tree(np.array([-1, 0, 1, 1, 0]))
    assert tree.leaves.tolist() == [2, 3, 4]
    total = tree.total(np.array([[1, 10], [2, 20], [4, 40]]))
    assert total.tolist() == [[7, 70], [3, 30], [1, 10], [2, 20], [4, 40]]


@pytest.mark.parametrize("parents", [[-1, 0, 0], [-1, 0, 1, 2, 2, 0]])
def test_measurements_that_already_add_up_are_kept(parents: list[int]) -> None:
    tree = Tree(np.array(parents))
    values = tree.total(np.arange(1.0, 1 + len(tree.leaves)))
    estimates, _ = tree.fit(values, np.ones(len(parents)))
    np.testing.assert_allclose(estimates, values)
