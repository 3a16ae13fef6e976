"""Attacks with everything an attacker could know, run against the publisher and a naive one.

The attacker knows every resident but one, the region, sex and age of that one, and sees all
published measurements. What is left to guess is bounded by the budget; against a publisher that
only hides small numbers the same attack always wins.
"""

from collections.abc import Callable, Mapping

import numpy as np
import pytest

from service.domain.anonymity import noise, zcdp
from service.domain.anonymity.cells import Universe
from service.domain.anonymity.count import Tally, count
from service.domain.anonymity.noise import Measured, gather
from service.domain.anonymity.specification import NANO
from tests.city_room import YEAR, People, universe
from tests.privacy import naive_publisher

Publisher = Callable[[Tally, Universe], Measured]
HOME = universe(1)
PEOPLE = People.random(HOME, 1_500, seed=3)
TARGET = 0
OTHERS = 40
TRIALS = 800


def _kangma_sigmas(of: Universe) -> Mapping[str, float]:
    specification = of.specification
    return {f.id: noise.sigma(specification.nano_rho(f)) for f in specification.families}


def _tallies() -> tuple[Tally, Tally]:
    with_target = count([PEOPLE.batch], HOME, year=YEAR)
    without = count([np.delete(PEOPLE.batch, TARGET)], HOME, year=YEAR)
    return with_target, without


def _cell_of_target(members: int) -> Tally:
    """The target's own cell of every table, with so many people in it.

    Noise is independent from cell to cell (test_noise_audit), so all others teach nothing.
    """
    return Tally({table: np.full((1, 1, 1), members) for table, _ in HOME.tables()})


def _surprise(seen: Measured, sigma: Mapping[str, float]) -> float:
    """Log-likelihood ratio of "took part" against "did not" for the cells above."""
    return sum(
        (float(values[0, 0, 0]) - OTHERS - 0.5) / sigma[family] ** 2
        for (family, _), values in seen.tables.items()
    )


def _membership(publisher: Publisher, sigma: Mapping[str, float], trials: int) -> float:
    """How often the best attacker rightly says whether the target took part."""
    absent, present = _cell_of_target(OTHERS), _cell_of_target(OTHERS + 1)
    right = 0
    for trial in range(trials):
        took_part = bool(trial % 2)
        seen = publisher(present if took_part else absent, HOME)
        right += (_surprise(seen, sigma) > 0) == took_part
    return right / trials


def test_the_naive_publisher_tells_who_took_part() -> None:
    assert _membership(naive_publisher.publish, naive_publisher.sigmas(HOME), 10) == 1


def test_membership_stays_as_hidden_as_people_are_told() -> None:
    """53.4 % for the best attacker; the margin is three standard errors of the trials."""
    claimed = zcdp.best_guess(HOME.specification.release_nano_rho / NANO)
    found = _membership(noise.draw, _kangma_sigmas(HOME), TRIALS)
    margin = 3 * (0.25 / TRIALS) ** 0.5
    assert 0.5 - margin < found < claimed + margin


def _difference(publisher: Publisher, trials: int) -> float:
    """How often two releases around a leaver tell the leaver's level."""
    present, absent = _tallies()
    known = int(PEOPLE.batch["codes"][TARGET, 0])
    cell = np.argwhere((present.tables["participation"] - absent.tables["participation"])[:, :, 0])[
        0
    ]
    level = [Tally({"level": tally.tables["level"]}) for tally in (present, absent)]
    right = 0
    for _ in range(trials):
        before, after = (publisher(tally, HOME) for tally in level)
        fallen = np.zeros(6)
        for family in HOME.specification.families:
            moved = before.tables[family.id, "level"] - after.tables[family.id, "level"]
            fallen += moved[0, cell[1] if family.by == "sex_age" else 0]
        right += int(np.argmax(fallen)) == known
    return right / trials


def test_successive_releases_of_a_naive_publisher_tell_a_leavers_level() -> None:
    assert _difference(naive_publisher.publish, 3) == 1


def test_successive_releases_do_not_tell_a_leavers_level() -> None:
    """Chance is one in six. Two releases cost twice the budget and may help by a few points."""
    trials = 250
    assert _difference(noise.draw, trials) < 1 / 6 + 0.03 + 3 * (5 / 36 / trials) ** 0.5


def _complement(seen: Measured) -> int:
    """A hidden cell as the total minus all the others: the complement of what is published."""
    total = int(seen.tables["district_total", "participation"][0, 0, 0])
    parts = seen.tables["district_sex_age", "participation"][0, :, 0]
    return total - int(parts.sum())


def test_complements_reveal_hidden_cells_of_a_naive_publisher_only() -> None:
    batch = PEOPLE.batch.copy()
    batch["sex"] = 0
    batch["birth_year"] = YEAR - 40
    batch["birth_year"][:4] = YEAR - 3
    tally = count([batch], HOME, year=YEAR)
    assert _complement(naive_publisher.publish(tally, HOME)) == 4
    guesses = [_complement(noise.draw(tally, HOME)) for _ in range(20)]
    # Fourteen noisy cells and a noisy total: the complement is off by tens of people.
    assert np.std(guesses) > 50


@pytest.mark.parametrize("heavy", [0, 255])
def test_one_resident_moves_every_table_by_one_cell_at_most(heavy: int) -> None:
    """Whatever a resident contributes, hostile codes included."""
    batch = PEOPLE.batch.copy()
    batch["codes"][TARGET] = heavy
    batch["birth_year"][TARGET] = heavy
    present = count([batch], HOME, year=YEAR)
    _, absent = _tallies()
    for family in HOME.specification.families:
        for table, counts in present.tables.items():
            moved = gather(counts, family) - gather(absent.tables[table], family)
            assert np.abs(moved).sum() == 1
