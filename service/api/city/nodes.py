"""Releases of other publishers beside this node's own, as they were signed, and added up."""

from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Path, Query, Request, Response

from service.api.body import StrictRoute
from service.api.city.answers import served
from service.api.city.releases import FORMS, NOT_MODIFIED, Cut, ReleaseId
from service.api.city.shapes import (
    Cells,
    DataValues,
    ManifestOut,
    Merged,
    Nodes,
    SignatureOut,
    TableOut,
)
from service.api.deps import City, Db
from service.releases import formats, views
from service.releases.nodes import merge
from service.releases.nodes import views as pulled

router = APIRouter(prefix="/v1/city", tags=["city"], route_class=StrictRoute)

NodeName = Annotated[str, Path(max_length=40)]
RELEASE = "/nodes/{node}/releases/{release_id}"


@router.get("/nodes", response_model=Nodes, responses=NOT_MODIFIED)
async def list_nodes(request: Request, _: City, db: Db) -> Response:
    """This node and every other whose releases are pulled, with the releases that are here."""
    return served(request, await db.aread(pulled.listed), immutable=False)


@router.get(RELEASE, response_model=ManifestOut, responses=NOT_MODIFIED)
async def get_node_release(
    node: NodeName, release_id: ReleaseId, request: Request, _: City, db: Db
) -> Response:
    """The manifest of a node's release, in the bytes that node signed."""
    kept = await db.aread(lambda conn: pulled.find(conn, node, release_id))
    return served(request, kept.manifest)


@router.get(f"{RELEASE}/signature", response_model=SignatureOut, responses=NOT_MODIFIED)
async def get_node_release_signature(
    node: NodeName, release_id: ReleaseId, request: Request, _: City, db: Db
) -> Response:
    """That node's JWS over its manifest, with the key that was trusted."""
    kept = await db.aread(lambda conn: pulled.find(conn, node, release_id))
    return served(request, views.signature(kept))


@router.get(
    f"{RELEASE}/table", response_model=TableOut | DataValues, responses=NOT_MODIFIED | FORMS
)
async def get_node_release_table(
    node: NodeName,
    release_id: ReleaseId,
    request: Request,
    _: City,
    db: Db,
    form: Annotated[formats.Name, Query(alias="format")] = "csv",
) -> Response:
    """A node's whole table: the signed CSV, or a form of it as for this node's own."""
    kept = await db.aread(lambda conn: pulled.find(conn, node, release_id))
    body, media_type = await to_thread.run_sync(formats.in_form, kept, form)
    return served(request, body, media_type=media_type)


@router.get(f"{RELEASE}/cells", response_model=Cells, responses=NOT_MODIFIED)
async def list_node_release_cells(
    node: NodeName,
    release_id: ReleaseId,
    request: Request,
    _: City,
    db: Db,
    wanted: Cut,
) -> Response:
    """A node's cells that equal every given value; totals are `all` on their axis."""
    kept = await db.aread(lambda conn: pulled.find(conn, node, release_id))
    return served(request, views.cells(kept, wanted))


@router.get("/merged/{release_id}", response_model=Merged, responses=NOT_MODIFIED)
async def get_merged_release(release_id: ReleaseId, request: Request, _: City, db: Db) -> Response:
    """One release over all nodes: counts added, intervals combined, missing nodes named."""
    return served(
        request, await db.aread(lambda conn: merge.merged(conn, release_id)), immutable=False
    )
