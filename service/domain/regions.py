"""The divisions of a city: a tree read from a JSON file and checked as a whole.

File: `{"version": 1, "source": "...", "regions": [{"code", "name": {"zh", "en"}, "level",
"parent", "north", "urban", "population"}]}`. Outlines live in a GeoJSON file of their own.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from consent.vocabulary import Text


class Level(StrEnum):
    CITY = "city"
    DISTRICT = "district"
    STREET = "street"
    COMMUNITY = "community"


LEVELS: tuple[Level, ...] = tuple(Level)
"""From the widest to the narrowest."""
VERSION = 1
MEMBERS = {"code", "name", "level", "parent", "north", "urban", "population"}


class RegionFault(ValueError):
    """The region file is not a tree of divisions; the message names the row."""


@dataclass(frozen=True, slots=True)
class Region:
    """One division. `north` of the Yangtze and `urban` are inputs of China-PAR."""

    code: str
    name: Text
    level: Level
    parent: str | None
    north: bool
    urban: bool
    population: int


class RegionTree:
    """All divisions of one city by code, in file order."""

    def __init__(self, regions: Sequence[Region], source: str = "") -> None:
        self.source = source
        self._regions: Mapping[str, Region] = MappingProxyType({r.code: r for r in regions})
        if len(self._regions) != len(regions):
            raise RegionFault("a code occurs twice")
        children: dict[str | None, list[Region]] = {}
        for region in regions:
            self._check_parent(region)
            children.setdefault(region.parent, []).append(region)
        self._children = children
        if len(self._children.get(None, [])) != 1 and regions:
            raise RegionFault("there must be exactly one division without a parent")

    @classmethod
    def from_json(cls, text: str | Mapping[str, Any]) -> "RegionTree":
        """The tree that a region file, or its document, describes; raises `RegionFault`."""
        try:
            document = json.loads(text) if isinstance(text, str) else text
        except ValueError as error:
            raise RegionFault("not a JSON document") from error
        if not isinstance(document, Mapping) or document.get("version") != VERSION:
            raise RegionFault(f"not a region file of version {VERSION}")
        rows = document.get("regions")
        if not isinstance(rows, list) or not rows:
            raise RegionFault("the file lists no regions")
        return cls([_region(row, n) for n, row in enumerate(rows)], str(document.get("source", "")))

    def __len__(self) -> int:
        return len(self._regions)

    def __iter__(self) -> Iterator[Region]:
        return iter(self._regions.values())

    def __contains__(self, code: object) -> bool:
        return code in self._regions

    def __getitem__(self, code: str) -> Region:
        return self._regions[code]

    def get(self, code: str) -> Region | None:
        return self._regions.get(code)

    def root(self) -> Region | None:
        """The city itself; None in an empty tree."""
        return next(iter(self._children.get(None, [])), None)

    def children(self, code: str | None) -> tuple[Region, ...]:
        """The divisions directly below; those of None are the roots."""
        return tuple(self._children.get(code, ()))

    def ancestors(self, code: str) -> tuple[Region, ...]:
        """The divisions above, nearest first, without the division itself."""
        above = []
        parent = self._regions[code].parent
        while parent is not None:
            above.append(self._regions[parent])
            parent = self._regions[parent].parent
        return tuple(above)

    def at(self, code: str, level: Level | str) -> Region | None:
        """The division of `level` that `code` lies in, or is."""
        for region in (self._regions[code], *self.ancestors(code)):
            if region.level == level:
                return region
        return None

    def of_level(self, level: Level | str) -> tuple[Region, ...]:
        return tuple(region for region in self if region.level == level)

    def _check_parent(self, region: Region) -> None:
        # A parent of a wider level also rules out every cycle.
        if region.parent is None:
            return
        parent = self._regions.get(region.parent)
        if parent is None:
            raise RegionFault(f"{region.code}: its parent is not in the file")
        if LEVELS.index(parent.level) >= LEVELS.index(region.level):
            raise RegionFault(f"{region.code}: its parent is not of a wider level")


def _region(row: Any, number: int) -> Region:
    place = f"region {number}"
    if not isinstance(row, dict) or row.keys() != MEMBERS:
        raise RegionFault(f"{place}: needs exactly {', '.join(sorted(MEMBERS))}")
    name = row["name"]
    if not isinstance(name, dict) or name.keys() != {"zh", "en"} or not _texts(*name.values()):
        raise RegionFault(f"{place}: its name needs zh and en")
    if not _texts(row["code"]) or not (row["parent"] is None or _texts(row["parent"])):
        raise RegionFault(f"{place}: code and parent are texts")
    if row["level"] not in LEVELS:
        raise RegionFault(f"{place}: unknown level")
    if type(row["north"]) is not bool or type(row["urban"]) is not bool:
        raise RegionFault(f"{place}: north and urban are true or false")
    if type(row["population"]) is not int or row["population"] < 0:
        raise RegionFault(f"{place}: population is a whole number from 0")
    return Region(
        code=row["code"],
        name=Text(**name),
        level=Level(row["level"]),
        parent=row["parent"],
        north=row["north"],
        urban=row["urban"],
        population=row["population"],
    )


def _texts(*values: object) -> bool:
    return all(isinstance(value, str) and 0 < len(value) <= 100 for value in values)
