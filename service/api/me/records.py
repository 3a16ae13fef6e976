"""A resident's records: log, list, read, replace, delete. Logging answers with the new level."""

from collections.abc import Mapping, Sequence, Set
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Header, Path, Query, Response
from pydantic import Field
from sqlalchemy import Connection

from consent.decision import Permit
from consent.vocabulary import Action, DataClass, Text
from service.api import records as shapes
from service.api.body import Shape, StrictRoute
from service.api.deps import Lang
from service.api.faults import SENTENCES
from service.api.me.own import Mine, zone_of
from service.api.records import (
    Kind,
    LogOut,
    RawRecord,
    RecordOut,
    RecordPage,
    ReplacedOut,
    When,
)
from service.api.schema import CursorText, Limit
from service.domain.vocabulary.records import Record
from service.house import House
from service.kit.clock import CITY_ZONE
from service.kit.errors import Fault, Invalid
from service.kit.prepared import pipelined
from service.panel import actions as panel
from service.prompts import actions as prompts
from service.prompts import desk as desks
from service.prompts import shelf
from service.prompts.head import Brief
from service.records import actions as records
from service.records import pages
from service.records.pages import Page
from service.records.plan import Change, Result
from service.residents import actions as residents
from service.residents.actions import Profile

router = APIRouter(tags=["me"], route_class=StrictRoute)

RecordId = Annotated[UUID, Path(description="The id of the record.")]
IfMatch = Annotated[str | None, Header(alias="If-Match", max_length=64)]

OTHER_ID = Text("与地址中的编号不同。", "This differs from the id in the address.")


class Batch(Shape):
    """Records to keep. One with faults is rejected and the others are kept."""

    records: list[RawRecord] = Field(min_length=1, max_length=1000)


@router.post("/v1/me/records", responses={200: {"model": LogOut}})
async def log_records(batch: Batch, me: Mine, language: Lang) -> Response:
    """Keep up to 1,000 records. The same record again is `unchanged`."""
    house, now = me.house, me.now

    def job(connection: Connection, permit: Permit, rev: int) -> tuple[Sequence[Result], Brief]:
        results, brief, holders, corrected = _logged(
            connection, house, permit, rev, batch.records, now
        )
        if any(one.change is not None for one in results):
            _refresh_cards(connection, house, permit, now, corrected, holders)
        return results, brief

    results, brief = await me.enter(job)
    lines = shapes.with_crises(shapes.results(results, language), batch.records)
    return shapes.answer({"results": lines, "prompt": brief.as_answer()})


@router.get("/v1/me/records", responses={200: {"model": RecordPage}})
async def list_records(
    me: Mine,
    measure: Annotated[str | None, Query(max_length=64)] = None,
    kind: Kind | None = None,
    since: Annotated[When, Query(alias="from")] = None,
    until: Annotated[When, Query(alias="to")] = None,
    limit: Limit = 100,
    cursor: CursorText = None,
) -> Response:
    """Records, newest first. With `measure`, only the values of that measure's data class."""
    shapes.known_measure(measure)

    house = me.house

    def job(connection: Connection, permit: Permit) -> Page:
        names_days = shapes.is_day(since) or shapes.is_day(until)
        zone = zone_of(connection, house, permit) if names_days else CITY_ZONE
        span = shapes.span(since, until, zone)
        query = pages.Query(measure, kind, span.since, span.until)
        return pages.page(connection, house.vault, permit, query, limit=limit, cursor=cursor)

    found = await me.read(Action.READ, job)
    return shapes.answer(shapes.page(found.items, found.next))


@router.get(
    "/v1/me/records/{record_id}",
    responses={200: {"model": RecordOut}, 304: {"description": "Not changed."}},
)
async def get_record(
    record_id: RecordId,
    me: Mine,
    if_none_match: Annotated[str | None, Header(alias="If-None-Match", max_length=64)] = None,
) -> Response:
    """One record; its `ETag` is its revision."""

    def job(connection: Connection, permit: Permit) -> Response:
        record, rev = records.get(connection, me.house.vault, permit, record_id)
        if if_none_match == f'"{rev}"':
            return Response(status_code=304, headers={"ETag": f'"{rev}"'})
        return shapes.answer(shapes.document(record, rev), rev=rev)

    return await me.read(Action.READ, job)


