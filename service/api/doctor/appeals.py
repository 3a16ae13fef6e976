"""Appeals that my signed residents let me read, and my answers. Every look is in their log."""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import Connection

from consent.decision import Decision, Permit
from service.api.body import Shape, StrictRoute
from service.api.deps import Doctor, Now, RequestId
from service.api.gate import Look, Opened, log_panel, look
from service.api.me.appeals import AboutOut, AppealAnswer, Sentence, about_out
from service.api.rooms import HouseDep
from service.api.schema import CursorText, Limit, Moment, may_refuse
from service.appeals import actions
from service.appeals.actions import READS, Seen
from service.appeals.body import Appeal
from service.kit.paging import stretch

router = APIRouter(prefix="/v1/doctor", tags=["doctor"], route_class=StrictRoute)


class AnswerBody(Shape):
    """`upheld`: the resident is right. The reason is shown to them."""

    outcome: Literal["upheld", "rejected"]
    reason: Sentence


class WaitingOut(BaseModel):
    """An appeal that waits for my answer."""

    appeal_id: UUID
    patient_id: UUID
    name: str
    about: AboutOut
    reason: str
    opened_at: Moment
    deadline: Moment
    overdue: bool


class WaitingPage(BaseModel):
    items: list[WaitingOut]
    next: str | None


class AnsweredOut(BaseModel):
    appeal_id: UUID
    patient_id: UUID
    state: Literal["open", "answered", "withdrawn"]
    answer: AppealAnswer


@router.get("/appeals")
async def list_patient_appeals(
    caller: Doctor,
    house: HouseDep,
    now: Now,
    request_id: RequestId,
    limit: Limit = 50,
    cursor: CursorText = None,
) -> WaitingPage:
    """Appeals without an answer, the oldest first."""
    scope = ("doctor-appeals", str(caller.id))
    position = None if cursor is None else house.cursors.read(scope, cursor)

    def job(conn: Connection) -> tuple[Sequence[Seen], bool]:
        found = actions.waiting_for(conn, house.vault, practitioner=caller.id, now=now)
        shown, more = stretch(found, lambda seen: seen.appeal.id, position, limit)
        looks = {seen.appeal.resident: seen.decision for seen in shown}
        log_panel(
            conn, house, caller=caller, seen=list(looks.items()), request_id=request_id, now=now
        )
        for seen in found:
            # Opened to be listed; those shown are in the log by now.
            house.vault.openings.keep_back(seen.decision.permit)
        return shown, more

    shown, more = await house.db.awrite(job, key=caller.id.bytes)
    next_ = house.cursors.make(scope, [str(shown[-1].appeal.id)]) if more else None
    return WaitingPage(items=[_waiting(seen, now) for seen in shown], next=next_)


@router.post(
    "/patients/{patient_id}/appeals/{appeal_id}/answer", responses=may_refuse(403, 404, 409)
)
async def answer_appeal(
    patient_id: UUID,
    appeal_id: UUID,
    body: AnswerBody,
    caller: Doctor,
    house: HouseDep,
    now: Now,
    request_id: RequestId,
) -> AnsweredOut:
    """Answer with a reason. The resident is told; nothing in their record changes by it."""

    def open_(conn: Connection, decision: Decision, permit: Permit) -> Opened[AnsweredOut]:
        answered = actions.answer(
            conn,
            house.vault,
            permit,
            appeal_id,
            practitioner=caller.id,
            outcome=body.outcome,
            reason=body.reason,
            now=now,
        )
        return Opened(_answered(answered), 1)

    return await look(house, Look(caller, patient_id, request_id, now, classes=READS), open_)


def _waiting(seen: Seen, now: Now) -> WaitingOut:
    appeal = seen.appeal
    return WaitingOut(
        appeal_id=appeal.id,
        patient_id=appeal.resident,
        name=seen.name,
        about=about_out(appeal),
        reason=appeal.reason,
        opened_at=appeal.opened_at,
        deadline=appeal.deadline,
        overdue=appeal.overdue(now),
    )


def _answered(appeal: Appeal) -> AnsweredOut:
    answer = appeal.answer
    assert answer is not None
    return AnsweredOut(
        appeal_id=appeal.id,
        patient_id=appeal.resident,
        state=appeal.state,
        answer=AppealAnswer(
            outcome=answer.outcome,
            reason=answer.reason,
            name=answer.name,
            clinic=answer.clinic,
            at=answer.at,
        ),
    )
