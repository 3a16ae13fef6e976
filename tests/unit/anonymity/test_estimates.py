"""Contrasts against shared participants: unbiased, and as precise as the manifest makes believe."""

from dataclasses import replace

import numpy as np
import pytest

from service.domain.anonymity import noise
from service.domain.anonymity.cells import Universe
from service.domain.anonymity.estimates import Precision
from service.domain.anonymity.noise import Measured
from service.domain.anonymity.specification import current
from tests.city_room import People, universe

CADENCES = ("monthly", "quarterly", "communities", "annual")


@pytest.mark.parametrize("cadence", CADENCES)
def test_without_noise_estimates_are_the_counts(cadence: str) -> None:
    of = universe(cadence=cadence)
    tables = People.random(of, 3_000).tables
    measured = {}
    for table, counts in tables.items():
        shown = of.nano_rho(table) > 0
        measured[table] = noise.contrasts(counts) * shown[:, None, None]
    for table, estimate in Precision.of(of).estimate(Measured(measured)).items():
        np.testing.assert_allclose(estimate, tables[table], atol=1e-8)


@pytest.mark.parametrize("cadence", CADENCES)
def test_categories_of_estimates_sum_to_participation(cadence: str) -> None:
    of = universe(cadence=cadence)
    estimates = Precision.of(of).estimate(noise.draw(People.random(of, 500).tables, of))
    people = estimates["participation"][..., 0]
    for estimate in estimates.values():
        np.testing.assert_allclose(estimate.sum(axis=-1), people[: len(estimate)], atol=1e-9)


FEW = replace(current(), metrics=current().metrics[:3])
"""Three metrics are enough to see the noise by, and are drawn in a fraction of the time."""
DRAWS = {"communities": 800, "annual": 250}
"""Few cells are measured by community. Means of ratios then have a standard deviation of 0.014 or
less, and the worst ratio lies seven of its own below the bound."""


def _residuals(of: Universe, draws: int) -> dict[str, np.ndarray]:
    """Table -> (draw, area, group, category) error of the estimates."""
    tables = People.random(of, 2_000).tables
    precision = Precision.of(of)
    runs = [precision.estimate(noise.draw(tables, of)) for _ in range(draws)]
    return {t: np.array([run[t] - tables[t] for run in runs]) for t in tables}


@pytest.mark.parametrize("cadence", DRAWS)
def test_variances_are_those_of_drawn_noise(cadence: str) -> None:
    of = universe(2, FEW, cadence=cadence)
    precision, draws = Precision.of(of), DRAWS[cadence]
    ratios = []
    for table, errors in _residuals(of, draws).items():
        claimed = precision.variance(table)[None, :, None, None]
        ratios.append((errors**2 / claimed).mean(axis=(0, 2, 3)))
        people = precision.variance("participation")[: errors.shape[1]]
        size = errors.shape[-1]
        both = precision.covariance(table, first=2, second=2, both=2) if size > 2 else people
        pairs = errors[..., :2].sum(axis=-1) if size > 2 else errors.sum(axis=-1)
        ratios.append((pairs**2 / both[None, :, None]).mean(axis=(0, 2)))
    found = np.concatenate(ratios)
    assert found.mean() == pytest.approx(1, abs=0.09)
    # The worst of some hundred ratios, each over a few hundred draws or more.
    assert np.abs(found - 1).max() < 0.35


def test_covariances_of_overlapping_sums_are_those_of_drawn_noise() -> None:
    """A category more or less in common is ten standard errors and more; six are allowed."""
    draws = 2_500
    of = universe(1, replace(FEW, metrics=FEW.metrics[:1]), cadence="monthly")
    errors = _residuals(of, draws)["level"][:, 0, 0, :]
    precision = Precision.of(of)
    for first, second, both in ((2, 5, 2), (2, 5, 1), (2, 4, 0), (3, 3, 0), (1, 5, 0)):
        start = first - both
        sums = errors[:, :first].sum(axis=1), errors[:, start : start + second].sum(axis=1)
        claimed = precision.covariance("level", first=first, second=second, both=both)[0]
        product = precision.variance("level", first)[0] * precision.variance("level", second)[0]
        off = np.cov(*sums)[0, 1] - claimed
        assert abs(off) < 6 * np.sqrt((product + claimed**2) / draws)
