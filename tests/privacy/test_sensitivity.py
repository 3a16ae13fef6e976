"""What one resident can move in everything that is measured, by brute force over random cities.

Whatever goes into the noise mechanism, and with which noise, is caught at its door, so nothing
here believes the publisher's own account of budgets or areas.

Bugs it would catch: an area that is measured twice for one level or charged for fewer levels than
measured, a resident in two leaves, a contrast whose sensitivity is understated, a hostile code that
counts twice, a tree (unbalanced, with divisions missing, merged or without census) that breaks it.
"""

from collections.abc import Callable, Iterator, Mapping
from random import Random

import numpy as np
import pytest

from consent.vocabulary import Text
from service.domain.anonymity import noise
from service.domain.anonymity.cells import Universe
from service.domain.anonymity.count import CONTRIBUTION, count
from service.domain.anonymity.geography import Geography
from service.domain.anonymity.specification import LEVELS, NANO, current
from service.domain.anonymity.tree import Counts
from tests.city_room import YEAR, Division

CADENCES = [cadence.id for cadence in current().cadences]
CITIES = 7
CITY = "990100"
Door = list[tuple[float, np.ndarray]]


def _city(dice: Random) -> list[Division]:
    """Divisions of random sizes, some untold, some small; some levels are left out on the way."""
    found = [Division(CITY, Text("市", "City"), "city", None, None)]
    waiting = [(CITY, 0)]
    while waiting:
        above, depth = waiting.pop()
        for number in range(dice.randint(2 if depth == 0 else 0, 4)):
            level = depth + 1 if depth == 0 else dice.randint(depth + 1, 3)
            population = dice.choice([None, 500, 2_000, 4_000, 30_000])
            code = f"{above}{number:02d}"
            found.append(Division(code, Text("区", "Part"), LEVELS[level], above, population))
            if level < len(LEVELS) - 1:
                waiting.append((code, level))
    return found


def _people(divisions: list[Division], dice: Random, number: int = 40) -> np.ndarray:
    """Residents of any division of any level, some of nowhere, with honest and hostile codes."""
    codes = [division.code.encode() for division in divisions]
    batch = np.zeros(number, CONTRIBUTION)
    for person in batch:
        person["region"] = dice.choice([*codes, b"nowhere"]) if dice.random() < 0.2 else codes[-1]
        person["region"] = dice.choice(codes) if dice.random() < 0.7 else person["region"]
        person["sex"] = dice.choice([0, 1, 1, 2, 255])
        person["birth_year"] = dice.choice([0, 1950, 2020, 2030, 65_535])
        person["codes"] = [dice.randint(0, 255) if dice.random() < 0.3 else 0 for _ in range(24)]
    return batch


@pytest.fixture
def into_the_mechanism(
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[Mapping[str, Counts], Universe], Door]:
    """(noise, values) of every call of the mechanism that one draw makes."""
    door: Door = []

    def mechanism(scale: float) -> Callable[[list[int]], list[int]]:
        def noiseless(values: list[int]) -> list[int]:
            door.append((scale, np.array(values)))
            return values

        return noiseless

    def caught(exact: Mapping[str, Counts], universe: Universe) -> Door:
        door.clear()
        noise.draw(exact, universe)
        return list(door)

    # The mechanism accounts for itself before it draws; that account is not believed either.
    monkeypatch.setattr(noise, "cost", lambda *_: 0.0)
    monkeypatch.setattr(noise, "_mechanism", mechanism)
    return caught


def _cost(present: Door, absent: Door) -> float:
    """rho by definition: the squared distance in noise scales, halved."""
    assert [scale for scale, _ in present] == [scale for scale, _ in absent]
    pairs = zip(present, absent, strict=True)
    return sum(float((((p - a) / scale) ** 2).sum()) / 2 for (scale, p), (_, a) in pairs)


def _cities() -> Iterator[tuple[list[Division], Random]]:
    dice = Random(20_261_120)
    for _ in range(CITIES):
        yield _city(dice), dice


@pytest.mark.parametrize("cadence", CADENCES)
def test_a_resident_moves_everything_measured_by_what_is_charged_and_no_more(
    cadence: str,
    into_the_mechanism: Callable[[Mapping[str, Counts], Universe], Door],
) -> None:
    spec = current()
    charged = spec.release_nano_rho(spec.cadence(cadence)) / NANO
    inside = 0
    for divisions, dice in _cities():
        missing = dice.choice(divisions[1:])
        for tree in (divisions, [one for one in divisions if one is not missing]):
            whole = Geography.of(tree, spec.minimum_population)
            of = Universe(spec, spec.cadence(cadence), whole)
            people = _people(divisions, dice)

            def measured(batch: np.ndarray, of: Universe = of) -> Door:
                exact = count([batch], spec, of.whole, year=YEAR).of(of)
                return into_the_mechanism(exact, of)

            full = measured(people)
            for target in dice.sample(range(len(people)), 6):
                cost = _cost(full, measured(np.delete(people, target)))
                assert cost <= charged
                code = people["region"][target].decode()
                if code in whole.place_of and people["sex"][target] < len(spec.sexes):
                    # Nobody who counts is charged for what was not measured of them, either.
                    assert cost > 0.999 * charged
                    inside += 1
                else:
                    assert cost == 0
    assert inside > 20


def test_the_manifest_tells_the_noise_that_went_in(
    into_the_mechanism: Callable[[Mapping[str, Counts], Universe], Door],
) -> None:
    """Each scale at the mechanism's door is the sigma of a budget that the families add up to."""
    spec = current()
    dice = Random(4)
    whole = Geography.of(_city(dice), spec.minimum_population)
    for cadence in spec.cadences:
        of = Universe(spec, cadence, whole)
        empty = count([], spec, whole, year=YEAR).of(of)
        told = set()
        for shape in of.tables.values():
            each = list(of.budgets.values())
            told |= {noise.sigma(budget, shape.size) for budget in [*each, sum(each)]}
        assert {scale for scale, _ in into_the_mechanism(empty, of)} <= told


def test_the_releases_of_a_year_cost_no_more_than_the_year() -> None:
    """Both by the specification's own sum and by hand, and below the hard cap of the policy."""
    spec = current()
    year = sum(spec.release_nano_rho(one) * one.times for one in spec.cadences)
    assert year == spec.year_nano_rho <= spec.budget.year_nano_rho == 14_973_000
