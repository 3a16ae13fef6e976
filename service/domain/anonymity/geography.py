"""The tree of divisions that releases know: public names, levels and census sizes.

Divisions too small for rows of their own are merged into the rest of the division above, by
census size alone. That rest also holds everybody who told no finer division, so that children add
up to their parent in every tree, however unbalanced.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from consent.vocabulary import Text
from service.domain.anonymity.specification import LEVELS
from service.domain.anonymity.tree import Tree

REST = "-rest"
"""Ending of the code of an area that holds what is left of the one above."""


class Region(Protocol):
    """A division of the region tree; `population` is the public census size."""

    @property
    def code(self) -> str: ...
    @property
    def name(self) -> Text: ...
    @property
    def level(self) -> Any: ...
    @property
    def parent(self) -> str | None: ...
    @property
    def population(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Area:
    """A division with rows of its own, or the rest of one.

    `population` is None when the tree does not tell it. `members` are the divisions that a rest
    was merged from.
    """

    code: str
    name: Text
    level: str
    parent: str | None
    population: int | None
    members: tuple[str, ...] = ()


@dataclass(frozen=True)
class Geography:
    """Areas in pre-order, parents before children; `place_of` leads every code to its area."""

    areas: tuple[Area, ...]
    place_of: Mapping[str, int]

    @classmethod
    def of(cls, regions: Iterable[Region], minimum_population: int) -> "Geography":
        """From all divisions of one city; ValueError when there is not exactly one city."""
        known = sorted(regions, key=lambda region: region.code)
        cities = [region for region in known if str(region.level) == LEVELS[0]]
        if len(cities) != 1:
            raise ValueError("a release needs a region tree with exactly one city")
        if not any(str(region.level) == LEVELS[1] for region in known):
            raise ValueError("a release needs a region tree with districts")
        children: dict[str, list[Region]] = {}
        for region in known:
            if region.parent is not None:
                children.setdefault(region.parent, []).append(region)
        grower = _Grower(children, minimum_population)
        grower.grow(cities[0], None)
        return cls(tuple(grower.areas), grower.place_of)

    @cached_property
    def tree(self) -> Tree:
        """The shape of the areas."""
        place = {area.code: number for number, area in enumerate(self.areas)}
        parents = [-1 if area.parent is None else place[area.parent] for area in self.areas]
        return Tree(np.array(parents, np.int64))

    @cached_property
    def levels(self) -> tuple[int, ...]:
        """The level of each area, as its place in LEVELS."""
        return tuple(LEVELS.index(area.level) for area in self.areas)

    def cut(self, finest: str) -> "Geography":
        """The same city without areas below a level; their people belong to the area above."""
        deepest = LEVELS.index(finest)
        kept = [area for area in self.areas if LEVELS.index(area.level) <= deepest]
        place = {area.code: number for number, area in enumerate(kept)}
        inner = {area.parent for area in kept}

        def home(code: str) -> int:
            while code not in place:
                code = self._parent_of[code]
            return place[code + REST] if code in inner else place[code]

        return Geography(
            tuple(kept),
            {code: home(self.areas[number].code) for code, number in self.place_of.items()},
        )

    @cached_property
    def settlers(self) -> Mapping[int, str]:
        """For each leaf some division whose people belong to it."""
        return {place: code for code, place in self.place_of.items()}

    @cached_property
    def _parent_of(self) -> Mapping[str, str]:
        return {area.code: area.parent for area in self.areas if area.parent is not None}

    @property
    def sha256(self) -> str:
        """Names the exact geography a release was made with."""
        document = {
            "areas": [[area.code, area.level, area.parent, area.population] for area in self.areas],
            "place_of": dict(self.place_of),
        }
        return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


class _Grower:
    """Walks the divisions downwards and decides which of them stand alone."""

    def __init__(self, children: Mapping[str, list[Region]], minimum_population: int) -> None:
        self._children = children
        self._minimum = minimum_population
        self.areas: list[Area] = []
        self.place_of: dict[str, int] = {}

    def grow(self, region: Region, parent: str | None) -> None:
        population = region.population or None
        self.areas.append(Area(region.code, region.name, str(region.level), parent, population))
        standing, merged = self._parted(self._children.get(region.code, []))
        if not standing:
            self._settle(region, len(self.areas) - 1)
            return
        for child in standing:
            self.grow(child, region.code)
        self._settle_rest(region, standing, merged)

    def _parted(self, children: list[Region]) -> tuple[list[Region], list[Region]]:
        standing = [child for child in children if self._stands(child)]
        merged = [child for child in children if not self._stands(child)]
        # A rest of few people would be a small division under another name: it gets company.
        if standing and 0 < sum(child.population or 0 for child in merged) < self._minimum:
            company = min(standing, key=lambda child: (child.population or 0, child.code))
            standing.remove(company)
            merged.append(company)
        return standing, merged

    def _stands(self, region: Region) -> bool:
        if not region.population:
            # Of wider divisions the census size may be untold; a community has to prove its own.
            return str(region.level) != LEVELS[-1]
        return region.population >= self._minimum

    def _settle_rest(self, region: Region, standing: list[Region], merged: list[Region]) -> None:
        level = min((str(child.level) for child in standing), key=LEVELS.index)
        members = sorted(merged, key=lambda child: child.code)
        self.areas.append(
            Area(
                region.code + REST,
                Text(f"{region.name.zh}其余", f"rest of {region.name.en}"),
                level,
                region.code,
                sum(child.population or 0 for child in members) or None,
                tuple(child.code for child in members),
            )
        )
        place = len(self.areas) - 1
        self.place_of[region.code] = place
        for child in members:
            self._settle(child, place)

    def _settle(self, region: Region, place: int) -> None:
        for code in _below(region, self._children):
            self.place_of[code] = place


def _below(region: Region, children: Mapping[str, list[Region]]) -> Iterator[str]:
    yield region.code
    for child in children.get(region.code, []):
        yield from _below(child, children)
