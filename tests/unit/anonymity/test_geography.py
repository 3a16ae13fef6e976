"""Divisions stand alone or are merged by census size; children add up to parents in any tree."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent.vocabulary import Text
from service.domain.anonymity.geography import REST, Geography
from service.domain.anonymity.specification import LEVELS
from tests.city_room import Division

NAME = Text("名", "Name")
MINIMUM = 3_000


def _division(code: str, level: str, parent: str | None, population: int | None) -> Division:
    return Division(code, NAME, level, parent, population)


CITY = [
    _division("c", "city", None, 90_000),
    _division("d1", "district", "c", 60_000),
    _division("d2", "district", "c", 30_000),
    _division("s1", "street", "d1", 20_000),
    _division("s2", "street", "d1", 2_000),
    _division("s3", "street", "d1", 38_000),
    _division("m1", "community", "s1", 12_000),
    _division("m2", "community", "s1", 7_000),
    _division("m3", "community", "s1", 1_000),
    # A district without streets, and a street without communities.
    _division("m4", "community", "d2", 29_500),
    _division("m5", "community", "d2", 500),
]


def _codes(of: Geography) -> list[str]:
    return [area.code for area in of.areas]


def test_small_divisions_are_merged_and_small_rests_get_company() -> None:
    of = Geography.of(CITY, MINIMUM)
    # s2 is small and alone in its rest, so the smallest of its sisters joins it; likewise m3.
    assert _codes(of) == ["c", "d1", "s3", f"d1{REST}", "d2", f"c{REST}"]
    assert of.areas[3].members == ("s1", "s2")
    assert of.areas[3].population == 22_000
    # Of d2's two communities one would be left standing by the other's company: neither stands.
    assert of.areas[of.place_of["m5"]].code == "d2"


def test_everybody_has_exactly_one_place() -> None:
    of = Geography.of(CITY, MINIMUM)
    assert set(of.place_of) == {division.code for division in CITY}
    leaves = set(of.tree.leaves.tolist())
    assert all(place in leaves for place in of.place_of.values())
    # Whoever told a division that has finer rows belongs to its rest.
    assert of.areas[of.place_of["c"]].code == f"c{REST}"
    assert of.areas[of.place_of["m1"]].code == f"d1{REST}"


@pytest.mark.parametrize("finest", LEVELS[1:])
def test_a_cut_keeps_everybody_in_the_area_above(finest: str) -> None:
    of = Geography.of(CITY, 1)
    cut = of.cut(finest)
    deepest = LEVELS.index(finest)
    assert all(level <= deepest for level in cut.levels)
    above = {area.code: area.parent for area in of.areas}
    for code, place in of.place_of.items():
        home = cut.areas[cut.place_of[code]].code
        way: str | None = of.areas[place].code
        while way is not None and way not in _codes(cut):
            way = above[way]
        assert home in (way, f"{way}{REST}")
    assert set(cut.place_of.values()) == set(cut.tree.leaves.tolist())


def test_no_area_but_a_rest_is_smaller_than_the_minimum() -> None:
    for area in Geography.of(CITY, MINIMUM).areas:
        assert area.population is None or area.population >= MINIMUM


@st.composite
def trees(draw: st.DrawFn) -> list[Division]:
    """Cities of any shape: levels may be skipped, sizes may be small or untold."""
    found = [_division("0", "city", None, None), _division("0.0", "district", "0", 9_000)]
    for number in range(draw(st.integers(0, 25))):
        parent = draw(st.sampled_from([d for d in found if d.level != LEVELS[-1]]))
        level = draw(st.sampled_from(LEVELS[LEVELS.index(parent.level) + 1 :]))
        size = draw(st.one_of(st.none(), st.integers(0, 20_000)))
        found.append(_division(f"{number}+{parent.code}", level, parent.code, size))
    return found


@given(tree=trees(), finest=st.sampled_from(LEVELS[1:]))
@settings(deadline=None)
def test_any_tree_is_cut_into_leaves_that_add_up(tree: list[Division], finest: str) -> None:
    of = Geography.of(tree, MINIMUM).cut(finest)
    assert set(of.place_of) == {division.code for division in tree}
    assert set(of.place_of.values()) == set(of.tree.leaves.tolist())
    assert len(set(_codes(of))) == len(of.areas)
    everybody = of.tree.total(np.ones(len(of.tree.leaves), np.int64))
    assert everybody[0] == len(of.tree.leaves)
    assert all(of.levels[row] > of.levels[of.tree.parents[row]] for row in range(1, len(of.areas)))
