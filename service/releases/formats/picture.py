"""GeoJSON (RFC 7946): the shares of one metric on the outlines of the areas of one level."""

import json
from typing import Any

from consent.vocabulary import Text
from service.kit.errors import BadRequest, NotFound
from service.kit.hashing import canonical_json
from service.releases import artifact as artifacts
from service.releases.formats.published import ALL
from service.releases.store import Artifact

NO_OUTLINES = Text("没有可用的区划轮廓。", "No outlines of the regions are loaded.")
NOT_AT_LEVEL = Text(
    "该期发布没有此层级的这一指标。", "This release has no such metric at this level of divisions."
)
SHOWN = ("category", "count", "share", "share_low", "share_high", "status")


def derive(kept: Artifact, metric: str, level: str, outlines: dict[str, Any] | None) -> bytes:
    """One feature for each area of the level, with a null geometry where no outline is known.

    `outlines` is a FeatureCollection whose features have the property `code`. BadRequest when the
    release does not publish the metric at the level, NotFound without any outlines.
    """
    if outlines is None:
        raise NotFound(NO_OUTLINES, code="no-outlines")
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in artifacts.read_csv(kept.csv):
        if (row["metric"], row["level"], row["sex"], row["age"]) == (metric, level, ALL, ALL):
            rows.setdefault(row["region"], []).append(row)
    manifest = json.loads(kept.manifest)
    if not rows:
        known = metric in {one["id"] for one in manifest["metrics"]}
        pointer = "/query/level" if known else "/query/metric"
        raise BadRequest(NOT_AT_LEVEL, code="unknown-value", pointer=pointer)
    shapes = {one["properties"].get("code"): one["geometry"] for one in outlines["features"]}
    areas = [area for area in manifest["regions"]["areas"] if area["level"] == level]
    return canonical_json(
        {
            "type": "FeatureCollection",
            "release_id": kept.release_id,
            "metric": metric,
            "level": level,
            "voluntary": manifest["voluntary"],
            "features": [_feature(area, shapes, rows[area["code"]]) for area in areas],
        }
    )


def _feature(
    area: dict[str, Any], shapes: dict[str, Any], rows: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": area["code"],
        "geometry": _outline(area, shapes),
        "properties": {
            "code": area["code"],
            "name": area["name"],
            "shares": {row["category"]: row["share"] for row in rows},
            "cells": [{name: row[name] for name in SHOWN} for row in rows],
        },
    }


def _outline(area: dict[str, Any], shapes: dict[str, Any]) -> dict[str, Any] | None:
    """Its own outline; small divisions that were merged into one area show theirs together."""
    if area["code"] in shapes:
        own: dict[str, Any] | None = shapes[area["code"]]
        return own
    polygons: list[Any] = []
    for code in area.get("members", ()):
        shape = shapes.get(code)
        if shape is not None:
            parts = shape["coordinates"]
            polygons += parts if shape["type"] == "MultiPolygon" else [parts]
    return {"type": "MultiPolygon", "coordinates": polygons} if polygons else None
