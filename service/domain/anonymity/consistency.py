"""From unbiased estimates to tables that add up: non-negative whole numbers, exactly additive.

Top-down: the city first, then every area's children within it. Participants are fitted onto the
simplex of their parent and rounded by largest remainders. A metric's children by categories are
fitted onto the non-negative tables with those margins, and the leaves are rounded so that each
makes up for what the one before rounded away (controlled rounding). Every other number is a sum
of leaves, so areas add up to their parents, groups to totals and categories to participation by
construction.
"""

from collections.abc import Mapping

import numpy as np

from service.domain.anonymity.cells import Shape
from service.domain.anonymity.specification import PARTICIPATION
from service.domain.anonymity.tree import Counts, Floats, Tree

STEPS = 400
TOLERANCE = 0.02
"""People; fitting stops when margins hold this well, far below rounding."""


def consistent(estimates: Mapping[str, Floats], shapes: Mapping[str, Shape]) -> dict[str, Counts]:
    """Additive tables (area, group, category) from the estimates of `Precision.estimate`."""
    tree = shapes[PARTICIPATION].tree
    people = whole_participants(estimates[PARTICIPATION][..., 0], tree)
    tables = {PARTICIPATION: people[..., None]}
    for table, shape in shapes.items():
        if table != PARTICIPATION:
            own = people[: shape.areas]
            fitted = fit_table(estimates[table], own, shape.tree)
            leaves = shape.tree.leaves
            rounded = round_rows(fitted[leaves], own[leaves])
            tables[table] = shape.tree.total(rounded).astype(np.int64)
    return tables


def whole_participants(people: Floats, tree: Tree) -> Counts:
    """Whole numbers by (area, group): the city first, children within their parent."""
    found = np.zeros(people.shape, np.int64)
    found[0] = np.rint(people[0].clip(min=0))
    for parents, children in tree.families:
        held = np.moveaxis(np.where((children >= 0)[..., None], people[children], -np.inf), 1, 2)
        sums = found[parents]
        whole = largest_remainder(onto_simplices(held, sums), sums)
        places = children[children >= 0]
        found[places] = np.moveaxis(whole, 2, 1)[children >= 0]
    return found


def fit_table(table: Floats, people: Counts, tree: Tree) -> Floats:
    """The non-negative table (area, group, category) nearest to `table`, parent by parent.

    Rows sum to `people` (area, group) and children add up to their parent.
    """
    fitted: Floats = np.zeros_like(table)
    fitted[0] = onto_simplices(table[0], people[0])
    for parents, children in tree.families:
        there = children >= 0
        target = np.where(there[..., None, None], table[children], 0)
        sums = np.where(there[..., None], people[children], 0)
        within = _within(target, sums, fitted[parents])
        fitted[children[there]] = within[there]
    return fitted


def _within(target: Floats, sums: Counts, columns: Floats) -> Floats:
    """Project (parent, child, group, category) onto given row sums and given sums over children.

    The nearest point is the rows' projection of the target shifted by one price a category; the
    prices are found by accelerated ascent of the concave dual, restarted for each parent and group
    where it would go down. Children without people hold nothing.
    """
    with_people = (sums > 0)[..., None]
    many = np.maximum(with_people.sum(axis=1, keepdims=True), 1)
    price = ahead = np.zeros_like(columns[:, None])
    momentum = np.ones_like(price[..., :1])
    for _ in range(STEPS):
        row = onto_simplices(np.where(with_people, target + ahead, 0.0), sums)
        missing = columns[:, None] - row.sum(axis=1, keepdims=True)
        if np.abs(missing).max(initial=0.0) < TOLERANCE:
            break
        moved = ahead + missing / many
        uphill = (missing * (moved - price)).sum(axis=-1, keepdims=True) > 0
        following = np.where(uphill, (1 + np.sqrt(1 + 4 * momentum**2)) / 2, 1.0)
        ahead = moved + np.where(uphill, (momentum - 1) / following, 0.0) * (moved - price)
        price, momentum = moved, following
    return row


def onto_simplices(table: Floats, sums: Counts) -> Floats:
    """Nearest non-negative rows (last axis) with the given sums; -inf stays zero."""
    ordered = -np.sort(-table, axis=-1)
    with np.errstate(invalid="ignore"):
        excess = np.cumsum(ordered, axis=-1) - sums[..., None]
        size = np.arange(1, table.shape[-1] + 1)
        kept = np.maximum((ordered - excess / size > 0).sum(axis=-1), 1)
    level = np.take_along_axis(excess, kept[..., None] - 1, axis=-1) / kept[..., None]
    fitted: Floats = np.maximum(table - level, 0)
    return fitted


def round_rows(table: Floats, sums: Counts) -> Counts:
    """Whole (leaf, group, category) with the given sums, each leaf making up for the ones before.

    Leaves of one area lie side by side, so the sums over any area stay as near as single cells.
    """
    rounded = np.zeros(table.shape, np.int64)
    carried = np.zeros(table.shape[1:])
    for leaf, row in enumerate(table):
        wanted = row + carried
        rounded[leaf] = largest_remainder(onto_simplices(wanted, sums[leaf]), sums[leaf])
        carried = wanted - rounded[leaf]
    return rounded


def largest_remainder(parts: Floats, sums: Counts) -> Counts:
    """Whole numbers next to non-negative rows with these whole sums (Hamilton's rule)."""
    floor: Counts = np.floor(parts + 1e-9).astype(np.int64)
    missing = sums - floor.sum(axis=-1)
    rank = np.argsort(np.argsort(floor - parts, axis=-1, kind="stable"), axis=-1, kind="stable")
    rounded: Counts = floor + (rank < missing[..., None])
    return rounded
