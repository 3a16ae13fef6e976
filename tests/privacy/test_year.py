"""A whole year of releases against one resident: took part, moved, fell ill?

Bugs it would catch: less noise than the manifest says, noise that is drawn once and used again in
the next release, cadences that together cost more than the year, a mover who is more visible than
two residents.
"""

from typing import NamedTuple

import numpy as np
import pytest

from service.domain.anonymity import noise, zcdp
from service.domain.anonymity.cells import Universe
from service.domain.anonymity.specification import NANO, current
from tests.city_room import People, counted, universe
from tests.privacy import naive_publisher
from tests.privacy.target import (
    Draw,
    Spot,
    epsilon_at_least,
    information,
    scores,
    seen,
    spots,
)

SPEC = current()
CADENCES = [cadence.id for cadence in SPEC.cadences]
PEOPLE = People.random(universe(2), 60_000, seed=5).batch
TARGET = int(np.flatnonzero(PEOPLE["region"] == b"990101001001")[0])
TRIALS = 214
"""Years drawn of each world; 19 releases a year, some 90 cells of the target in each."""
CERTAIN = 5.5
"""Standard errors that a draw of real noise keeps within, but once in fifty million runs."""


class Year(NamedTuple):
    """Log-likelihood ratios with the target and without, over all releases of a year."""

    present: np.ndarray
    absent: np.ndarray
    distance: float

    @property
    def rate(self) -> float:
        """How often the attacker is right."""
        return float(((self.present > 0).sum() + (self.absent <= 0).sum()) / (2 * TRIALS))

    @property
    def proved(self) -> float:
        """The largest epsilon that any threshold proves."""
        cuts = np.quantile(np.concatenate([self.present, self.absent]), np.linspace(0.05, 0.95, 9))
        return max(
            epsilon_at_least(
                int((self.present > cut).sum()),
                int((self.absent > cut).sum()),
                TRIALS,
                SPEC.budget.delta,
            )
            for cut in cuts
        )


def _worlds(cadence: str) -> tuple[Universe, list[Spot]]:
    of = universe(2, cadence=cadence)
    with_target, without = counted([PEOPLE], of), counted([np.delete(PEOPLE, TARGET)], of)
    return of, list(spots(of, with_target.of(of), without.of(of)))


def _year(draw: Draw) -> Year:
    sums = {True: np.zeros(TRIALS), False: np.zeros(TRIALS)}
    distance = 0.0
    for cadence in SPEC.cadences:
        _, found = _worlds(cadence.id)
        distance += information(found) * cadence.times
        for is_here in sums:
            sums[is_here] += scores(
                draw, found, is_here=is_here, trials=TRIALS, releases=cadence.times
            )
    return Year(sums[True], sums[False], distance)


@pytest.fixture(scope="module")
def year() -> Year:
    return _year(noise.draw)


def test_a_year_of_a_naive_publisher_proves_who_took_part() -> None:
    found = _year(naive_publisher.draw)
    assert found.rate == 1
    assert found.proved > 3


def test_a_year_of_releases_leaves_the_attacker_guessing(year: Year) -> None:
    """53.4 % at most; the margin is 5.5 standard errors of the trials."""
    claimed = zcdp.best_guess(SPEC.budget.year_nano_rho / NANO)
    assert claimed == pytest.approx(0.534, abs=0.001)
    margin = CERTAIN * (0.25 / (2 * TRIALS)) ** 0.5
    assert 0.5 - margin < year.rate < claimed + margin


def test_no_threshold_proves_more_than_the_claimed_epsilon(year: Year) -> None:
    claimed = zcdp.epsilon_of(SPEC.budget.year_nano_rho / NANO, SPEC.budget.delta)
    assert year.proved < claimed <= 1.0001


def test_what_a_year_tells_of_a_resident_is_the_rho_that_was_charged(year: Year) -> None:
    """The score of a world is Gaussian with the worlds' squared distance as its variance.

    Sharper than counting right guesses: a quarter less noise than charged for would show.
    """
    charged = 2 * SPEC.year_nano_rho / NANO
    assert year.distance == pytest.approx(charged, rel=1e-3)
    assert year.distance <= charged
    centred = np.concatenate([year.present - year.distance / 2, year.absent + year.distance / 2])
    spread = float((centred**2).mean()) / year.distance
    assert spread == pytest.approx(1, abs=CERTAIN * (2 / centred.size) ** 0.5)


