"""What an attacker sees of one resident's own cells, drawn many times by the publisher's own code.

The noise of a cell is independent of that of all others (tests/privacy/test_noise_audit.py), and a
cell without the resident looks the same with and without them. So an attacker who knows everybody
else learns nothing from other cells, and only the resident's own need be drawn: thousands of
releases instead of a few.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import beta

from service.domain.anonymity import noise
from service.domain.anonymity.cells import Shape, Universe
from service.domain.anonymity.noise import Measured
from service.domain.anonymity.tree import Counts, Floats

Draw = Callable[[Mapping[str, Counts], Universe], Measured]


@dataclass(frozen=True)
class Rows:
    """Stands in for a universe when noise is drawn: chosen rows of tables instead of whole ones."""

    tables: Mapping[str, Shape]
    budgets: Mapping[str, Counts]

    def nano_rho(self, table: str) -> Counts:
        return self.budgets[table]


class Spot(NamedTuple):
    """A row of cells in which two worlds differ: the counts of both, and what measuring it cost."""

    table: str
    shape: Shape
    here: Counts
    there: Counts
    nano_rho: int

    @property
    def moved(self) -> Counts:
        return noise.contrasts(self.here) - noise.contrasts(self.there)

    @property
    def middle(self) -> Floats:
        both: Floats = (noise.contrasts(self.here) + noise.contrasts(self.there)) / 2
        return both

    @property
    def precision(self) -> float:
        """1 / variance by the sigma that the manifest tells."""
        return noise.sigma(self.nano_rho, self.shape.size) ** -2


def spots(of: Universe, here: Mapping[str, Counts], there: Mapping[str, Counts]) -> Iterator[Spot]:
    """Every measured row in which the exact tables of two worlds differ."""
    for table, shape in of.tables.items():
        budget = of.nano_rho(table)
        moved = (here[table] != there[table]).any(axis=-1) & (budget > 0)[:, None]
        for area, group in np.argwhere(moved).tolist():
            row = here[table][area, group], there[table][area, group]
            yield Spot(table, shape, *row, int(budget[area]))


def seen(draw: Draw, spot: Spot, *, is_here: bool, times: int) -> Floats:
    """(times, category): the contrasts as published in so many releases of one of the worlds."""
    counts = np.tile(spot.here if is_here else spot.there, (times, 1))[:, None, :]
    place: Any = Rows({spot.table: spot.shape}, {spot.table: np.full(times, spot.nano_rho)})
    drawn: Floats = draw({spot.table: counts}, place).tables[spot.table][:, 0].astype(np.float64)
    return drawn


def information(found: list[Spot]) -> float:
    """Squared distance of the two worlds in standard deviations: twice the rho spent on them."""
    return sum(float((spot.moved**2).sum()) * spot.precision for spot in found)


def scores(
    draw: Draw, found: list[Spot], *, is_here: bool, trials: int, releases: int = 1
) -> Floats:
    """(trials,): log-likelihood ratio of "here" against "there" over so many releases each."""
    total = np.zeros(trials)
    for spot in found:
        shown = seen(draw, spot, is_here=is_here, times=trials * releases)
        each = ((shown - spot.middle) * spot.moved).sum(axis=-1) * spot.precision
        total += each.reshape(trials, releases).sum(axis=-1)
    return total


def epsilon_at_least(hits: int, alarms: int, trials: int, delta: float) -> float:
    """The largest epsilon that true and false positives of so many trials each prove, at 99 %.

    (epsilon, delta)-DP demands hits <= e^epsilon alarms + delta; exact (Clopper-Pearson) bounds.
    """
    least = beta.ppf(0.005, hits, trials - hits + 1) if hits else 0.0
    most = beta.ppf(0.995, alarms + 1, trials - alarms) if alarms < trials else 1.0
    return float(np.log(max(least - delta, 1e-300) / most))
