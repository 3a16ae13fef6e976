"""The city's doors over HTTP: exact cuts, ETags, clear refusals, and nothing but releases."""

import base64
from collections.abc import Iterator

import pytest
from pydantic import TypeAdapter

from service.api.city import nodes, releases
from service.domain.anonymity.specification import current
from service.kit.db import Database
from service.releases import artifact
from service.releases.formats import FORMS
from tests.city_doors import City, open_city
from tests.city_room import contribute, publish_here, regions, someone
from tests.contract import validated

CELL = {
    "level", "region", "metric", "category", "sex", "age", "count", "low", "high",
    "share", "share_low", "share_high", "status",
}  # fmt: skip


SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}
OUTLINES = {
    "type": "FeatureCollection",
    "features": [
        {"type": "Feature", "properties": {"code": area.code}, "geometry": SQUARE}
        for area in regions()
    ],
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """One published release that every reading test shares; it never changes."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('city') / 'kangma.db'}")
    with open_city(database, OUTLINES) as opened:
        # So many that no sum over the city is fitted to nobody, by ten standard deviations.
        contribute(database, [(str(number), someone(number)) for number in range(4_000)])
        publish_here(database)
        yield opened
    database.close()


@pytest.fixture
def empty(database: Database) -> Iterator[City]:
    with open_city(database, None) as opened:
        yield opened


RELEASE = "/v1/city/releases/annual-2026"


@pytest.mark.parametrize("audience", [None, "resident", "doctor"])
def test_only_a_city_token_opens_these_doors(client: City, audience: str | None) -> None:
    for route in releases.router.routes:
        path = route.path.replace("{release_id}", "annual-2026")  # type: ignore[attr-defined]
        query = {"metric": "level"} if path.endswith("/map") else {}
        assert client.get(path, params=query, audience=audience).status_code == 401, path


def test_a_city_token_opens_no_other_door(client: City) -> None:
    """Every operation of the service that asks who is calling turns the city away, but these."""
    routes = [*releases.router.routes, *nodes.router.routes]
    own = {route.path for route in routes}  # type: ignore[attr-defined]
    guarded = 0
    for path, operations in client.app.openapi()["paths"].items():
        if path in own or "get" not in operations or not operations["get"].get("security"):
            continue
        guarded += 1
        filled = path.replace("{", "").replace("}", "")
        assert client.get(filled).status_code == 401, path
    assert guarded > 0


def test_the_list_and_the_manifest_agree(client: City) -> None:
    (listed,) = client.get("/v1/city/releases").json()["items"]
    manifest = client.get(RELEASE)
    assert listed["release_id"] == manifest.json()["release_id"] == "annual-2026"
    assert listed["manifest_sha256"] == artifact.sha256(manifest.content)


def test_a_reader_can_verify_what_was_fetched(client: City) -> None:
    proof = client.get(f"{RELEASE}/signature").json()
    table = client.get(f"{RELEASE}/table").content
    key = base64.urlsafe_b64decode(proof["key"]["x"] + "=")
    signed = artifact.verify(proof["jws"], key, csv_content=table)
    assert signed == client.get(RELEASE).json()


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/signature",
        "/table",
        "/cells?metric=level",
        "/map?metric=level",
        *(f"/table?format={name}" for name in FORMS),
    ],
)
def test_the_same_request_gets_the_same_bytes_and_304(client: City, path: str) -> None:
    first, second = client.get(RELEASE + path), client.get(RELEASE + path)
    assert first.status_code == 200
    assert first.content == second.content
    etag = first.headers["etag"]
    assert etag == f'"sha256-{artifact.sha256(first.content)}"'
    for condition in (etag, f'"other", W/{etag}', "*"):
        again = client.get(RELEASE + path, headers={"If-None-Match": condition})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == etag
    assert client.get(RELEASE + path, headers={"If-None-Match": '"no"'}).status_code == 200


def test_a_release_may_be_cached_forever(client: City) -> None:
    caching = client.get(f"{RELEASE}/table").headers["cache-control"]
    assert "public" in caching
    assert "immutable" in caching


def test_csv_and_json_carry_the_same_numbers(client: City) -> None:
    table = client.get(f"{RELEASE}/table?format=csv")
    assert table.headers["content-type"].startswith("text/csv")
    assert (
        list(artifact.read_csv(table.content))
        == client.get(f"{RELEASE}/table?format=json").json()["items"]
    )


def test_cells_have_the_shape_of_the_contract(client: City) -> None:
    items = client.get(f"{RELEASE}/cells").json()["items"]
    assert all(set(item) == CELL for item in items)
    assert len(items) == len(client.get(f"{RELEASE}/table?format=json").json()["items"])


def test_slices_are_exact_cuts(client: City) -> None:
    everything = client.get(f"{RELEASE}/cells").json()["items"]
    given = {
        "metric": "smoking",
        "level": "district",
        "region": "990102",
        "sex": "male",
        "age": "65+",
    }
    for names in (["metric"], ["level", "sex"], ["region", "age"], list(given)):
        wanted = {name: given[name] for name in names}
        got = client.get(f"{RELEASE}/cells", params=wanted).json()["items"]
        assert got == [
            item for item in everything if all(item[name] == wanted[name] for name in names)
        ]
        assert got


@pytest.mark.parametrize(
    "query",
    [
        "metric=wealth", "level=street", "level=community", "region=990101001", "sex=x",
        "age=18", "metric=",
        "Metric=level", "min_age=3", "metric=level&where=1", "region=9901*", "age=18-34 ",
    ],
)  # fmt: skip
def test_other_questions_are_refused(client: City, query: str) -> None:
    answer = client.get(f"{RELEASE}/cells?{query}")
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("application/problem+json")


def test_every_form_says_what_it_is_and_stays(client: City) -> None:
    for name, form in FORMS.items():
        answer = client.get(f"{RELEASE}/table?format={name}")
        assert answer.headers["content-type"] == form.media_type
        assert "immutable" in answer.headers["cache-control"]


def test_every_form_keeps_the_contract(empty: City, database: Database) -> None:
    made = publish_here(database, cadence="monthly")
    for name in ("csv", *FORMS):
        answer = empty.get(f"/v1/city/releases/{made.release_id}/table?format={name}")
        assert answer.status_code == 200
        validated.check(answer)


@pytest.mark.parametrize("form", ["xlsx", "adx", "Parquet", "CSV", ""])
def test_forms_that_are_not_offered_are_refused_clearly(client: City, form: str) -> None:
    answer = client.get(f"{RELEASE}/table", params={"format": form})
    assert answer.status_code in {400, 422}
    assert answer.headers["content-type"].startswith("application/problem+json")


@pytest.mark.parametrize("name", ["annual-1999", "x", "%00", "ANNUAL-2026", "' OR 1=1"])
def test_unknown_releases_are_not_found(client: City, name: str) -> None:
    for tail in ("", "/table", "/cells", "/signature", "/map?metric=level"):
        assert client.get(f"/v1/city/releases/{name}{tail}").status_code == 404


def test_the_map_shows_every_district_with_its_shares(client: City) -> None:
    drawn = client.get(f"{RELEASE}/map?metric=level").json()
    assert drawn["type"] == "FeatureCollection"
    assert [feature["properties"]["code"] for feature in drawn["features"]] == [
        *(f"9901{number:02d}" for number in range(1, 5)),
        "990100-rest",
    ]
    assert all(feature["geometry"]["type"] == "Polygon" for feature in drawn["features"][:4])
    cells = client.get(f"{RELEASE}/cells?metric=level&region=990103&sex=all&age=all").json()[
        "items"
    ]
    shown = drawn["features"][2]["properties"]["shares"]
    assert shown == {cell["category"]: cell["share"] for cell in cells}
    assert client.get(f"{RELEASE}/map?metric=wealth").status_code == 400
    assert client.get(f"{RELEASE}/map?metric=level&level=village").status_code in {400, 422}
    whole = client.get(f"{RELEASE}/map?metric=level&level=city").json()
    assert [feature["id"] for feature in whole["features"]] == ["990100"]


def test_a_city_without_outlines_says_so(empty: City, database: Database) -> None:
    publish_here(database)
    answer = empty.get(f"{RELEASE}/map?metric=level")
    assert (answer.status_code, answer.json()["code"]) == (404, "no-outlines")


def test_both_databases_serve_the_stored_bytes(empty: City, database: Database) -> None:
    made = publish_here(database)
    table = empty.get(f"{RELEASE}/table")
    assert artifact.sha256(table.content) == made.csv_sha256
    assert artifact.sha256(empty.get(RELEASE).content) == made.manifest_sha256
    assert len(empty.get("/v1/city/budget").json()["charges"]) == 1


def test_indicators_are_read_from_published_cells(client: City) -> None:
    answer = client.get("/v1/city/indicators").json()
    items = {(item["id"], item["part"], item["region"]): item for item in answer["items"]}
    shown = items["hz_risk_level_share", "level 3", "990100"]
    cells = client.get(f"{RELEASE}/cells?metric=level&level=city&sex=all&age=all").json()["items"]
    counts = {cell["category"]: cell["count"] for cell in cells}
    known = sum(counts[level] for level in "12345")
    assert (shown["numerator"], shown["denominator"]) == (counts["3"], known)
    assert shown["value"] == pytest.approx(100 * counts["3"] / known, abs=0.01)
    assert shown["interval"]["low"] <= shown["value"] <= shown["interval"]["high"]
    smokers = items["qs_smoking15", None, "990100"]
    assert smokers["target"] == {"year": 2030, "text": "<20", "op": "<", "number": 20.0}
    assert smokers["year"] == 2026
    assert {item["source"]["release_id"] for item in answer["items"]} == {"annual-2026"}
    assert sum(item["id"] == "hz_risk_map" for item in answer["items"]) == 6


def test_smokers_are_counted_from_fifteen(client: City) -> None:
    cells = client.get(f"{RELEASE}/cells?metric=smoking&level=city").json()["items"]
    adult = [c for c in cells if c["age"] in ("15-17", "18-34", "35-49", "50-64", "65+")]
    shown = next(
        item
        for item in client.get("/v1/city/indicators").json()["items"]
        if item["id"] == "qs_smoking15"
    )
    assert shown["numerator"] == sum(c["count"] for c in adult if c["category"] == "current")
    assert shown["denominator"] == sum(c["count"] for c in adult if c["category"] != "unknown")


def test_before_the_first_release_lists_are_empty(empty: City) -> None:
    client = empty
    assert client.get("/v1/city/releases").json() == {"items": [], "next": None}
    assert client.get("/v1/city/indicators").json()["items"] == []
    assert client.get("/v1/city/budget").json()["charges"] == []
    assert client.get("/v1/city/specification").json()["signature"] is None


def test_specification_and_budget_are_public(client: City) -> None:
    said = client.get("/v1/city/specification").json()
    assert said["sha256"] == artifact.sha256(said["source"].encode()) == current().sha256
    assert said["signature"].count(".") == 2
    ledger = client.get("/v1/city/budget").json()
    (charge,) = ledger["charges"]
    assert (charge["state"], charge["attempts"]) == ("published", 1)
    assert charge["amount"]["epsilon"] <= ledger["year_cap"]["epsilon"]
    assert ledger["year_cap"]["epsilon"] == pytest.approx(1, abs=1e-4)
    assert "53.4%" in ledger["meaning"]["en"]


def test_no_series_is_imported_yet(client: City) -> None:
    assert client.get("/v1/city/imported-series").json() == {"items": [], "next": None}


def test_every_answer_keeps_its_documented_shape(client: City) -> None:
    for route in releases.router.routes:
        path = route.path.replace("{release_id}", "annual-2026")  # type: ignore[attr-defined]
        query = {"metric": "level"} if path.endswith("/map") else {}
        query |= {"format": "json"} if path.endswith("/table") else {}
        answer = client.get(path, params=query)
        assert answer.status_code == 200, path
        TypeAdapter(route.response_model).validate_python(answer.json())  # type: ignore[attr-defined]
