"""Published tables are whole, non-negative and add up exactly in every direction."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.anonymity import noise
from service.domain.anonymity.consistency import consistent, largest_remainder, onto_simplices
from service.domain.anonymity.lattice import Lattice
from tests.city_room import People, universe


@pytest.mark.parametrize(
    ("districts", "people"), [(1, 0), (4, 0), (4, 40), (4, 3_000), (9, 200_000)]
)
def test_tables_add_up_whatever_the_size_of_the_city(districts: int, people: int) -> None:
    of = universe(districts)
    lattice = Lattice.of(of)
    measured = noise.draw(People.random(of, people).tally, of)
    tables = consistent(lattice.estimate(measured), lattice)
    participants = tables["participation"][:, :, 0]
    assert set(tables) == set(lattice.sizes)
    for counts in tables.values():
        assert counts.dtype == np.int64
        assert (counts >= 0).all()
        assert (counts.sum(axis=2) == participants).all()


def test_rounding_keeps_large_tables_within_a_few_people_of_the_estimate() -> None:
    """Where nothing is near zero, additive tables differ from the estimates by rounding only."""
    of = universe()
    lattice = Lattice.of(of)
    tally = People.random(of, 0).tally
    for counts in tally.tables.values():
        counts[:] = 60_000 // counts.shape[2]
    estimates = lattice.estimate(noise.draw(tally, of))
    tables = consistent(estimates, lattice)
    for table, estimate in estimates.items():
        assert np.abs(tables[table] - estimate).max() < 6
        assert abs(tables[table].sum() - estimate.sum()) < 6


@given(parts=st.lists(st.floats(-50, 500), min_size=1, max_size=12), total=st.integers(0, 3_000))
@settings(deadline=None)
def test_largest_remainder_keeps_the_total(parts: list[float], total: int) -> None:
    rounded = largest_remainder(np.array(parts), total)
    assert rounded.sum() == total
    assert (rounded >= 0).all()


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
