"""Asking a patient for consent: once, and never again soon after a no."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from service.api.body import Shape, StrictRoute
from service.api.deps import Doctor, Now
from service.api.rooms import HouseDep
from service.api.schema import Moment, may_refuse
from service.grants.actions import in_order
from service.requests import actions
from service.requests.body import Request

router = APIRouter(prefix="/v1/doctor", tags=["doctor"], route_class=StrictRoute)

Word = Annotated[str, Field(max_length=64)]
Words = Annotated[list[Word], Field(max_length=64)]


class WishBody(Shape):
    """Which classes I should like to use for care, and what I should like to do with them."""

    data_classes: Words
    actions: Words | None = None


class AskedOut(BaseModel):
    request_id: UUID
    patient_id: UUID
    data_classes: list[str]
    actions: list[str]
    asked_at: Moment
    status: Literal["pending", "accepted", "refused"]


@router.post(
    "/patients/{patient_id}/requests", status_code=201, responses=may_refuse(403, 404, 409)
)
async def ask_patient(
    patient_id: UUID, body: WishBody, caller: Doctor, house: HouseDep, now: Now
) -> AskedOut:
    """Ask for a grant. While a question is open, asking again answers with that question.

    403 with rule `cool-down` for ninety days after a refusal or a withdrawal; 404 for somebody I
    do not know and who never showed me their code.
    """

    def job(conn: Connection) -> Request:
        return actions.ask(
            conn,
            house.vault,
            actor=caller.actor,
            subject=patient_id,
            data_classes=body.data_classes,
            actions=body.actions,
            now=now,
        )

    asked = await house.db.awrite(job, key=patient_id.bytes)
    return AskedOut(
        request_id=asked.id,
        patient_id=asked.resident,
        data_classes=in_order(asked.data_classes),
        actions=sorted(asked.actions),
        asked_at=asked.asked_at,
        status=asked.status,
    )
