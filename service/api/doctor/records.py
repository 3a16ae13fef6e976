"""A patient's records and series within the grant's classes and days; adding results of mine."""

from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from consent.decision import Decision, Permit
from consent.vocabulary import ALL_CLASSES, Action, DataClass
from service.api import records as shapes
from service.api.body import Shape, StrictRoute
from service.api.deps import Doctor, Lang, LookingDoctor, Now, RequestId
from service.api.gate import Look, Opened, WithheldOut, look, withheld_documents
from service.api.records import Kind, RawRecord, ResultOut, SeenRecordOut, When
from service.api.rooms import HouseDep
from service.api.schema import CursorText, Limit
from service.domain.vocabulary.measures import MEASURES
from service.grants import gate
from service.house import House
from service.identity import store as identity
from service.kit.clock import CITY_ZONE
from service.kit.errors import Refused
from service.panel import actions as panel
from service.prompts import actions as prompts
from service.records import actions as records
from service.records import pages
from service.records.plan import Result
from service.residents import actions as residents

router = APIRouter(prefix="/v1/doctor", tags=["doctor"], route_class=StrictRoute)


class PatientRecordPage(BaseModel):
    items: list[SeenRecordOut]
    next: str | None
    withheld: list[WithheldOut]


class ResultBatch(Shape):
    """Results of examinations. The source is always the practitioner who sends them."""

    records: list[RawRecord] = Field(min_length=1, max_length=1000)


class ResultsOut(BaseModel):
    results: list[ResultOut]


@router.get("/patients/{patient_id}/records", responses={200: {"model": PatientRecordPage}})
async def list_patient_records(
    patient_id: UUID,
    caller: LookingDoctor,
    house: HouseDep,
    now: Now,
    request_id: RequestId,
    measure: Annotated[str | None, Query(max_length=64)] = None,
    kind: Kind | None = None,
    since: Annotated[When, Query(alias="from")] = None,
    until: Annotated[When, Query(alias="to")] = None,
    limit: Limit = 100,
    cursor: CursorText = None,
) -> Response:
    """Records, newest first, without the values of classes that are withheld."""
    shapes.known_measure(measure)
    span = shapes.span(since, until, CITY_ZONE)
    query = pages.Query(measure, kind, span.since, span.until)

    def open_(conn: Connection, decision: Decision, permit: Permit) -> Opened[dict[str, Any]]:
        found = pages.page(conn, house.vault, permit, query, limit=limit, cursor=cursor)
        answer = shapes.seen_page(found.items, found.next)
        answer["withheld"] = withheld_documents(decision)
        return Opened(answer, len(found.items))

    classes = ALL_CLASSES if measure is None else frozenset({MEASURES[measure].data_class})
    ask = Look.by(caller, patient_id, request_id, now, classes)
    return shapes.answer(await look(house, ask, open_))


@router.post("/patients/{patient_id}/records", responses={200: {"model": ResultsOut}})
async def log_patient_records(
    patient_id: UUID,
    batch: ResultBatch,
    caller: Doctor,
    house: HouseDep,
    now: Now,
    request_id: RequestId,
    language: Lang,
) -> Response:
    """Add results to a patient's record. Values of classes outside the grant are rejected."""

    def open_(conn: Connection, decision: Decision, permit: Permit) -> Opened[dict[str, Any]]:
        if DataClass.PROFILE not in permit.classes:
            # Plausible ranges depend on age and sex, so nothing can be checked without them.
            rule = decision.withheld[DataClass.PROFILE]
            raise Refused(rule, gate.sentence(rule))
        entries = _signed(conn, caller.id, batch.records)
        found = _kept(conn, house, permit, entries, now)
        # Without the owner's counter, which would tell how much else they keep.
        told = [replace(one, rev=None) for one in found]
        lines = shapes.with_crises(shapes.results(told, language), batch.records)
        return Opened({"results": lines}, len(found))

    ask = Look(caller, patient_id, request_id, now, action=Action.WRITE)
    return shapes.answer(await look(house, ask, open_))


def _signed(conn: Connection, practitioner: UUID, entries: list[Any]) -> list[Any]:
    """The entries with the practitioner as their source, whatever they said themselves."""
    known = identity.practitioner(conn, practitioner)
    source = {"kind": "practitioner", "name": None if known is None else known.name}
    return [{**one, "source": source} if isinstance(one, dict) else one for one in entries]


def _kept(
    conn: Connection, house: House, permit: Permit, entries: list[Any], now: Now
) -> list[Result]:
    profile = residents.profile(conn, house.vault, permit)
    found = records.log(conn, house.vault, permit, entries, now, profile=profile)
    changes = [one.change for one in found if one.change is not None]
    if changes:
        prompts.note(
            conn,
            house.vault,
            permit,
            profile=profile,
            regions=house.regions,
            changes=changes,
            rev=max(one.rev or 0 for one in found if one.change is not None),
            now=now,
        )
        panel.refresh(conn, house.vault, resident=permit.subject, regions=house.regions, now=now)
    return found
