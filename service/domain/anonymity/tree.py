"""Sums and weighted least squares over a tree of areas, balanced or not.

Arrays have one row an area, in pre-order; further axes (groups, categories) are carried along.
The two passes are the exact generalised least squares of measurements with independent noise at
some or all nodes (Hay, Rastogi, Miklau, Suciu, "Boosting the Accuracy of Differentially Private
Histograms Through Consistency", VLDB 2010, section 4, here with any weights and any tree).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Number = TypeVar("Number", np.int64, np.float64)


@dataclass(frozen=True)
class Tree:
    """`parents[n]` is the row of the parent of row n, -1 for the root, which is row 0."""

    parents: Counts

    @cached_property
    def depths(self) -> tuple[Counts, ...]:
        """The rows of each depth, the root first."""
        depth = np.zeros(len(self.parents), np.int64)
        for row in range(1, len(self.parents)):
            depth[row] = depth[self.parents[row]] + 1
        return tuple(np.flatnonzero(depth == d) for d in range(int(depth.max()) + 1))

    @cached_property
    def leaves(self) -> Counts:
        """The rows without children."""
        return np.setdiff1d(np.arange(len(self.parents)), self.parents)

    @cached_property
    def families(self) -> tuple[tuple[Counts, Counts], ...]:
        """By depth of the children, from above: (parents, their children).

        Children are padded to (parents, most children) with -1.
        """
        found = []
        for rows in self.depths[1:]:
            above = np.unique(self.parents[rows])
            lists = [rows[self.parents[rows] == parent] for parent in above]
            padded = np.full((len(above), max(len(children) for children in lists)), -1)
            for line, children in zip(padded, lists, strict=True):
                line[: len(children)] = children
            found.append((above, padded))
        return tuple(found)

    def total(self, leaf_values: NDArray[Number]) -> NDArray[Number]:
        """Values of all areas from those of the leaves (in the order of `leaves`)."""
        values = np.zeros((len(self.parents), *leaf_values.shape[1:]), leaf_values.dtype)
        values[self.leaves] = leaf_values
        for rows in self.depths[:0:-1]:
            np.add.at(values, self.parents[rows], values[rows])
        return values

    def fit(self, measured: Floats, precision: Floats) -> tuple[Floats, Floats]:
        """(estimates, variances) of all areas: the best linear unbiased ones.

        `measured` has one row an area and any further axes; `precision` is 1 / variance of each
        row, 0 where it was not measured. Every leaf must be measured.
        """
        own, variance, below, spread = self._upward(measured, precision)
        fitted, final = own.copy(), variance.copy()
        for rows in self.depths[1:]:
            above = self.parents[rows]
            gain = variance[rows] / spread[above]
            fitted[rows] = own[rows] + _along(gain, own) * (fitted[above] - below[above])
            final[rows] = variance[rows] - gain**2 * (spread[above] - final[above])
        return fitted, final

    def _upward(self, measured: Floats, precision: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """What an area and all below it say of it: value, variance; and the sums of children."""
        value = np.asarray(measured, np.float64).copy()
        with np.errstate(divide="ignore"):
            variance = 1 / np.asarray(precision, np.float64)
        below, spread = np.zeros_like(value), np.zeros_like(variance)
        for rows in self.depths[:0:-1]:
            above = np.unique(self.parents[rows])
            np.add.at(below, self.parents[rows], value[rows])
            np.add.at(spread, self.parents[rows], variance[rows])
            joint = 1 / (precision[above] + 1 / spread[above])
            value[above] = _along(joint, value) * (
                _along(precision[above], value) * measured[above]
                + below[above] / _along(spread[above], value)
            )
            variance[above] = joint
        return value, variance, below, spread


def _along(column: Floats, like: Floats) -> Floats:
    return column.reshape(-1, *(1,) * (like.ndim - 1))


ROOT_ALONE = Tree(np.array([-1]))
"""The whole city and nothing below it."""
