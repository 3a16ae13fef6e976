"""The releases of one period from several nodes as one table: published cells added, no other.

Each node answers for the area at the root of its divisions. Counts are added; the half-widths of
independent intervals are combined as the root of the sum of their squares, below and above apart.
A node without the release is named and nothing is put in its place.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from math import ceil, floor, hypot
from typing import Any

from sqlalchemy import Connection

from consent.vocabulary import Text
from service.domain.anonymity import specification as specifications
from service.kit.errors import Conflict, NotFound
from service.kit.hashing import canonical_json
from service.releases import artifact as artifacts
from service.releases import store as own
from service.releases import views
from service.releases.formats.published import PARTICIPATION, UNPUBLISHED
from service.releases.nodes import store
from service.releases.nodes.trust import OWN
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
    counted = _added(known)
    shares = _shares(key, parts, known, counted)
    return cell | counted | shares | {"status": _status(key, counted, shares)}


def _added(rows: list[Row]) -> Row:
    count = sum(row["count"] for row in rows)
    below = hypot(*(row["count"] - row["low"] for row in rows))
    above = hypot(*(row["high"] - row["count"] for row in rows))
    return {"count": count, "low": floor(count - below), "high": ceil(count + above)}


def _shares(key: Key, parts: list[Part], rows: list[Row], counted: Row) -> Row:
    """Of the participants of all parts; for participation, of their census population."""
    weights = _weights(key, parts)
    nothing = {"share": None, "share_low": None, "share_high": None}
    if weights is None or any(row["share"] is None for row in rows):
        return nothing
    share = counted["count"] / sum(weights)
    pairs = [(weight / sum(weights), row) for weight, row in zip(weights, rows, strict=True)]
    below = hypot(*(weight * (row["share"] - row["share_low"]) for weight, row in pairs))
    above = hypot(*(weight * (row["share_high"] - row["share"]) for weight, row in pairs))
    top = share + above if key[0] == PARTICIPATION else min(share + above, 1.0)
    return {
        "share": round(share, 4),
        "share_low": max(floor((share - below) * PLACES) / PLACES, 0.0),
        "share_high": ceil(top * PLACES) / PLACES,
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
