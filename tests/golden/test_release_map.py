"""The map of a release, read back by the `geojson` package and compared with the CSV."""

import json
from typing import Any

import geojson
import pytest

from service.kit.errors import BadRequest, NotFound
from service.releases.formats import picture
from service.releases.store import Artifact
from tests.city_room import regions
from tests.golden.forms import cells, of_every_status, release, text


@pytest.fixture(scope="module")
def finest(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """A release down to communities, without sex and age."""
    return release(tmp_path_factory.mktemp("finest"), "communities")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    return of_every_status(tmp_path_factory.mktemp("forms"))


SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}


def outlines() -> dict[str, Any]:
    drawn = [
        {"type": "Feature", "properties": {"code": area.code}, "geometry": SQUARE}
        for area in regions()
    ]
    return {"type": "FeatureCollection", "features": drawn}


@pytest.mark.parametrize(
    ("of", "level"),
    [
        ("published", "city"),
        ("published", "district"),
        ("finest", "street"),
        ("finest", "community"),
    ],
)
def test_the_map_carries_the_cells(request: pytest.FixtureRequest, of: str, level: str) -> None:
    published: Artifact = request.getfixturevalue(of)
    drawn = geojson.loads(picture.derive(published, "smoking", level, outlines()))
    assert drawn.is_valid
    wanted = {"metric": "smoking", "level": level, "sex": "all", "age": "all"}
    expected = [c for c in cells(published) if all(c[n] == v for n, v in wanted.items())]
    found = [
        (
            feature["id"],
            cell["category"],
            text("count", cell["count"]),
            text("share", cell["share"]),
        )
        for feature in drawn["features"]
        for cell in feature["properties"]["cells"]
    ]
    assert found == [(c["region"], c["category"], c["count"], c["share"]) for c in expected] != []
    for feature in drawn["features"]:
        # What is left of an area has no outline of its own.
        assert feature["geometry"] == (None if feature["id"].endswith("-rest") else SQUARE)


@pytest.mark.parametrize(
    ("metric", "level", "pointer"),
    [
        ("smoking", "street", "/query/level"),
        ("participation", "village", "/query/metric"),
        ("wealth", "city", "/query/metric"),
    ],
)
def test_a_map_of_what_is_not_published_is_refused(
    published: Artifact, metric: str, level: str, pointer: str
) -> None:
    with pytest.raises(BadRequest) as refused:
        picture.derive(published, metric, level, outlines())
    assert refused.value.pointer == pointer
    with pytest.raises(NotFound):
        picture.derive(published, "smoking", "district", None)


def test_merged_divisions_are_drawn_together(published: Artifact) -> None:
    manifest = json.loads(published.manifest)
    area = next(one for one in manifest["regions"]["areas"] if one["level"] == "district")
    area |= {"code": "990101-rest", "members": ["990101001", "990102001", "990109"]}
    table = published.csv.replace(b"district,990101,", b"district,990101-rest,")
    kept = published._replace(manifest=json.dumps(manifest).encode(), csv=table)
    drawn = geojson.loads(picture.derive(kept, "smoking", "district", outlines()))
    assert drawn.is_valid
    geometry = {one["id"]: one["geometry"] for one in drawn["features"]}["990101-rest"]
    assert geometry == {"type": "MultiPolygon", "coordinates": [SQUARE["coordinates"]] * 2}
