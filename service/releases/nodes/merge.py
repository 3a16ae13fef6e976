"""The releases of one period from several nodes as one table: published cells added, no other.

Each node answers for the area at the root of its divisions. Counts are added, and so are the
variances of their noise, which follow from the sigmas in the manifests; an interval is made of
these two as in a release. A node without the release is named and nothing is put in its place.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from math import ceil, floor, sqrt
from typing import Any

import numpy as np
from sqlalchemy import Connection

from consent.vocabulary import Text
from service.domain.anonymity import specification as specifications
from service.domain.anonymity.estimates import Precision
from service.domain.anonymity.intervals import interval, whole
from service.kit.errors import Conflict, NotFound
from service.kit.hashing import canonical_json
from service.releases import artifact as artifacts
from service.releases import store as own
from service.releases import views
from service.releases.formats.published import PARTICIPATION, UNPUBLISHED
from service.releases.nodes import store
from service.releases.nodes.trust import OWN
from service.releases.precision import precision_of
from service.releases.store import Artifact

KEY = ("metric", "category", "sex", "age")
Key = tuple[str, ...]
Row = dict[str, Any]
PLACES = 10_000
"""Shares have four decimals, their ends rounded outward."""
OVERLAP = Text(
    "两个节点发布了同一区划，不能相加。",
    "Two nodes publish the same division, so their counts cannot be added.",
)


@dataclass(frozen=True)
class Part:
    """What one node published for the whole of its divisions."""

    node: str
    kept: Artifact

    @cached_property
    def manifest(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.kept.manifest)
        return found

    @property
    def areas(self) -> list[dict[str, Any]]:
        areas: list[dict[str, Any]] = self.manifest["regions"]["areas"]
        return areas

    @cached_property
    def root(self) -> dict[str, Any]:
        return next(area for area in self.areas if area["parent"] is None)

    @cached_property
    def rows(self) -> dict[Key, Row]:
        code = self.root["code"]
        return {
            tuple(row[name] for name in KEY): row
            for row in artifacts.read_csv(self.kept.csv)
            if row["region"] == code
        }

    @cached_property
    def precision(self) -> Precision:
        groups = len({key[2:] for key in self.rows} - {("all", "all")})
        return precision_of(self.manifest, groups or 1)

    def variance(self, key: Key) -> float:
        """Of the noise in one published count of the whole, from the manifest's sigmas."""
        return float(self.precision.variance(key[0])[0]) * self._groups(key)

    def joint(self, key: Key, share: float) -> float:
        """Variance of the count minus `share` times the participants."""
        size = len(self.precision.shapes[key[0]].categories)
        people = self.variance((PARTICIPATION, "all", *key[2:]))
        return self.variance(key) - 2 * share * people / size + share**2 * people

    def _groups(self, key: Key) -> int:
        return self.precision.groups if key[2:] == ("all", "all") else 1


def merged(conn: Connection, release_id: str) -> bytes:
    """The table of a release over all nodes that have it; NotFound when none does.

    Conflict when two of them publish the same division.
    """
    found, missing = _parts(conn, release_id)
    if not found:
        raise NotFound
    told = found[0].manifest
    wanted = told["specification"]["sha256"]
    same = [part for part in found if part.manifest["specification"]["sha256"] == wanted]
    others = [part.node for part in found if part not in same]
    _no_overlap(same)
    return canonical_json(
        {
            "release_id": release_id,
            "period": told["period"],
            "specification": told["specification"],
            "complete": not missing and not others,
            "missing": missing,
            "other_specification": others,
            "sources": [_source(part) for part in same],
            "items": [_cell(key, same) for key in same[0].rows],
            "next": None,
        }
    )


def _parts(conn: Connection, release_id: str) -> tuple[list[Part], list[str]]:
    """Nodes that have the release, this one first, and the names of those that have not.

    A node that never published anything is no publisher: this one may only gather.
    """
    found, missing = [], []
    publishes = own.latest(conn) is not None
    kept = own.artifact(conn, release_id) if views.RELEASE_ID.fullmatch(release_id) else None
    if kept is not None:
        found.append(Part(OWN, kept))
    elif publishes:
        missing.append(OWN)
    for node in store.all_nodes(conn):
        pulled = store.artifact(conn, node.name, release_id)
        if pulled is None:
            missing.append(node.name)
        else:
            found.append(Part(node.name, pulled))
    return found, missing


