"""The noise seen from outside: whole numbers, the claimed sigma, everywhere, no pattern."""

import numpy as np
import pytest

from service.domain.anonymity import noise
from service.domain.anonymity.noise import gather
from tests.city_room import People, universe

OF = universe(6)
TALLY = People.random(OF, 30_000, youngest=18).tally
DRAWS = 6
FAMILIES = {family.id: family for family in OF.specification.families}


@pytest.fixture(scope="module")
def residuals() -> dict[str, np.ndarray]:
    """Family -> (draw, cell) noise: what was measured minus the truth."""
    found: dict[str, list[np.ndarray]] = {name: [] for name in FAMILIES}
    for _ in range(DRAWS):
        measured = noise.draw(TALLY, OF)
        for name, family in FAMILIES.items():
            found[name].append(
                np.concatenate(
                    [
                        (measured.tables[name, table] - gather(counts, family)).ravel()
                        for table, counts in TALLY.tables.items()
                    ]
                )
            )
    return {name: np.array(draws) for name, draws in found.items()}


def test_noise_is_whole_numbers(residuals: dict[str, np.ndarray]) -> None:
    assert all(np.issubdtype(draws.dtype, np.integer) for draws in residuals.values())


def test_sigma_is_within_five_percent_of_the_claim(residuals: dict[str, np.ndarray]) -> None:
    claimed = np.concatenate(
        [
            draws.ravel() / noise.sigma(OF.specification.nano_rho(FAMILIES[name]))
            for name, draws in residuals.items()
        ]
    )
    assert claimed.size >= 5_000
    assert np.std(claimed) == pytest.approx(1, rel=0.05)
    assert abs(np.mean(claimed)) < 4 / claimed.size**0.5
    for name, draws in residuals.items():
        if draws.size >= 5_000:
            sigma = noise.sigma(OF.specification.nano_rho(FAMILIES[name]))
            assert np.std(draws) == pytest.approx(sigma, rel=0.05)


def test_it_is_gaussian_in_the_tails(residuals: dict[str, np.ndarray]) -> None:
    draws = residuals["district_sex_age"].ravel()
    sigma = noise.sigma(OF.specification.nano_rho(FAMILIES["district_sex_age"]))
    for reach, share, margin in ((1, 0.3173, 0.05), (2, 0.0455, 0.15), (3, 0.0027, 0.6)):
        assert np.mean(np.abs(draws) > reach * sigma) == pytest.approx(share, rel=margin)


def test_empty_cells_are_as_noisy_as_full_ones(residuals: dict[str, np.ndarray]) -> None:
    family = FAMILIES["district_sex_age"]
    truth = np.concatenate([gather(c, family).ravel() for c in TALLY.tables.values()])
    draws = residuals["district_sex_age"]
    empty, full = draws[:, truth == 0], draws[:, truth > 0]
    assert empty.shape[1] > 300
    assert np.std(empty) == pytest.approx(np.std(full), rel=0.06)
    assert np.mean(empty == 0) < 0.05


def test_nothing_repeats_between_cells_tables_or_releases(
    residuals: dict[str, np.ndarray],
) -> None:
    draws = residuals["district_sex_age"].astype(float)
    draws = (draws - draws.mean()) / draws.std()
    cells = draws.shape[1]
    limit = 4.5 / cells**0.5
    for first in range(DRAWS):
        for lag in (1, 2, 14, 84):
            assert abs((draws[first, :-lag] * draws[first, lag:]).mean()) < limit
        for second in range(first):
            assert abs((draws[first] * draws[second]).mean()) < limit
