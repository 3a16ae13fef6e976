"""What I am told: emergency access, reviews, requests."""

from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import Connection

from consent.decision import Permit
from consent.vocabulary import Action
from service.api.body import StrictRoute
from service.api.me.own import Mine
from service.api.schema import Bilingual, CursorText, Limit, Moment
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
async def list_my_notices(me: Mine, limit: Limit = 50, cursor: CursorText = None) -> MyNoticePage:
    """What I was told, newest first."""
    house = me.house
    notices = await me.read(
        Action.MANAGE, lambda conn, permit: actions.every(conn, house.vault, permit)
    )
    scope = ("notices", str(me.subject))
    shown, next_ = house.cursors.page(
        scope, notices, lambda one: one.id, cursor=cursor, limit=limit
    )
    return MyNoticePage(items=[_out(one) for one in shown], next=next_)


@router.post("/notices/{notice_id}/read")
async def mark_notice_read(notice_id: UUID, me: Mine) -> MyNoticeOut:
    """I have read this one. Twice is as good as once."""

    def mark(conn: Connection, permit: Permit) -> Notice:
        return actions.mark_read(conn, me.house.vault, permit, notice_id)

    return _out(await me.write(Action.MANAGE, mark))


def _out(notice: Notice) -> MyNoticeOut:
    return MyNoticeOut(
        id=notice.id,
        kind=notice.kind,
        at=notice.at,
        about=notice.about,
        text=Bilingual.of(text(notice.kind, notice.facts)),
        read=notice.read,
    )
