"""Wanglan (望澜市), a city that does not exist: its divisions and their outlines.

4 districts, 12 streets and 48 communities, one and a half million people. Codes follow the shape
of GB/T 2260 (6, 9 and 12 digits) under the unassigned prefix 99, so that they meet no real place.
Outlines are a jittered grid in the open East China Sea. All of it is a function of this file alone.
"""

import random
from collections.abc import Iterator
from typing import Any

CITY = "990100"
DISTRICTS = [
    # name zh, en, urban, streets (zh, en)
    ("临海区", "Linhai", True, [("潮音", "Chaoyin"), ("灯塔", "Dengta"), ("望江", "Wangjiang")]),
    ("云岭区", "Yunling", True, [("松风", "Songfeng"), ("竹溪", "Zhuxi"), ("茶园", "Chayuan")]),
    ("新川区", "Xinchuan", True, [("科苑", "Keyuan"), ("星湖", "Xinghu"), ("长桥", "Changqiao")]),
    ("稻香县", "Daoxiang", False, [("麦田", "Maitian"), ("荷塘", "Hetang"), ("石坊", "Shifang")]),
]
COMMUNITIES = [("东", "East"), ("南", "South"), ("西", "West"), ("北", "North")]
WEST, NORTH, CELL = 125.0, 30.0, 0.02
COLUMNS = 12


def regions() -> dict[str, Any]:
    """The region tree in the format of `service.domain.regions`. Populations are census-like."""
    rows = [_row(CITY, "望澜市", "Wanglan City", "city", None, True, 0)]
    for code, (zh, en, urban, _) in zip(_codes(CITY, 4, 2), DISTRICTS, strict=True):
        rows.append(_row(code, zh, f"{en} {_kind(urban)}", "district", CITY, urban, 0))
    for code, parent, urban, (zh, en) in _streets():
        rows.append(_row(code, f"{zh}街道", f"{en} Subdistrict", "street", parent, urban, 0))
    for code, parent, urban, zh, en, people in _communities():
        rows.append(_row(code, f"{zh}社区", f"{en} Community", "community", parent, urban, people))
    _add_up(rows)
    return {"version": 1, "source": "fictional; written for the demonstration", "regions": rows}


def outlines() -> dict[str, Any]:
    """GeoJSON of all divisions; a parent's outline is the multipolygon of its communities."""
    cells = {code: _outline(number) for number, (code, *_) in enumerate(_communities())}
    features = []
    for row in regions()["regions"]:
        stem = row["code"][:4] if row["level"] == "city" else row["code"]
        rings = [[ring] for code, ring in cells.items() if code.startswith(stem)]
        geometry = {"type": "MultiPolygon", "coordinates": rings}
        properties = {"code": row["code"], "name": row["name"], "level": row["level"]}
        features.append({"type": "Feature", "properties": properties, "geometry": geometry})
    return {"type": "FeatureCollection", "features": features}


def _row(
    code: str, zh: str, en: str, level: str, parent: str | None, urban: bool, people: int
) -> dict[str, Any]:
    return {
        "code": code,
        "name": {"zh": zh, "en": en},
        "level": level,
        "parent": parent,
        "north": True,
        "urban": urban,
        "population": people,
    }


def _kind(urban: bool) -> str:
    return "District" if urban else "County"


def _codes(parent: str, count: int, digits: int) -> list[str]:
    if digits == 2:
        return [f"{parent[:4]}{number:02d}" for number in range(1, count + 1)]
    return [f"{parent}{number:03d}" for number in range(1, count + 1)]


def _streets() -> Iterator[tuple[str, str, bool, tuple[str, str]]]:
    for district, (_, _, urban, streets) in zip(_codes(CITY, 4, 2), DISTRICTS, strict=True):
        for code, name in zip(_codes(district, len(streets), 3), streets, strict=True):
            yield code, district, urban, name


def _communities() -> Iterator[tuple[str, str, bool, str, str, int]]:
    dice = random.Random(990100)  # noqa: S311 - a fictional map needs no secrecy
    for street, _, urban, (zh, en) in _streets():
        for code, (side_zh, side_en) in zip(_codes(street, 4, 3), COMMUNITIES, strict=True):
            people = dice.randrange(24_000, 44_000) if urban else dice.randrange(9_000, 20_000)
            yield code, street, urban, f"{zh}{side_zh}", f"{en} {side_en}", people


def _add_up(rows: list[dict[str, Any]]) -> None:
    by_code = {row["code"]: row for row in rows}
    for row in rows:
        if row["level"] != "community":
            continue
        above = by_code[row["parent"]]
        while True:
            above["population"] += row["population"]
            if above["parent"] is None:
                break
            above = by_code[above["parent"]]


def _outline(number: int) -> list[list[float]]:
    column, line = number % COLUMNS, number // COLUMNS
    corners = [(column, line), (column + 1, line), (column + 1, line + 1), (column, line + 1)]
    ring = [_corner(x, y) for x, y in corners]
    # RFC 7946 asks for counter-clockwise outer rings; lines grow southward, so turn round.
    ring.reverse()
    return [*ring, ring[0]]


def _corner(x: int, y: int) -> list[float]:
    dice = random.Random(x * 1000 + y)  # noqa: S311 - shared corners must jitter alike
    east = WEST + CELL * (x + dice.uniform(-0.25, 0.25))
    north = NORTH - CELL * (y + dice.uniform(-0.25, 0.25))
    return [round(east, 6), round(north, 6)]
