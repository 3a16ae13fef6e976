"""The panel: everybody who signed with me and lets me see their name, riskiest first."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from service.api.body import StrictRoute
from service.api.deps import Doctor, Now, RequestId
from service.api.gate import log_panel
from service.api.rooms import HouseDep
from service.api.schema import CursorText, Limit
from service.kit.clock import age_on, city_day
from service.kit.db import BEHIND
from service.panel import actions
from service.panel.order import Position, Row, named, narrowed, page_of
from service.panel.order import Query as PanelQuery

router = APIRouter(prefix="/v1/doctor", tags=["doctor"], route_class=StrictRoute)


class PanelRow(BaseModel):
    """`level` null: not enough data in the granted classes, or `automation` is false because the
    resident switched automated levels off. `level_change` above 0 is worse."""

    patient_id: UUID
    name: str
    age: int
    sex: Literal["female", "male"]
    level: int | None
    automation: bool
    level_change: int | None
    level_changed_on: date | None
    due: date | None
    overdue: bool
    due_items: list[str] = Field(
        description="What readings alone tell to be due, earliest first, five at most. Visits and "
        "screenings that need the whole record are on the patient's page."
    )
    due_more: int = Field(description="How many more than `due_items` shows.")
    last_seen: date | None


class PanelPage(BaseModel):
    items: list[PanelRow]
    next: str | None


@router.get("/panel")
async def list_panel(
    caller: Doctor,
    house: HouseDep,
    now: Now,
    request_id: RequestId,
    level: Annotated[int | None, Query(ge=1, le=5)] = None,
    due: Annotated[bool | None, Query(description="Only those with overdue work, or without.")] = (
        None
    ),
    q: Annotated[str | None, Query(max_length=64, description="A part of the name.")] = None,
    sort: Literal["risk", "due", "name"] = "risk",
    limit: Limit = 50,
    cursor: CursorText = None,
) -> PanelPage:
    """Signed residents, riskiest and most overdue first. Every row shown is a look in its
    resident's access log; with `level` or `due` so is every row these were compared with."""
    query = PanelQuery(level, due, q, sort)
    scope = ("panel", str(caller.id), *query.filters)
    after = None
    if cursor is not None:
        resident, shown = house.cursors.read(scope, cursor)
        after = Position(UUID(str(resident)), int(shown or 0))

    def job(conn: Connection) -> tuple[list[Row], Position | None]:
        rows = actions.rows(
            conn, house.vault, practitioner=caller.id, regions=house.regions, now=now
        )
        weighed = named(rows, query)
        page, behind = page_of(narrowed(weighed, query, city_day(now)), limit, after)
        # Whoever a filter leaves out is told of as much as whoever it shows.
        told = weighed if query.weighs else page
        seen = [(row.resident, row.decision) for row in told]
        log_panel(conn, house, caller=caller, seen=seen, request_id=request_id, now=now)
        for row in rows:
            # Opened to be sorted or to find a name; those told of are in the log by now.
            house.vault.openings.keep_back(row.decision.permit)
        return page, behind

    page, behind = await house.db.awrite(job, key=BEHIND + caller.id.bytes)
    next_ = None
    if behind is not None:
        next_ = house.cursors.make(scope, [str(behind.resident), behind.shown])
    today = city_day(now)
    return PanelPage(items=[_row(row, today) for row in page], next=next_)


def _row(row: Row, today: date) -> PanelRow:
    card = row.card
    return PanelRow(
        patient_id=row.resident,
        name=card.name,
        age=age_on(card.birth_date, today),
        sex="female" if card.sex == "female" else "male",
        level=card.level,
        automation=card.automation,
        level_change=card.level_change,
        level_changed_on=card.level_changed_on,
        due=card.next_due,
        overdue=card.overdue(today),
        due_items=[item for item, _ in card.due],
        due_more=card.due_more,
        last_seen=card.last_seen,
    )