def _tells_level(draw: Draw, cadence: str, trials: int) -> float:
    """How often the difference of the releases before and after a leaver tells their level."""
    _, found = _worlds(cadence)
    rows = [spot for spot in found if spot.table == "level"]
    fallen = sum(
        (seen(draw, s, is_here=True, times=trials) - seen(draw, s, is_here=False, times=trials))
        * s.precision
        for s in rows
    )
    known = int(PEOPLE["codes"][TARGET, 0])
    return float((np.argmax(fallen, axis=-1) == known).mean())


@pytest.mark.parametrize("cadence", CADENCES)
def test_the_difference_around_a_leaver_tells_no_level(cadence: str) -> None:
    """One in six by chance. The bound is the total variation of two releases' whole budget."""
    assert _tells_level(naive_publisher.draw, cadence, 2) == 1
    trials = 3_600
    rho = 2 * SPEC.release_nano_rho(SPEC.cadence(cadence)) / NANO
    bound = 1 / 6 + 2 * zcdp.best_guess(rho) - 1
    assert _tells_level(noise.draw, cadence, trials) < bound + CERTAIN * (5 / 36 / trials) ** 0.5


def _tells_move(draw: Draw, cadence: str, trials: int) -> float:
    """How often the release after a move tells it from a stay; the one before says nothing."""
    of = universe(2, cadence=cadence)
    moved = PEOPLE.copy()
    moved["region"][TARGET] = b"990102001001"
    found = list(spots(of, counted([moved], of).of(of), counted([PEOPLE], of).of(of)))
    # A move is a leaver and a newcomer of another division: two residents' worth, not more.
    assert information(found) <= 2 * 2 * SPEC.release_nano_rho(of.cadence) / NANO
    went = scores(draw, found, is_here=True, trials=trials)
    stayed = scores(draw, found, is_here=False, trials=trials)
    return float(((went > 0).sum() + (stayed <= 0).sum()) / (2 * trials))


@pytest.mark.parametrize("cadence", CADENCES)
def test_the_difference_around_a_mover_hides_the_move(cadence: str) -> None:
    assert _tells_move(naive_publisher.draw, cadence, 2) == 1
    trials = 300
    claimed = zcdp.best_guess(2 * 2 * SPEC.release_nano_rho(SPEC.cadence(cadence)) / NANO)
    assert _tells_move(noise.draw, cadence, trials) < claimed + CERTAIN * (0.125 / trials) ** 0.5


def _averaged(draw: Draw, trials: int) -> tuple[np.ndarray, float]:
    """Errors of the best average of a year's looks at one contrast, and its standard deviation.

    The attacker even knows that nobody else lives around: the target's own row is all there is.
    """
    weighted, weights = np.zeros(trials), 0.0
    for cadence in SPEC.cadences:
        _, found = _worlds(cadence.id)
        for spot in (s for s in found if s.table == "level"):
            truth = noise.contrasts(spot.here)[0]
            shown = seen(draw, spot, is_here=True, times=trials * cadence.times)[:, 0]
            looks = (shown - truth).reshape(trials, cadence.times)
            weighted += looks.sum(axis=-1) * spot.precision
            weights += cadence.times * spot.precision
    return weighted / weights, weights**-0.5


def test_averaging_a_year_of_releases_stays_above_the_noise_of_its_rho() -> None:
    """Twelve months, four quarters and both annual tables at one unchanged number."""
    plain, _ = _averaged(naive_publisher.draw, 1)
    assert (plain == 0).all()
    trials = 400
    errors, claimed = _averaged(noise.draw, trials)
    size = len(SPEC.metric_by_id["level"].categories)
    floor = noise.sigma(SPEC.budget.year_nano_rho // SPEC.tables, size)
    assert claimed >= 0.99 * floor
    found = float(np.sqrt((errors**2).mean()))
    assert found == pytest.approx(claimed, rel=CERTAIN / (2 * trials) ** 0.5)
    # In people: far more than the counts from one to nine that others think hidden.
    assert found / size > 10
