"""The universe of cells: every row a release will have, known before anybody is counted."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from service.domain.anonymity.geography import Area, Geography
from service.domain.anonymity.specification import (
    ALL,
    LEVELS,
    NANO,
    PARTICIPATION,
    Cadence,
    Specification,
)
from service.domain.anonymity.tree import ROOT_ALONE, Counts, Floats, Tree

EVERY = -1
"""A place on the axis of groups that stands for its total."""


class Shape(NamedTuple):
    """A table of a release: its categories and the areas it has rows for."""

    categories: tuple[str, ...]
    tree: Tree

    @property
    def size(self) -> int:
        return len(self.categories)

    @property
    def areas(self) -> int:
        return len(self.tree.parents)


class Cell(NamedTuple):
    """One row to publish; `area`, `group` and `code` are its places on the axes."""

    level: str
    region: str
    metric: str
    category: str
    sex: str
    age: str
    area: int
    group: int
    code: int


@dataclass(frozen=True)
class Universe:
    """A function of the specification, one of its cadences and the region tree alone."""

    specification: Specification
    cadence: Cadence
    whole: Geography
    """All divisions; the cadence looks at those down to its finest level."""

    @cached_property
    def geography(self) -> Geography:
        return self.whole.cut(self.cadence.finest)

    @cached_property
    def groups(self) -> tuple[tuple[str, str], ...]:
        """Sex and age bands that are measured apart; one of everybody where none are."""
        return self.specification.groups if self.cadence.by == "sex_age" else ((ALL, ALL),)

    @cached_property
    def tables(self) -> Mapping[str, Shape]:
        """Every table in the order of the artifact: participation first, then the metrics."""
        tree = self.geography.tree
        tiers = {"all": tree, "city": ROOT_ALONE}
        return {PARTICIPATION: Shape((ALL,), tree)} | {
            metric.id: Shape(metric.categories, tiers[metric.tier])
            for metric in self.specification.metrics
        }

    @cached_property
    def budgets(self) -> Mapping[str, int]:
        """What each measured level costs one table, in billionths of rho."""
        cadence = self.cadence
        return {level: self.specification.nano_rho(cadence, level) for level in cadence.families}

    def nano_rho(self, table: str) -> Counts:
        """What is spent on measuring each area of a table; 0 where it is not measured."""
        return spent(self.geography, self.budgets, self.tables[table])

    def precision(self, table: str) -> Floats:
        """1 / variance of the noise of each area, for a table that a resident changes by one."""
        return self.nano_rho(table).astype(np.float64) * (2 / NANO)

    @property
    def strata(self) -> tuple[tuple[int, str, str], ...]:
        """(place, sex, age) of each stratum with rows: everybody, then the groups."""
        named = [(number, sex, age) for number, (sex, age) in enumerate(self.groups)]
        return ((EVERY, ALL, ALL), *(named if len(named) > 1 else ()))

    def areas(self, table: str) -> tuple[Area, ...]:
        """The areas a table has rows for."""
        return self.geography.areas[: self.tables[table].areas]

    def cells(self) -> Iterator[Cell]:
        """All cells in the order of the artifact."""
        for metric, shape in self.tables.items():
            for number, area in enumerate(self.areas(metric)):
                for group, sex, age in self.strata:
                    for code, category in enumerate(shape.categories):
                        yield Cell(
                            area.level, area.code, metric, category, sex, age, number, group, code
                        )


def spent(geography: Geography, budgets: Mapping[str, int], shape: Shape) -> Counts:
    """Billionths of rho by area, given those of a table at each measured level.

    An area is measured for a level when it is the first at or below it on the way down, or the
    last above it: so every way from the city to a leaf meets each level once, and one resident is
    in one measured area a level.
    """
    if shape.tree is ROOT_ALONE:
        return np.array([sum(budgets.values())])
    found = np.zeros(shape.areas, np.int64)
    levels, parents = geography.levels, shape.tree.parents
    leaves = set(shape.tree.leaves.tolist())
    for name, nano_rho in budgets.items():
        wanted = LEVELS.index(name)
        for row, level in enumerate(levels):
            above = -1 if parents[row] < 0 else levels[parents[row]]
            if above < wanted and (level >= wanted or row in leaves):
                found[row] += nano_rho
    return found
