"""A simulated city for the bench of releases: an unbalanced tree of divisions and its people.

Sizes and answers are drawn from fixed dice; they imitate nobody. One of eight districts has no
streets, streets have two to five communities, and no two divisions are of one size.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from consent.vocabulary import Text
from service.domain.anonymity.count import CONTRIBUTION
from service.domain.anonymity.geography import Geography
from service.domain.anonymity.specification import Specification
from tests.city_room import YEAR as YEAR
from tests.city_room import Division

NAME = Text("虚拟", "Simulated")
DISTRICTS = (0.20, 0.16, 0.14, 0.13, 0.12, 0.10, 0.09, 0.06)
"""Shares of the city's people."""
STREET = 10_000
OWN_COMMUNITY = 4_000
"""People of a street, and of a community right below a district, on average."""


class City(NamedTuple):
    geography: Geography
    people: NDArray[np.void]
    """Everybody takes part, one contribution each."""


def simulated(size: int, specification: Specification, seed: int = 20261125) -> City:
    """A city of so many people, all of whom contribute."""
    dice = np.random.default_rng(seed)
    tree = _tree(size, dice)
    geography = Geography.of(tree, specification.minimum_population)
    homes = [division for division in tree if division.level == "community"]
    weights = np.array([home.population for home in homes], np.float64)
    codes = np.array([home.code.encode() for home in homes], "S16")
    people = np.zeros(size, CONTRIBUTION)
    people["region"] = codes[dice.choice(len(codes), size, p=weights / weights.sum())]
    people["sex"] = dice.integers(0, len(specification.sexes), size)
    people["birth_year"] = YEAR - dice.integers(0, 95, size)
    for slot, metric in enumerate(specification.metrics):
        answers = len(metric.categories)
        likely = dice.dirichlet(np.ones(answers))
        people["codes"][:, slot] = dice.choice(answers, size, p=likely)
    return City(geography, people)


def _tree(size: int, dice: np.random.Generator) -> list[Division]:
    found = [Division("990100", NAME, "city", None, size)]
    for number, share in enumerate(DISTRICTS, 1):
        code, people = f"9901{number:02d}", round(size * share)
        found.append(Division(code, NAME, "district", "990100", people))
        if number == len(DISTRICTS):
            parts = max(2, people // OWN_COMMUNITY)
            found += _below(code, "community", people, parts, dice, "000")
            continue
        for street in _below(code, "street", people, max(2, people // STREET), dice):
            found.append(street)
            parts = int(dice.integers(2, 6))
            found += _below(street.code, "community", street.population or 0, parts, dice)
    return found


def _below(
    parent: str, level: str, people: int, parts: int, dice: np.random.Generator, stem: str = ""
) -> list[Division]:
    sizes = np.round(dice.dirichlet(np.full(parts, 12.0)) * people).astype(int).tolist()
    return [
        Division(f"{parent}{stem}{number:03d}", NAME, level, parent, size)
        for number, size in enumerate(sizes, 1)
    ]
