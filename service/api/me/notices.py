"""What I am told: emergency access, reviews, requests."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import Connection

from consent.vocabulary import Action
from service.api.body import StrictRoute
from service.api.deps import Now, Resident
from service.api.me.own import own
from service.api.rooms import HouseDep
from service.api.schema import Bilingual, CursorText, Limit, Moment
from service.kit.ids import parse_id
from service.kit.paging import BadCursor
from service.notices import actions
from service.notices.actions import Notice
from service.notices.words import text

router = APIRouter(prefix="/v1/me", tags=["access log"], route_class=StrictRoute)


class MyNoticeOut(BaseModel):
    """`about` is the id of the emergency session or the request that the notice is about."""

    id: UUID
    kind: str
    at: Moment
    about: UUID
    text: Bilingual
    read: bool


class MyNoticePage(BaseModel):
    items: list[MyNoticeOut]
    next: str | None


@router.get("/notices")
async def list_my_notices(
    caller: Resident, house: HouseDep, now: Now, limit: Limit = 50, cursor: CursorText = None
) -> MyNoticePage:
    """What I was told, newest first."""

    def read(conn: Connection) -> list[Notice]:
        permit = own(conn, house, caller, Action.MANAGE, now)
        return actions.every(conn, house.vault, permit)

    notices = await house.db.aread(read)
    scope = ("notices", str(caller.id))
    start = 0 if cursor is None else _behind(notices, house.cursors.read(scope, cursor))
    shown = notices[start : start + limit]
    more = start + limit < len(notices)
    next_ = house.cursors.make(scope, [str(shown[-1].id)]) if more else None
    return MyNoticePage(items=[_out(one) for one in shown], next=next_)


@router.post("/notices/{notice_id}/read")
async def mark_notice_read(
    notice_id: UUID, caller: Resident, house: HouseDep, now: Now
) -> MyNoticeOut:
    """I have read this one. Twice is as good as once."""

    def mark(conn: Connection) -> Notice:
        permit = own(conn, house, caller, Action.MANAGE, now)
        return actions.mark_read(conn, house.vault, permit, notice_id)

    return _out(await house.db.awrite(mark, key=caller.id.bytes))


def _behind(notices: list[Notice], position: list[Any]) -> int:
    last = parse_id(str(position[0]))
    for place, notice in enumerate(notices):
        if notice.id == last:
            return place + 1
    raise BadCursor


def _out(notice: Notice) -> MyNoticeOut:
    return MyNoticeOut(
        id=notice.id,
        kind=notice.kind,
        at=notice.at,
        about=notice.about,
        text=Bilingual.of(text(notice.kind, notice.facts)),
        read=notice.read,
    )
