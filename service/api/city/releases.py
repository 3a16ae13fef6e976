"""All the city can do: read published releases. No route here reaches a person.

Every answer is made from stored, signed bytes; a slice is an exact-match cut of a fixed universe
of cells. There is no other question the city can ask.
"""

from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Depends, Path, Query, Request, Response

from service.api.body import StrictRoute
from service.api.city.answers import served
from service.api.city.shapes import (
    BudgetOut,
    Cells,
    DataValues,
    ImportedSeries,
    Indicators,
    Level,
    ManifestOut,
    MapOut,
    Releases,
    SignatureOut,
    SpecificationOut,
    TableOut,
)
from service.api.deps import City, Db
from service.releases import formats, views
from service.releases.formats import picture

router = APIRouter(prefix="/v1/city", tags=["city"], route_class=StrictRoute)

ReleaseId = Annotated[str, Path(max_length=40)]
Value = Annotated[str | None, Query(max_length=40)]


def cut(
    metric: Value = None,
    level: Value = None,
    region: Value = None,
    sex: Value = None,
    age: Value = None,
) -> dict[str, str]:
    """The values that cells are asked to equal, by name."""
    given = {"metric": metric, "level": level, "region": region, "sex": sex, "age": age}
    return {name: value for name, value in given.items() if value is not None}


Cut = Annotated[dict[str, str], Depends(cut)]
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    304: {"description": "The client's copy is current."}
}
FORMS: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            "application/vnd.apache.parquet": {"schema": {}},  # Bytes have no type.
            "application/fhir+json": {"schema": {"type": "object", "additionalProperties": True}},
            "application/vnd.sdmx.data+csv": {"schema": {"type": "string"}},
        }
    }
}


@router.get("/releases", response_model=Releases, responses=NOT_MODIFIED)
async def list_releases(request: Request, _: City, db: Db) -> Response:
    """Every published release, newest first."""
    return served(request, await db.aread(views.listed), immutable=False)


@router.get("/releases/{release_id}", response_model=ManifestOut, responses=NOT_MODIFIED)
async def get_release(release_id: ReleaseId, request: Request, _: City, db: Db) -> Response:
    """The manifest: method, budget, precision, coverage and hashes. These bytes are signed."""
    kept = await db.aread(lambda conn: views.find(conn, release_id))
    return served(request, kept.manifest)


@router.get("/releases/{release_id}/signature", response_model=SignatureOut, responses=NOT_MODIFIED)
async def get_release_signature(
    release_id: ReleaseId, request: Request, _: City, db: Db
) -> Response:
    """A compact EdDSA JWS over the manifest, with the public key."""
    kept = await db.aread(lambda conn: views.find(conn, release_id))
    return served(request, views.signature(kept))


@router.get(
    "/releases/{release_id}/table",
    response_model=TableOut | DataValues,
    responses=NOT_MODIFIED | FORMS,
)
async def get_release_table(
    release_id: ReleaseId,
    request: Request,
    _: City,
    db: Db,
    form: Annotated[formats.Name, Query(alias="format")] = "csv",
) -> Response:
    """The whole table: the signed CSV, or a form derived from it with the same numbers.

    `json` rows, `parquet`, `dhis2` data values, `measurereport` (FHIR R4) or `sdmx` (SDMX-CSV 2.0).
    """
    kept = await db.aread(lambda conn: views.find(conn, release_id))
    body, media_type = await to_thread.run_sync(formats.in_form, kept, form)
    return served(request, body, media_type=media_type)


@router.get("/releases/{release_id}/cells", response_model=Cells, responses=NOT_MODIFIED)
async def list_release_cells(
    release_id: ReleaseId,
    request: Request,
    _: City,
    db: Db,
    wanted: Cut,
) -> Response:
    """The cells that equal every given value; totals are `all` on their axis."""
    kept = await db.aread(lambda conn: views.find(conn, release_id))
    return served(request, views.cells(kept, wanted))


@router.get("/releases/{release_id}/map", response_model=MapOut, responses=NOT_MODIFIED)
async def get_release_map(
    release_id: ReleaseId,
    request: Request,
    _: City,
    db: Db,
    metric: Annotated[str, Query(max_length=40)],
    level: Level = "district",
) -> Response:
    """GeoJSON of the districts, streets or communities with the shares of one metric."""
    kept = await db.aread(lambda conn: views.find(conn, release_id))
    outlines = getattr(request.app.state, "outlines", None)
    # The numbers never change but the outlines may be loaded anew, so a client asks again.
    return served(request, picture.derive(kept, metric, level, outlines), immutable=False)


@router.get("/indicators", response_model=Indicators, responses=NOT_MODIFIED)
async def list_indicators(request: Request, _: City, db: Db) -> Response:
    """Indicators of the city's plans from the latest release: value, interval, target, year."""
    return served(request, await db.aread(views.indicators), immutable=False)


@router.get("/specification", response_model=SpecificationOut, responses=NOT_MODIFIED)
async def get_specification(request: Request, _: City, db: Db) -> Response:
    """What is published, at which resolution and for how much budget."""
    return served(request, await db.aread(views.specification), immutable=False)


@router.get("/budget", response_model=BudgetOut, responses=NOT_MODIFIED)
async def get_budget(request: Request, _: City, db: Db) -> Response:
    """The privacy ledger: caps, what is spent, and on which releases."""
    return served(request, await db.aread(views.budget), immutable=False)


@router.get("/imported-series", response_model=ImportedSeries, responses=NOT_MODIFIED)
async def list_imported_series(request: Request, _: City) -> Response:
    """Aggregates of other registers (mortality, air) with their sources; none is imported yet."""
    return served(request, views.imported_series(), immutable=False)