def _no_overlap(parts: Iterable[Part]) -> None:
    seen: set[str] = set()
    for part in parts:
        codes = {area["code"] for area in part.areas}
        codes |= {code for area in part.areas for code in area["members"]}
        if codes & seen:
            raise Conflict(OVERLAP)
        seen |= codes


def _source(part: Part) -> dict[str, Any]:
    return {
        "node": part.node,
        "region": part.root["code"],
        "name": part.root["name"],
        "population": part.root["population"],
        "manifest_sha256": part.kept.manifest_sha256,
        "table_sha256": part.kept.csv_sha256,
    }


def _cell(key: Key, parts: list[Part]) -> Row:
    """One cell of all parts; without numbers when any part does not publish it."""
    cell: Row = dict(zip(KEY, key, strict=True))
    rows = [part.rows.get(key) for part in parts]
    known = [row for row in rows if row is not None and row["status"] != UNPUBLISHED]
    if len(known) < len(parts):
        empty = dict.fromkeys(("count", "low", "high", "share", "share_low", "share_high"), None)
        return cell | empty | {"status": UNPUBLISHED}
    counted = _added(known, [part.variance(key) for part in parts])
    shares = _shares(key, parts, counted)
    return cell | counted | shares | {"status": _status(key, counted, shares)}


def _added(rows: list[Row], variances: list[float]) -> Row:
    count = sum(row["count"] for row in rows)
    ends = whole(*interval(np.array(float(count)), np.array(sqrt(sum(variances)))))
    return {"count": count, "low": min(int(ends[0]), count), "high": max(int(ends[1]), count)}


def _shares(key: Key, parts: list[Part], counted: Row) -> Row:
    """Of the participants of all parts; for participation, of their census population.

    By the delta method, as in each release: parts are independent, so their variances add up.
    """
    weights = _weights(key, parts)
    if weights is None:
        return {"share": None, "share_low": None, "share_high": None}
    total = sum(weights)
    if key[0] == PARTICIPATION:
        low, high = counted["low"] / total, counted["high"] / total
        return _rounded(counted["count"] / total, low, high)
    share = counted["count"] / total
    people = sum(part.variance((PARTICIPATION, "all", *key[2:])) for part in parts)
    joint = sum(part.joint(key, share) for part in parts)
    if total < 2 * sqrt(people):
        # The denominator itself cannot be told from nobody: the share may be anything.
        return _rounded(share, 0.0, 1.0)
    low, high = interval(np.array(share), np.array(sqrt(max(joint, 0.0)) / total))
    return _rounded(share, min(float(low), share), min(max(float(high), share), 1.0))


def _rounded(share: float, low: float, high: float) -> Row:
    return {
        "share": round(share, 4),
        "share_low": max(floor(low * PLACES + 1e-9) / PLACES, 0.0),
        "share_high": ceil(high * PLACES - 1e-9) / PLACES,
    }


def _weights(key: Key, parts: list[Part]) -> list[int] | None:
    metric, _, sex, age = key
    if metric == PARTICIPATION:
        sizes = [part.root["population"] for part in parts]
        return sizes if all(sizes) and (sex, age) == ("all", "all") else None
    people = [part.rows[(PARTICIPATION, "all", sex, age)]["count"] for part in parts]
    return None if None in people or not sum(people) else people


def _status(key: Key, counted: Row, shares: Row) -> str:
    """By the limits of the specification, on the combined interval."""
    limits = specifications.current().precision
    if key[0] == PARTICIPATION:
        half = (counted["high"] - counted["low"]) / 2
        fine = half <= limits.ok_relative_half_width * max(counted["count"], 1)
    elif shares["share"] is None:
        fine = False
    else:
        fine = (shares["share_high"] - shares["share_low"]) / 2 <= limits.ok_half_width
    return "ok" if fine else "low_precision"
