"""The part of the region tree that a release knows: the city, its districts and what they hold."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from consent.vocabulary import Text


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
    """A city or district with its public census size (None when the tree does not tell it)."""

    code: str
    name: Text
    population: int | None


@dataclass(frozen=True, slots=True)
class Geography:
    """Districts in order of their codes; `district_of` maps the code of every division to one."""

    city: Area
    districts: tuple[Area, ...]
    district_of: Mapping[str, int]

    @classmethod
    def of(cls, regions: Iterable[Region]) -> "Geography":
        """From all divisions of one city; ValueError when there is not exactly one city."""
        by_code = {region.code: region for region in regions}
        cities = [region for region in by_code.values() if str(region.level) == "city"]
        if len(cities) != 1:
            raise ValueError("a release needs a region tree with exactly one city")
        found = sorted(code for code, region in by_code.items() if str(region.level) == "district")
        if not found:
            raise ValueError("a release needs a region tree with districts")
        place = {code: number for number, code in enumerate(found)}
        district_of: dict[str, int] = {}
        for code in by_code:
            district = _district_above(code, by_code)
            if district is not None:
                district_of[code] = place[district]
        return cls(_area(cities[0]), tuple(_area(by_code[code]) for code in found), district_of)

    @property
    def sha256(self) -> str:
        """Names the exact geography a release was made with."""
        document = {
            "city": [self.city.code, self.city.population],
            "districts": [[area.code, area.population] for area in self.districts],
            "district_of": dict(self.district_of),
        }
        return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def _area(region: Region) -> Area:
    return Area(region.code, region.name, region.population or None)


def _district_above(code: str, by_code: Mapping[str, Region]) -> str | None:
    at: str | None = code
    for _ in range(8):
        if at is None or at not in by_code:
            return None
        if str(by_code[at].level) == "district":
            return at
        at = by_code[at].parent
    return None
