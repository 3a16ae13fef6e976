"""Break-glass: a doctor opens somebody's record in an emergency, for four hours, with a reason."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, StringConstraints
from sqlalchemy import Connection

from consent.vocabulary import Purpose
from service.api.body import Shape, StrictRoute
from service.api.deps import Doctor, Now, RequestId
from service.api.gate import Look, log_look
from service.api.rooms import HouseDep
from service.api.schema import Moment, may_refuse
from service.breakglass import actions
from service.emergencies.actions import Session
from service.grants import standing
from service.kit.errors import ServiceError

router = APIRouter(prefix="/v1/doctor", tags=["doctor"], route_class=StrictRoute)

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=10, max_length=500)]


class EmergencyBody(Shape):
    """`reason` is shown to the resident at once and sealed; operators cannot read it."""

    reason: Reason


class SessionOut(BaseModel):
    """Until `ends_at` the patient's doors answer under the purpose of emergencies."""

    session_id: UUID
    patient_id: UUID
    opened_at: Moment
    ends_at: Moment
    closed_at: Moment | None


@router.post(
    "/patients/{patient_id}/emergency", status_code=201, responses=may_refuse(403, 404, 409)
)
async def open_emergency(
    patient_id: UUID,
    body: EmergencyBody,
    caller: Doctor,
    house: HouseDep,
    now: Now,
    request_id: RequestId,
) -> SessionOut:
    """Look without a grant, for reading only. The resident is told at once, and it is reviewed.

    Needs a sign-in with two proofs (acr 2) from the last five minutes: rule `break-glass-needs-acr`
    or `step-up-required` otherwise. Where the resident ended a session of this clinic it opens no
    other for 24 hours, unless the resident allows it anew: rule `break-glass-resting`.
    """
    ask = Look(caller, patient_id, request_id, now, purpose=Purpose.EMERGENCY)

    def job(conn: Connection) -> SessionOut | ServiceError:
        decision = actions.foreseen(conn, house.vault, caller=caller, subject=patient_id, now=now)
        refusal = actions.refusal(decision, caller=caller, now=now)
        if standing.is_active(conn, patient_id):
            # Opening shows nothing yet, so an entry of it names no class.
            log_look(conn, house, ask, decision, row_count=0)
        if refusal is not None:
            return refusal
        try:
            # What a failing opening wrote is undone; that it was tried stays in the log.
            with conn.begin_nested():
                session = actions.open_(
                    conn,
                    house.vault,
                    caller=caller,
                    subject=patient_id,
                    reason=body.reason,
                    now=now,
                )
        except ServiceError as failed:
            return failed
        return _out(session)

    outcome = await house.db.awrite(job, key=patient_id.bytes)
    if isinstance(outcome, ServiceError):
        raise outcome
    return outcome


@router.delete("/patients/{patient_id}/emergency", responses=may_refuse(404))
async def close_emergency(
    patient_id: UUID, caller: Doctor, house: HouseDep, now: Now
) -> SessionOut:
    """End my emergency access; 404 when none is open."""

    def job(conn: Connection) -> SessionOut:
        return _out(
            actions.close_own(
                conn, house.vault, practitioner=caller.id, subject=patient_id, now=now
            )
        )

    return await house.db.awrite(job, key=patient_id.bytes)


def _out(session: Session) -> SessionOut:
    return SessionOut(
        session_id=session.id,
        patient_id=session.resident,
        opened_at=session.opened_at,
        ends_at=session.ends_at,
        closed_at=session.closed_at,
    )
