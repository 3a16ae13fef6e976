"""A region file is one tree, or it is refused with the row that is wrong."""

import json
from typing import Any

import pytest

from service.cli.demo import city
from service.domain.regions import Level, RegionFault, RegionTree


def row(code: str, level: str, parent: str | None, **changes: Any) -> dict[str, Any]:
    return {
        "code": code,
        "name": {"zh": "某地", "en": "Somewhere"},
        "level": level,
        "parent": parent,
        "north": True,
        "urban": True,
        "population": 10,
        **changes,
    }


CITY = row("1", "city", None)
DISTRICT = row("11", "district", "1")
STREET = row("111", "street", "11")


def tree(*rows: Any) -> RegionTree:
    return RegionTree.from_json(json.dumps({"version": 1, "source": "test", "regions": rows}))


def test_ancestors_and_children() -> None:
    regions = tree(CITY, DISTRICT, STREET)
    assert [region.code for region in regions.ancestors("111")] == ["11", "1"]
    assert [region.code for region in regions.children("1")] == ["11"]
    root = regions.root()
    assert root is not None
    assert root.code == "1"
    district = regions.at("111", Level.DISTRICT)
    assert district is not None
    assert district.code == "11"
    assert regions.at("11", Level.STREET) is None
    assert "111" in regions
    assert regions.get("9") is None


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [CITY, CITY],
        [CITY, row("11", "district", "9")],
        [CITY, row("2", "city", None)],
        [row("1", "district", "2"), row("2", "district", "1")],
        [CITY, row("11", "street", "111"), row("111", "street", "11")],
        [CITY, row("2", "city", "1")],
        [CITY, row("11", "planet", "1")],
        [CITY, row("11", "district", "1", population=-1)],
        [CITY, row("11", "district", "1", population=True)],
        [CITY, row("11", "district", "1", north="yes")],
        [CITY, row("11", "district", "1", name={"zh": "某地"})],
        [CITY, row("11", "district", "1", extra=1)],
        [CITY, "district"],
    ],
)
def test_what_is_no_tree_is_refused(rows: list[Any]) -> None:
    with pytest.raises(RegionFault):
        tree(*rows)


@pytest.mark.parametrize("text", ["", "[]", '{"version": 2, "regions": []}', '{"version": 1}'])
def test_what_is_no_region_file_is_refused(text: str) -> None:
    with pytest.raises(RegionFault):
        RegionTree.from_json(text)


def test_the_city_of_the_demonstration_is_a_tree() -> None:
    regions = RegionTree.from_json(json.dumps(city.regions()))
    assert len(regions.of_level(Level.COMMUNITY)) >= 36
    root = regions.root()
    assert root is not None
    below = sum(region.population for region in regions.of_level(Level.COMMUNITY))
    assert root.population == below


def test_an_empty_tree_has_no_root() -> None:
    assert RegionTree([]).root() is None
