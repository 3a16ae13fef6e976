"""A patient's dense samples within the grant's classes and days."""

from datetime import datetime
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Query, Response
from sqlalchemy import Connection

from consent.decision import Decision, Permit
from consent.vocabulary import DataClass
from service.api import records as shapes
from service.api.body import StrictRoute
from service.api.deps import LookingDoctor, Now, RequestId
from service.api.gate import Look, Opened, look
from service.api.me.series import ColumnsOut, Grain, columns, known_series
from service.api.records import When
from service.api.rooms import HouseDep
from service.grants import gate
from service.kit.clock import CITY_ZONE
from service.kit.errors import Refused
from service.records import series
from service.residents import actions as residents

router = APIRouter(prefix="/v1/doctor", tags=["doctor"], route_class=StrictRoute)


@router.get("/patients/{patient_id}/series/{measure}", responses={200: {"model": ColumnsOut}})
async def read_patient_series(
    patient_id: UUID,
    measure: Annotated[str, Path(max_length=64)],
    caller: LookingDoctor,
    house: HouseDep,
    now: Now,
    request_id: RequestId,
    since: Annotated[When, Query(alias="from")] = None,
    until: Annotated[When, Query(alias="to")] = None,
    resolution: Grain = "raw",
) -> Response:
    """Samples of a span of days as columns, raw or summed up by minute, hour or day."""
    known = known_series(measure)

    def open_(conn: Connection, decision: Decision, permit: Permit) -> Opened[bytes]:
        if known.data_class not in permit.classes:
            rule = decision.withheld[known.data_class]
            raise Refused(rule, gate.sentence(rule))
        zone = CITY_ZONE
        if DataClass.PROFILE in permit.classes:
            zone = ZoneInfo(residents.profile(conn, house.vault, permit).zone)
        span = shapes.span(since, until, zone)
        found = series.read(
            conn,
            house.vault,
            permit,
            known,
            since=_local(span.since, zone),
            until=_local(span.until, zone),
        )
        rows = int(found.samples.t.size)
        return Opened(columns(known, found, resolution, zone.key), rows)

    # The profile class only tells the zone in which the days are meant.
    classes = frozenset({known.data_class, DataClass.PROFILE})
    ask = Look.by(caller, patient_id, request_id, now, classes)
    return shapes.answer(await look(house, ask, open_))


def _local(moment: datetime | None, zone: ZoneInfo) -> datetime | None:
    return None if moment is None else moment.astimezone(zone).replace(tzinfo=None)
