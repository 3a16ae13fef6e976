"""The noise seen from outside: whole numbers, the claimed sigma, everywhere, no pattern."""

import numpy as np
import pytest

from service.domain.anonymity import noise
from tests.city_room import People, universe

CADENCES = {"annual": 6, "communities": 8}
"""Cadence -> draws; together every kind of axis and two measured levels at once."""


class Audit:
    """What was drawn minus the truth, in standard deviations as the manifest tells them."""

    def __init__(self, cadence: str, draws: int) -> None:
        self.of = universe(6, cadence=cadence)
        self.truth = People.random(self.of, 30_000, youngest=18).tables
        self.draws = [self._residuals() for _ in range(draws)]

    def _residuals(self) -> dict[str, np.ndarray]:
        measured = noise.draw(self.truth, self.of)
        found = {}
        for table, shape in self.of.tables.items():
            budget = self.of.nano_rho(table)
            rows = np.flatnonzero(budget)
            error = measured.tables[table][rows] - noise.contrasts(self.truth[table][rows])
            assert np.issubdtype(error.dtype, np.integer)
            sigma = np.array([noise.sigma(int(one), shape.size) for one in budget[rows]])
            found[table] = error / sigma[:, None, None]
        return found

    @property
    def flat(self) -> np.ndarray:
        """(draw, cell)."""
        return np.array([np.concatenate([d.ravel() for d in one.values()]) for one in self.draws])

    @property
    def full(self) -> np.ndarray:
        """By cell, whether anybody is truly in it."""
        found = []
        for table, counts in self.truth.items():
            found.append((counts[self.of.nano_rho(table) > 0] > 0).ravel())
        return np.concatenate(found)


@pytest.fixture(scope="module", params=CADENCES)
def audit(request: pytest.FixtureRequest) -> Audit:
    return Audit(request.param, CADENCES[request.param])


def test_sigma_is_within_five_percent_of_the_claim(audit: Audit) -> None:
    drawn = audit.flat
    assert drawn.size >= 5_000
    assert np.std(drawn) == pytest.approx(1, rel=0.05)
    assert abs(np.mean(drawn)) < 5.5 / drawn.size**0.5
    for table in audit.truth:
        own = np.concatenate([one[table].ravel() for one in audit.draws])
        # Six standard errors of a standard deviation, for tables of few cells.
        assert np.std(own) == pytest.approx(1, abs=max(0.05, 6 / (2 * own.size) ** 0.5))


def test_it_is_gaussian_in_the_tails(audit: Audit) -> None:
    drawn = audit.flat.ravel()
    for reach, share in ((1, 0.3173), (2, 0.0455), (3, 0.0027)):
        margin = 6 * (share * (1 - share) / drawn.size) ** 0.5
        assert np.mean(np.abs(drawn) > reach) == pytest.approx(share, abs=margin)


def test_empty_cells_are_as_noisy_as_full_ones(audit: Audit) -> None:
    drawn, full = audit.flat, audit.full
    assert (~full).sum() > 50
    margin = 6 / (2 * drawn[:, ~full].size) ** 0.5
    assert np.std(drawn[:, ~full]) == pytest.approx(np.std(drawn[:, full]), abs=margin)
    assert np.mean(drawn[:, ~full] == 0) < 0.05


def test_nothing_repeats_between_cells_tables_or_releases(audit: Audit) -> None:
    drawn = audit.flat
    cells = drawn.shape[1]
    # Some 300 comparisons, of which one goes beyond this in a million runs.
    limit = 6 / cells**0.5
    for first in range(len(drawn)):
        for lag in (1, 2, 14, 84):
            assert abs((drawn[first, :-lag] * drawn[first, lag:]).mean()) < limit
        for second in range(first):
            assert abs((drawn[first] * drawn[second]).mean()) < limit
