"""The page of `bench.reading` without security: records as plain JSON in a table of their own.

It checks the same parameters, changes threads, runs one statement, shapes and spells as the
service's own route does, and stands at its place among the routes.
"""

import json
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, FastAPI, Query, Request, Response
from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, Text, bindparam, select
from starlette.routing import Match

from consent.vocabulary import Action
from service.api import records as shapes
from service.api.body import StrictRoute
from service.api.schema import CursorText, Limit
from service.domain.vocabulary.records import Record, canonical_json, join, split
from service.grants import gate
from service.kit.audience import speaking_for
from service.kit.clock import CITY_ZONE, utc_now
from service.kit.db import Database
from service.kit.prepared import Prepared
from service.records import pages
from tests.house_room import Town

_RECORDS = Table(
    "plain_records",
    MetaData(),
    Column("resident_id", LargeBinary, primary_key=True),
    Column("day", Integer, primary_key=True),
    Column("document", Text, nullable=False),
)
_ROWS = Prepared(
    select(_RECORDS.c.document)
    .where(_RECORDS.c.resident_id == bindparam("resident", type_=LargeBinary))
    .order_by(_RECORDS.c.day.desc())
    .limit(bindparam("most", type_=Integer))
)
router = APIRouter(route_class=StrictRoute)


@router.get("/v1/plain/{patient_id}/records")
async def plain(
    patient_id: UUID,
    request: Request,
    measure: Annotated[str | None, Query(max_length=64)] = None,
    kind: shapes.Kind | None = None,
    since: Annotated[shapes.When, Query(alias="from")] = None,
    until: Annotated[shapes.When, Query(alias="to")] = None,
    limit: Limit = 100,
    cursor: CursorText = None,
) -> Response:
    """The same page, by whoever asks."""
    shapes.known_measure(measure)
    shapes.span(since, until, CITY_ZONE)
    asked = {"resident": patient_id.bytes, "most": limit}
    bare: Database = request.app.state.bare
    rows = await bare.aread(lambda conn: _ROWS.rows(conn, asked))
    answer = shapes.seen_page(((join([json.loads(row[0])]), 0) for row in rows), None)
    return shapes.answer(answer | {"withheld": []})


def serve(app: FastAPI, bare: Database) -> None:
    """Serve the baseline from the place of the service's own route: routes are tried in turn."""
    app.state.bare = bare
    app.include_router(router)
    routes = app.router.routes
    path = f"/v1/doctor/patients/{UUID(int=0)}/records"
    scope = {"type": "http", "method": "GET", "path": path, "root_path": ""}
    place = next(n for n, one in enumerate(routes) if one.matches(scope)[0] is Match.FULL)
    routes.insert(place, routes.pop())


def prepare(bare: Database) -> None:
    _RECORDS.create(bare.engine)


def lay_open(town: Town, bare: Database, resident: UUID) -> None:
    """Keep a resident's records here too, as plain JSON."""
    house = town.house

    def found(conn: Any) -> list[Record]:
        permit = gate.own(conn, house.vault, resident=resident, action=Action.READ, now=utc_now())
        return [one.record for one in pages.page(conn, house.vault, permit, pages.Query()).items]

    with speaking_for("resident"):
        opened = house.db.read(found)
    rows = [
        {
            "resident_id": resident.bytes,
            "day": len(opened) - number,
            "document": "".join(canonical_json(part).decode() for part in split(one).values()),
        }
        for number, one in enumerate(opened)
    ]
    bare.write(lambda conn: Prepared(_RECORDS.insert()).run_many(conn, rows))
