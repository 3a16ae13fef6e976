"""The closed-form least squares equals a textbook solution, and its variances are true."""

import numpy as np
import pytest

from service.domain.anonymity import noise
from service.domain.anonymity.lattice import Lattice, scale_strands
from service.domain.anonymity.noise import Measured
from tests.city_room import People, universe

TINY = Lattice(
    districts=2,
    groups=3,
    weights={"a": 0.5, "b": 0.25, "c": 0.2, "d": 0.1},
    sizes={"participation": 1, "one": 3, "two": 2},
    regions_of={"a": (True, True), "b": (False, True), "c": (True, False), "d": (False, False)},
)


def _measurements(seed: int) -> Measured:
    dice = np.random.default_rng(seed)
    return Measured(
        {
            (family, table): dice.integers(-5, 50, (1 if over_d else 2, 1 if over_g else 3, size))
            for family, (over_d, over_g) in TINY.regions_of.items()
            for table, size in TINY.sizes.items()
        }
    )


def _textbook(measured: Measured) -> dict[str, np.ndarray]:
    """One dense weighted least squares problem over all free cells of the two metrics.

    Unknowns: the cells of metric `one`, and those of `two` but its last category, which follows
    from the shared participation.
    """
    places = [(d, g) for d in range(2) for g in range(3)]
    ones = {
        (*place, code): n
        for n, (place, code) in enumerate((p, c) for p in places for c in range(3))
    }
    twos = {place: len(ones) + n for n, place in enumerate(places)}
    unknowns = len(ones) + len(twos)

    def cell(table: str, place: tuple[int, int], code: int) -> np.ndarray:
        row = np.zeros(unknowns)
        people = [ones[(*place, c)] for c in range(3)]
        if table == "one":
            row[ones[(*place, code)]] = 1
        elif table == "participation":
            row[people] = 1
        elif code == 0:
            row[twos[place]] = 1
        else:
            row[people] = 1
            row[twos[place]] -= 1
        return row

    design, seen = [], []
    for (family, table), values in measured.tables.items():
        over_d, over_g = TINY.regions_of[family]
        root = np.sqrt(TINY.weights[family])
        for d, g, code in np.ndindex(values.shape):
            covered = [p for p in places if (over_d or p[0] == d) and (over_g or p[1] == g)]
            design.append(root * sum(cell(table, place, code) for place in covered))
            seen.append(root * values[d, g, code])
    solution = np.linalg.lstsq(np.array(design), np.array(seen), rcond=None)[0]
    return {
        table: np.array(
            [
                [[cell(table, (d, g), c) @ solution for c in range(size)] for g in range(3)]
                for d in range(2)
            ]
        )
        for table, size in TINY.sizes.items()
    }


@pytest.mark.parametrize("seed", range(5))
def test_estimates_equal_dense_least_squares(seed: int) -> None:
    measured = _measurements(seed)
    expected = _textbook(measured)
    for table, estimate in TINY.estimate(measured).items():
        np.testing.assert_allclose(estimate, expected[table], atol=1e-9)


def test_categories_of_estimates_sum_to_participation() -> None:
    estimates = TINY.estimate(_measurements(1))
    people = estimates["participation"][:, :, 0]
    for estimate in estimates.values():
        np.testing.assert_allclose(estimate.sum(axis=2), people)


@pytest.mark.parametrize(
    ("districts", "groups", "codes"),
    [(1, 1, [0]), (2, 3, [1]), (1, 3, [0, 2]), (2, 1, [0, 1, 2]), (1, 2, [0])],
)
def test_variances_are_those_of_simulated_noise(
    districts: int, groups: int, codes: list[int]
) -> None:
    dice = np.random.default_rng(7)
    found = []
    for _ in range(4_000):
        noisy = {
            (family, table): dice.normal(
                0,
                weight**-0.5,
                (
                    1 if TINY.regions_of[family][0] else 2,
                    1 if TINY.regions_of[family][1] else 3,
                    size,
                ),
            )
            for family, weight in TINY.weights.items()
            for table, size in TINY.sizes.items()
        }
        estimate = TINY.estimate(Measured(noisy))["one"]
        found.append(estimate[:districts, :groups, codes].sum())
    claimed = TINY.variance("one", districts=districts, groups=groups, chosen=len(codes))
    assert np.var(found) == pytest.approx(claimed, rel=0.1)


def test_strands_put_together_are_the_table() -> None:
    table = np.random.default_rng(1).normal(size=(4, 5, 3))
    np.testing.assert_allclose(scale_strands(table, np.ones((2, 2))), table)


def test_estimates_are_unbiased_and_never_read_the_truth() -> None:
    of = universe()
    lattice = Lattice.of(of)
    tally = People.random(of, 5_000).tally
    totals = [lattice.estimate(noise.draw(tally, of))["level"][:, :, 0].sum() for _ in range(40)]
    deviation = lattice.variance("level", districts=4, groups=14) ** 0.5
    truth = tally.tables["level"][:, :, 0].sum()
    assert abs(np.mean(totals) - truth) < 4 * deviation / 40**0.5
