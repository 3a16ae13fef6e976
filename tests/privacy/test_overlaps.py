"""The same people asked for twice: by division, by finer division, by sex and age, one cut-off.

Bug it would catch: two tables of one cut-off that share their noise or are exact against each
other, so that a whole minus all its other parts is a hidden part.
"""

from itertools import combinations
from typing import Any

import numpy as np
import pytest

from consent.vocabulary import Text
from service.domain.anonymity import noise
from service.domain.anonymity.cells import Universe
from service.domain.anonymity.count import CONTRIBUTION
from service.domain.anonymity.geography import Geography
from service.domain.anonymity.specification import PARTICIPATION, current
from service.domain.anonymity.tree import Floats
from tests.city_room import YEAR, Division, counted
from tests.privacy import naive_publisher
from tests.privacy.target import Draw, Rows

SPEC = current()
FEW, MANY = 4, 900
"""People of the place that is asked for, and of every other."""
SMALL_HOME = "990101001001"
DISTRICT, STREET = "990101", "990101001"
DRAWS = 40
CADENCES = [cadence.id for cadence in SPEC.cadences]


def _divisions() -> list[Division]:
    """A district of two streets, of two communities each."""
    city = Division("990100", Text("市", "City"), "city", None, 40_000)
    found = [city, Division(DISTRICT, Text("区", "District"), "district", city.code, 40_000)]
    for number in (1, 2):
        street = f"{DISTRICT}{number:03d}"
        found.append(Division(street, Text("街", "Street"), "street", DISTRICT, 20_000))
        for part in (1, 2):
            code = f"{street}{part:03d}"
            found.append(Division(code, Text("社", "Community"), "community", street, 10_000))
    return found


WHOLE = Geography.of(_divisions(), SPEC.minimum_population)


def _people(small: str) -> np.ndarray:
    """Few in one community (or of one street, or one age), many in all others; men of forty."""
    homes = [one.code for one in _divisions() if one.level == "community"]
    sizes = [FEW if home.startswith(small) else MANY for home in homes]
    batch = np.zeros(sum(sizes), CONTRIBUTION)
    batch["region"] = np.repeat([home.encode() for home in homes], sizes)
    batch["sex"], batch["birth_year"] = 1, YEAR - 40
    return batch


def _looks(draw: Draw, cadence: str, batch: np.ndarray) -> tuple[Universe, Floats]:
    """Participants by (area, group) as an attacker has them: measured, else summed up."""
    of = Universe(SPEC, SPEC.cadence(cadence), WHOLE)
    exact = counted([batch], of).of(of)[PARTICIPATION]
    shape, budget = of.tables[PARTICIPATION], of.nano_rho(PARTICIPATION)
    alone: Any = Rows({PARTICIPATION: shape}, {PARTICIPATION: budget})
    shown = draw({PARTICIPATION: exact}, alone).tables[PARTICIPATION]
    people, _ = shape.tree.fit(shown.astype(np.float64), of.precision(PARTICIPATION))
    return of, np.where((budget > 0)[:, None], shown[..., 0], people[..., 0])


def _at(of: Universe, looks: Floats, code: str) -> float:
    place = [area.code for area in of.geography.areas].index(code)
    return float(looks[place].sum())


def _finest(cadence: str) -> str:
    """The place that is asked for: the smallest one a cadence has rows for."""
    level = SPEC.cadence(cadence).finest
    return {"district": DISTRICT, "street": STREET, "community": SMALL_HOME}[level]


def _complement(draw: Draw, coarse: str, fine: str, batch: np.ndarray) -> float:
    """A part by one release as its whole by another minus all its siblings."""
    whole_of, whole = _looks(draw, coarse, batch)
    parts_of, parts = _looks(draw, fine, batch)
    small, above = _finest(fine), _finest(coarse)
    inside = [
        area.code
        for area in parts_of.geography.areas
        if area.level == SPEC.cadence(fine).finest
        and area.code.startswith(above)
        and area.code != small
    ]
    return _at(whole_of, whole, above) - sum(_at(parts_of, parts, code) for code in inside)


def _sigma(cadence: str) -> float:
    """Noise of one measured number of participants."""
    spent = Universe(SPEC, SPEC.cadence(cadence), WHOLE).nano_rho(PARTICIPATION)
    return noise.sigma(int(spent.max()), 1)


PAIRS = [
    (coarse, fine)
    for coarse, fine in combinations(CADENCES, 2)
    if len(SPEC.cadence(coarse).levels) < len(SPEC.cadence(fine).levels)
] + [("annual", "quarterly"), ("annual", "communities")]


@pytest.mark.parametrize(("coarse", "fine"), PAIRS)
def test_a_whole_minus_its_other_parts_is_a_hidden_part_of_a_naive_publisher_only(
    coarse: str, fine: str
) -> None:
    batch = _people(_finest(fine))
    truth = int((np.char.startswith(batch["region"], _finest(fine).encode())).sum())
    assert truth == FEW * (2 if fine == "quarterly" else 1)
    assert _complement(naive_publisher.draw, coarse, fine, batch) == truth
    guesses = np.array([_complement(noise.draw, coarse, fine, batch) for _ in range(DRAWS)])
    # Off by far more than the few people who are there, and by no less than either table alone:
    # over so many draws half of its noise is met once in a million runs.
    alone = max(_sigma(cadence) for cadence in (coarse, fine))
    assert np.sqrt(((guesses - truth) ** 2).mean()) > 0.5 * alone > 3 * truth


def test_looks_at_one_number_by_different_cadences_do_not_share_their_noise() -> None:
    """The district by all four cadences: what one look is off says nothing of the others."""
    batch = _people("nobody")
    off = []
    for cadence in CADENCES:
        looks = [_looks(noise.draw, cadence, batch) for _ in range(150)]
        off.append([_at(of, look, DISTRICT) - len(batch) for of, look in looks])
    related = np.corrcoef(np.array(off)) - np.eye(len(CADENCES))
    assert np.abs(related).max() < 6 / 150**0.5