@router.put("/v1/me/records/{record_id}", responses={200: {"model": ReplacedOut}})
async def replace_record(
    record_id: RecordId,
    record: Annotated[RawRecord, Body()],
    me: Mine,
    if_match: IfMatch = None,
) -> Response:
    """Replace a record that is still at the revision `If-Match` names. Nothing old is kept."""
    house, now = me.house, me.now

    def job(connection: Connection, permit: Permit, taken: int) -> tuple[Record, int]:
        # Read after the counter was taken: an objection to levels that comes now waits or is seen.
        profile = residents.profile(connection, house.vault, permit)
        result = records.put(
            connection,
            house.vault,
            permit,
            record_id,
            record,
            now,
            profile=profile,
            if_match=rev,
            rev=taken,
        )
        if result.change is not None:
            assert result.rev is not None
            _note(connection, house, permit, profile, result.change, result.rev, now)
        return records.get(connection, house.vault, permit, record_id)

    with shapes.heard(record) as safety:
        rev = shapes.revision(if_match)
        _same_id(record_id, record)
        kept, kept_rev = await me.enter(job)
    told = shapes.document(kept, kept_rev)
    if safety is not None:
        told["safety"] = safety.both()
    return shapes.answer(told, rev=kept_rev)


@router.delete("/v1/me/records/{record_id}", status_code=204)
async def delete_record(
    record_id: RecordId,
    me: Mine,
    if_match: IfMatch = None,
) -> None:
    """Delete a record that is still at the revision `If-Match` names. No value of it is kept."""
    rev = shapes.revision(if_match)

    house = me.house

    def job(connection: Connection, permit: Permit, taken: int) -> None:
        profile = residents.profile(connection, house.vault, permit)
        change, gone = records.delete(
            connection, house.vault, permit, record_id, if_match=rev, rev=taken
        )
        _note(connection, house, permit, profile, change, gone, me.now)

    await me.enter(job)


def _logged(
    connection: Connection,
    house: House,
    permit: Permit,
    rev: int,
    entries: Sequence[Any],
    now: datetime,
) -> tuple[Sequence[Result], Brief, Sequence[UUID], Set[DataClass]]:
    """One statement reads, the rest is written in one go: this is the service's busiest path."""
    desk = desks.laid(connection, house.vault, permit, entries, rev)
    with pipelined(connection):
        results = records.log(
            connection,
            house.vault,
            permit,
            entries,
            now,
            profile=desk.profile,
            taken=desk.taken,
        )
        brief = prompts.note(
            connection,
            house.vault,
            permit,
            profile=desk.profile,
            regions=house.regions,
            changes=[one.change for one in results if one.change is not None],
            rev=desk.taken.rev,
            now=now,
            held=desk.shelf,
        )
        # Asked behind the writes, so that it costs no wait of its own.
        holders = panel.holders(connection, permit.subject)
    return results, brief, holders, desk.shelf.corrected


def _note(
    connection: Connection,
    house: House,
    permit: Permit,
    profile: Profile,
    change: Change,
    rev: int,
    now: datetime,
) -> None:
    """Bring the prompt and the doctors' panel cards up to what was just written."""
    held = shelf.opened(connection, house.vault, permit)
    prompts.note(
        connection,
        house.vault,
        permit,
        profile=profile,
        regions=house.regions,
        changes=[change],
        rev=rev,
        now=now,
        held=held,
    )
    _refresh_cards(connection, house, permit, now, held.corrected)


def _refresh_cards(
    connection: Connection,
    house: House,
    permit: Permit,
    now: datetime,
    corrected: Set[DataClass],
    holders: Sequence[UUID] | None = None,
) -> None:
    panel.refresh(
        connection,
        house.vault,
        resident=permit.subject,
        regions=house.regions,
        now=now,
        holders=holders,
        corrected=corrected,
    )


def _same_id(record_id: UUID, record: Any) -> None:
    if not isinstance(record, Mapping):
        raise Invalid([Fault("", "not-an-object", SENTENCES["not-an-object"])])
    said = record.get("id")
    if said is not None and str(said).lower() != str(record_id):
        raise Invalid([Fault("/id", "other-id", OTHER_ID)])
