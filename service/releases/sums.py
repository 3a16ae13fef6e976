"""Whether a table adds up: what anybody may expect of a release, whoever published it."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from service.kit.errors import IntegrityBroken
from service.releases.formats.published import ALL, PARTICIPATION, UNPUBLISHED

Cell = tuple[str, str, str, str, str]
"""Region, metric, category, sex, age."""
Whole = tuple[str, Cell, int]
"""By what it is divided, the cell itself, and how many parts it has."""


def check(manifest: dict[str, Any], rows: Iterable[dict[str, Any]]) -> None:
    """IntegrityBroken unless divisions add up to the one above, categories to participants and
    sexes and ages to totals, no cell is missing among them or there twice, and every count is at
    least nothing and inside its interval.

    Sums with a part that is not published are not judged.
    """
    listed = list(rows)
    strata = len({(row["sex"], row["age"]) for row in listed}) - 1
    shape = _Shape(manifest, strata)
    counts: dict[Cell, int | None] = {}
    sums: dict[Whole, list[int | None]] = {}
    for row in listed:
        cell = (row["region"], row["metric"], row["category"], row["sex"], row["age"])
        counts[cell] = _count(row)
        for whole in shape.wholes(cell):
            sums.setdefault(whole, []).append(counts[cell])
    if len(counts) != len(listed) or not all(
        len(parts) == whole[2] and whole[1] in counts and _equal(counts[whole[1]], parts)
        for whole, parts in sums.items()
    ):
        raise IntegrityBroken


class _Shape:
    """What a manifest says of cells: which division lies in which, how many words a metric has."""

    def __init__(self, manifest: dict[str, Any], strata: int) -> None:
        areas = manifest["regions"]["areas"]
        self._above = {area["code"]: area["parent"] for area in areas}
        self._children = Counter(self._above.values())
        self._words = {one["id"]: len(one["categories"]) for one in manifest["metrics"]}
        self._strata = strata

    def wholes(self, cell: Cell) -> Iterator[Whole]:
        """What a cell is a part of."""
        region, metric, category, sex, age = cell
        above = self._above[region]
        if above is not None:
            yield "area", (above, metric, category, sex, age), self._children[above]
        if metric != PARTICIPATION:
            yield metric, (region, PARTICIPATION, ALL, sex, age), self._words[metric]
        if (sex, age) != (ALL, ALL):
            yield "group", (region, metric, category, ALL, ALL), self._strata


def _count(row: dict[str, Any]) -> int | None:
    if row["status"] == UNPUBLISHED:
        return None
    count: int = row["count"]
    if not (count >= 0 and row["low"] <= count <= row["high"]):
        raise IntegrityBroken
    return count


def _equal(whole: int | None, parts: list[int | None]) -> bool:
    known = [part for part in parts if part is not None]
    return whole is None or len(known) < len(parts) or sum(known) == whole
