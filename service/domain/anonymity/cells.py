"""The universe of cells: every row a release will have, known before anybody is counted."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from service.domain.anonymity.geography import Area, Geography
from service.domain.anonymity.specification import ALL, PARTICIPATION, Specification

Level = Literal["city", "district"]
EVERY = -1
"""A place on an axis that stands for its total."""


class Cell(NamedTuple):
    """One row to publish. `district`, `group` and `code` are places on the axes, or EVERY."""

    level: Level
    region: str
    metric: str
    category: str
    sex: str
    age: str
    district: int
    group: int
    code: int


@dataclass(frozen=True, slots=True)
class Universe:
    """A function of the specification and the region tree alone."""

    specification: Specification
    geography: Geography

    @property
    def districts(self) -> int:
        return len(self.geography.districts)

    @property
    def groups(self) -> int:
        return len(self.specification.groups)

    def tables(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Every table with its categories: participation first, then the metrics."""
        yield PARTICIPATION, (ALL,)
        for metric in self.specification.metrics:
            yield metric.id, metric.categories

    def areas(self) -> Iterator[tuple[Level, int, Area]]:
        yield "city", EVERY, self.geography.city
        for number, area in enumerate(self.geography.districts):
            yield "district", number, area

    def strata(self) -> Iterator[tuple[int, str, str]]:
        yield EVERY, ALL, ALL
        for number, (sex, age) in enumerate(self.specification.groups):
            yield number, sex, age

    def cells(self) -> Iterator[Cell]:
        """All cells in the order of the artifact."""
        for metric, categories in self.tables():
            for level, district, area in self.areas():
                for group, sex, age in self.strata():
                    for code, category in enumerate(categories):
                        yield Cell(
                            level, area.code, metric, category, sex, age, district, group, code
                        )
