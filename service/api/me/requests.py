"""What I am asked for, and my answers."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from consent.decision import Permit
from consent.vocabulary import Action
from service.api.body import Shape, StrictRoute
from service.api.deps import Lang
from service.api.me.own import Mine
from service.api.schema import CursorText, Limit, Moment, may_refuse
from service.grants.actions import in_order
from service.identity import store as identity
from service.panel import actions as panel
from service.requests import actions
from service.requests.body import Request

router = APIRouter(prefix="/v1/me", tags=["grants"], route_class=StrictRoute)

Words = Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=64)]


class AcceptBody(Shape):
    """Sensitive classes that are asked for must be listed here, as in any grant."""

    separate_consent: Literal[True] | Words = Field(default_factory=list)


class RequestOut(BaseModel):
    """Somebody asks me for a grant; `grant_id` is the one I gave."""

    id: UUID
    doctor_id: UUID
    name: str | None
    clinic: str | None
    data_classes: list[str]
    actions: list[str]
    asked_at: Moment
    status: Literal["pending", "accepted", "refused"]
    answered_at: Moment | None
    grant_id: UUID | None


class RequestPage(BaseModel):
    items: list[RequestOut]
    next: str | None


@router.get("/requests")
async def list_requests(me: Mine, limit: Limit = 50, cursor: CursorText = None) -> RequestPage:
    """What I was asked for, newest first."""
    house = me.house

    def read(conn: Connection, permit: Permit) -> list[RequestOut]:
        return [_out(conn, one) for one in actions.every(conn, house.vault, permit)]

    requests = await me.read(Action.MANAGE, read)
    scope = ("requests", str(me.subject))
    shown, next_ = house.cursors.page(
        scope, requests, lambda one: one.id, cursor=cursor, limit=limit
    )
    return RequestPage(items=shown, next=next_)


@router.post("/requests/{request_id}/accept", responses=may_refuse(409))
async def accept_request(
    request_id: UUID, body: AcceptBody, me: Mine, language: Lang
) -> RequestOut:
    """Give the grant I am asked for. Classes of grade 5 need a sign-in from the last 5 minutes."""
    house = me.house

    def accept(conn: Connection, permit: Permit) -> RequestOut:
        answered, _ = actions.accept(
            conn,
            house.vault,
            permit,
            request_id,
            separate_consent=body.separate_consent,
            now=me.now,
            stepped_up=me.caller.stepped_up(me.now),
            language=language,
        )
        panel.regroup(conn, house.vault, resident=me.subject, regions=house.regions, now=me.now)
        return _out(conn, answered)

    return await me.write(Action.MANAGE, accept)


@router.post("/requests/{request_id}/refuse", responses=may_refuse(409))
async def refuse_request(request_id: UUID, me: Mine) -> RequestOut:
    """Say no; I am not asked again for ninety days. Twice is as good as once."""

    def refuse(conn: Connection, permit: Permit) -> RequestOut:
        return _out(conn, actions.refuse(conn, me.house.vault, permit, request_id, now=me.now))

    return await me.write(Action.MANAGE, refuse)


def _out(conn: Connection, request: Request) -> RequestOut:
    doctor = identity.practitioner(conn, request.practitioner)
    return RequestOut(
        id=request.id,
        doctor_id=request.practitioner,
        name=None if doctor is None else doctor.name,
        clinic=None if doctor is None else doctor.clinic,
        data_classes=in_order(request.data_classes),
        actions=sorted(request.actions),
        asked_at=request.asked_at,
        status=request.status,
        answered_at=request.answered_at,
        grant_id=request.grant,
    )
