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
from service.domain.anonymity.noise import Measured
from service.domain.anonymity.specification import NANO, current
from service.domain.anonymity.tree import Counts
from tests.city_room import YEAR, People, counted, universe
from tests.privacy import naive_publisher

Draw = Callable[[Mapping[str, Counts], Universe], Measured]
TARGET = 0
TRIALS = 400
PEOPLE = People.random(universe(1), 1_500, seed=3)
CADENCES = [cadence.id for cadence in current().cadences]


class Attack:
    """One target in one cadence: the exact tables with and without, and the best test of both.

    They hold the target's own sex and age and no other: noise is drawn cell by cell, so that of
    cells which are the same with and without the target tells nothing and need not be drawn.
    """

    def __init__(self, cadence: str, draw: Draw) -> None:
        self.of = universe(1, cadence=cadence)
        self._draw = draw
        batch = PEOPLE.batch
        present = counted([batch], self.of).of(self.of)
        absent = counted([np.delete(batch, TARGET)], self.of).of(self.of)
        changed = [(present[table] != absent[table]).any(axis=(0, 2)) for table in present]
        own = np.logical_or.reduce(changed)
        self.present = {table: counts[:, own] for table, counts in present.items()}
        self.absent = {table: counts[:, own] for table, counts in absent.items()}

    def says_present(self, truth: Mapping[str, Counts]) -> bool:
        """Log-likelihood ratio of "took part" against "did not" over everything measured."""
        seen = self._draw(truth, self.of)
        ratio = 0.0
        for table, shape in self.of.tables.items():
            with_target = noise.contrasts(self.present[table])
            without = noise.contrasts(self.absent[table])
            moved = with_target - without
            middle = (with_target + without) / 2
            precision = self.of.precision(table) / noise.sensitivity(shape.size) ** 2
            score = moved * (seen.tables[table] - middle) * precision[:, None, None]
            ratio += float(score.sum())
        return ratio > 0


def _membership(draw: Draw, cadence: str, trials: int) -> float:
    """How often the best attacker rightly says whether the target took part.

    The attacker knows everybody else, so nothing but the noise stands in between.
    """
    attack = Attack(cadence, draw)
    right = 0
    for trial in range(trials):
        took_part = bool(trial % 2)
        truth = attack.present if took_part else attack.absent
        right += attack.says_present(truth) == took_part
    return right / trials


@pytest.mark.parametrize("cadence", CADENCES)
def test_the_naive_publisher_tells_who_took_part(cadence: str) -> None:
    assert _membership(naive_publisher.draw, cadence, 10) == 1


@pytest.mark.parametrize("cadence", CADENCES)
def test_membership_stays_as_hidden_as_people_are_told(cadence: str) -> None:
    """At most 53.4 % over a whole year; the margin is 5.5 standard errors of the trials."""
    claimed = zcdp.best_guess(current().release_nano_rho(current().cadence(cadence)) / NANO)
    found = _membership(noise.draw, cadence, TRIALS)
    margin = 5.5 * (0.25 / TRIALS) ** 0.5
    assert 0.5 - margin < found < claimed + margin


def _difference(draw: Draw, trials: int) -> float:
    """How often two releases around a leaver tell the leaver's level."""
    attack = Attack("annual", draw)
    known = int(PEOPLE.batch["codes"][TARGET, 0])
    moved = attack.present["participation"] - attack.absent["participation"]
    place = tuple(int(axis) for axis in np.argwhere(moved[1:, :, 0])[0] + (1, 0))
    right = 0
    for _ in range(trials):
        before, after = draw(attack.present, attack.of), draw(attack.absent, attack.of)
        fallen = before.tables["level"][place] - after.tables["level"][place]
        right += int(np.argmax(fallen)) == known
    return right / trials


def test_successive_releases_of_a_naive_publisher_tell_a_leavers_level() -> None:
    assert _difference(naive_publisher.draw, 3) == 1


def test_successive_releases_do_not_tell_a_leavers_level() -> None:
    """Chance is one in six. Two releases cost twice the budget and may help by a few points."""
    trials = 440
    assert _difference(noise.draw, trials) < 1 / 6 + 0.03 + 5.5 * (5 / 36 / trials) ** 0.5


def _complement(district: np.ndarray, groups: np.ndarray) -> int:
    """A hidden cell as the total minus all the others: the complement of what is published."""
    return int(district.sum() - groups.sum())


def test_complements_reveal_hidden_cells_of_a_naive_publisher_only() -> None:
    """The same district by monthly totals and by annual groups: different looks at one number."""
    batch = PEOPLE.batch.copy()
    batch["sex"] = 0
    batch["birth_year"] = YEAR - 40
    batch["birth_year"][:4] = YEAR - 3
    totals, groups = universe(1, cadence="monthly"), universe(1, cadence="annual")

    def guess(draw: Draw) -> int:
        seen = [
            draw(counted([batch], of).of(of), of).tables["participation"][1]
            for of in (totals, groups)
        ]
        return _complement(*seen)

    assert guess(naive_publisher.draw) == 4
    # Fourteen noisy cells and a noisy total: the complement is off by hundreds of people.
    assert np.std([guess(noise.draw) for _ in range(20)]) > 50


@pytest.mark.parametrize("cadence", CADENCES)
@pytest.mark.parametrize("heavy", [0, 255])
def test_one_resident_moves_every_table_by_one_cell_a_level_at_most(
    heavy: int, cadence: str
) -> None:
    """Whatever a resident contributes, hostile codes included."""
    of = universe(1, cadence=cadence)
    batch = PEOPLE.batch.copy()
    batch["codes"][TARGET] = heavy
    batch["birth_year"][TARGET] = heavy
    present = counted([batch], of).of(of)
    absent = counted([np.delete(batch, TARGET)], of).of(of)
    levels = np.array(of.geography.levels)
    for table, counts in present.items():
        moved = np.abs(counts - absent[table]).sum(axis=(1, 2))
        for level in set(levels.tolist()):
            assert moved[levels[: len(moved)] == level].sum() <= 1
