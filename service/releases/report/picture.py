"""The map of the report: districts filled by one published share, as shapes of an SVG."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import cos, radians
from typing import Any

WIDTH = 640.0
MARGIN = 8.0
SHADES = ("#eef4ee", "#cfe3d3", "#a3cbb0", "#6fae8a", "#3d8a66", "#1f6148")
"""From low to high."""
WHITE_FROM = len(SHADES) - 2
"""The darkest two carry white words; on the others black has the better contrast."""
Ring = list[list[float]]


@dataclass(frozen=True)
class Shape:
    """One area: its path, its shade, and where its name stands."""

    code: str
    path: str
    fill: str
    ink: str
    x: str
    y: str


@dataclass(frozen=True)
class Picture:
    height: str
    shapes: list[Shape]
    scale: list[tuple[str, str]]
    """Shades with the lowest percentage each stands for."""


def draw(
    codes: Iterable[str], shares: Mapping[str, float | None], outlines: dict[str, Any] | None
) -> Picture | None:
    """The areas that have an outline; None without any. A share that is unknown stays white."""
    found = {code: rings for code in codes if (rings := list(_rings(code, outlines or {})))}
    if not found:
        return None
    points = [point for rings in found.values() for ring in rings for point in ring]
    project, height = _projection(points)
    known = [share for code in found if (share := shares.get(code)) is not None]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    shapes = [
        _shape(code, rings, _shade(shares.get(code), low, high), project)
        for code, rings in sorted(found.items())
    ]
    step = (high - low) / len(SHADES)
    scale = [(shade, f"{(low + step * n) * 100:.1f}") for n, shade in enumerate(SHADES)]
    return Picture(f"{height:.1f}", shapes, scale)


def _rings(code: str, outlines: dict[str, Any]) -> Iterator[Ring]:
    for feature in outlines.get("features", ()):
        if feature["properties"].get("code") != code:
            continue
        shape = feature["geometry"]
        polygons = shape["coordinates"]
        for polygon in polygons if shape["type"] == "MultiPolygon" else [polygons]:
            yield from polygon


def _projection(points: list[list[float]]) -> tuple[Any, float]:
    """Degrees to the picture: true at the middle latitude, which is enough for a city."""
    west, east = min(p[0] for p in points), max(p[0] for p in points)
    south, north = min(p[1] for p in points), max(p[1] for p in points)
    squeeze = cos(radians((south + north) / 2))
    scale = (WIDTH - 2 * MARGIN) / (((east - west) * squeeze) or 1.0)

    def project(point: list[float]) -> tuple[float, float]:
        return (
            MARGIN + (point[0] - west) * squeeze * scale,
            MARGIN + (north - point[1]) * scale,
        )

    return project, 2 * MARGIN + (north - south) * scale


def _shade(share: float | None, low: float, high: float) -> int | None:
    if share is None:
        return None
    place = (share - low) / ((high - low) or 1.0) * len(SHADES)
    return min(int(place), len(SHADES) - 1)


def _shape(code: str, rings: list[Ring], shade: int | None, project: Any) -> Shape:
    drawn = [[project(point) for point in ring] for ring in rings]
    path = " ".join("M" + " L".join(f"{x:.1f},{y:.1f}" for x, y in ring) + " Z" for ring in drawn)
    corners = [point for ring in drawn for point in ring]
    x = sum(point[0] for point in corners) / len(corners)
    y = sum(point[1] for point in corners) / len(corners)
    fill = "#ffffff" if shade is None else SHADES[shade]
    ink = "#ffffff" if shade is not None and shade >= WHITE_FROM else "#14231c"
    return Shape(code, path, fill, ink, f"{x:.1f}", f"{y:.1f}")
