"""From unbiased estimates to tables that add up: non-negative whole numbers, exactly additive.

Only the finest cells (district, sex and age, category) are chosen; every other number is their
sum, so districts add up to the city, groups to totals and categories to participation by
construction. The choice is the constrained weighted least squares fit to the same measurements,
then rounding that keeps sums.
"""

from collections.abc import Callable, Mapping

import numpy as np

from service.domain.anonymity.count import Counts
from service.domain.anonymity.lattice import Floats, Lattice, scale_strands
from service.domain.anonymity.specification import PARTICIPATION

STEPS = 800
TOLERANCE = 1e-4
"""People; iteration stops when no cell moves more in a step, far below rounding."""


def consistent(estimates: Mapping[str, Floats], lattice: Lattice) -> dict[str, Counts]:
    """Additive tables from the estimates of `Lattice.estimate`."""
    people = _fit(
        estimates[PARTICIPATION], lattice.participation_precision, lambda table: table.clip(min=0)
    )
    participants = round_people(people[:, :, 0])
    tables = {PARTICIPATION: participants[:, :, None]}
    for table, estimate in estimates.items():
        if table != PARTICIPATION:
            fitted = _fit(
                estimate, lattice.precision, lambda table: onto_simplices(table, participants)
            )
            tables[table] = round_rows(fitted, participants)
    return tables


def _fit(target: Floats, precision: Floats, project: Callable[[Floats], Floats]) -> Floats:
    """The point of a convex set nearest to `target` in the strands' metric (FISTA, restarted)."""
    scaled = precision / precision.max()
    point = project(target)
    ahead, momentum = point, 1.0
    for _ in range(STEPS):
        moved = project(ahead - scale_strands(ahead - target, scaled))
        if np.abs(moved - point).max(initial=0.0) < TOLERANCE and momentum > 1:
            return moved
        # Restart when the momentum points uphill; it makes the method monotone.
        uphill = float(((ahead - moved) * (moved - point)).sum()) > 0
        following = 1.0 if uphill else (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead = moved if uphill else moved + (momentum - 1) / following * (moved - point)
        point, momentum = moved, following
    return point


def onto_simplices(table: Floats, sums: Counts) -> Floats:
    """Nearest non-negative rows (last axis) with the given sums."""
    ordered = -np.sort(-table, axis=-1)
    excess = np.cumsum(ordered, axis=-1) - sums[..., None]
    size = np.arange(1, table.shape[-1] + 1)
    kept = np.maximum((ordered - excess / size > 0).sum(axis=-1), 1)
    level = np.take_along_axis(excess, kept[..., None] - 1, axis=-1) / kept[..., None]
    fitted: Floats = np.maximum(table - level, 0)
    return fitted


def round_people(people: Floats) -> Counts:
    """Whole participants: the city first, then districts within it, then groups within each."""
    districts = largest_remainder(people.sum(axis=1), round(float(people.sum())))
    return np.array(
        [largest_remainder(row, int(total)) for row, total in zip(people, districts, strict=True)]
    )


def round_rows(table: Floats, sums: Counts) -> Counts:
    """Whole rows with the given sums. What one row rounds away the next one makes up for."""
    rounded = np.zeros(table.shape, np.int64)
    carried = np.zeros(table.shape[-1])
    for place in np.ndindex(sums.shape):
        wanted = table[place] + carried
        rounded[place] = largest_remainder(wanted, int(sums[place]))
        carried = wanted - rounded[place]
    return rounded


def largest_remainder(parts: Floats, total: int) -> Counts:
    """Non-negative whole numbers near `parts` that add up to `total` exactly (Hamilton's rule)."""
    floor: Counts = np.floor(parts.clip(min=0)).astype(np.int64)
    missing = total - int(floor.sum())
    order = np.argsort(floor - parts, kind="stable")
    if missing >= 0:
        floor += missing // len(floor)
        floor[order[: missing % len(floor)]] += 1
    # Too much was kept: take back one by one where the part was overshot most.
    for _ in range(-missing):
        over = np.where(floor > 0, floor - parts, -np.inf)
        floor[int(np.argmax(over))] -= 1
    return floor
