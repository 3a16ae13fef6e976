"""Emergency access to my record: whether anybody may, who has it now, and ending it."""

from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import Connection

from consent.decision import Permit
from consent.vocabulary import Action
from service.api.body import Flag, Shape, StrictRoute
from service.api.me.own import Mine, Own
from service.api.schema import Moment
from service.breakglass import actions
from service.emergencies import actions as emergencies
from service.emergencies.actions import Session
from service.grants import wishes
from service.identity import store as identity

router = APIRouter(prefix="/v1/me", tags=["grants"], route_class=StrictRoute)


class EmergencyChoice(Shape):
    """`allowed` false: nobody without a grant, not even in an emergency."""

    allowed: Flag


class EmergencyOut(BaseModel):
    """Who opened my record without a grant, why, and until when."""

    session_id: UUID
    doctor_id: UUID
    name: str | None
    clinic: str | None
    reason: str
    opened_at: Moment
    ends_at: Moment
    closed_at: Moment | None


class EmergencyMode(BaseModel):
    """`sessions` are those that run at this moment."""

    allowed: bool
    sessions: list[EmergencyOut]


@router.get("/emergency")
async def get_emergency(me: Mine) -> EmergencyMode:
    """Whether a doctor may look in an emergency, and who is looking now."""
    return await me.read(Action.MANAGE, lambda conn, permit: _mode(conn, permit, me))


@router.put("/emergency")
async def set_emergency(body: EmergencyChoice, me: Mine) -> EmergencyMode:
    """Allow or refuse emergency access. Refusing ends what is open on the next request.

    Allowing also lets in again whose access I ended within the last 24 hours.
    """

    def choose(conn: Connection, permit: Permit) -> EmergencyMode:
        actions.allow(conn, me.house.vault, permit, allowed=body.allowed, now=me.now)
        return _mode(conn, permit, me)

    return await me.write(Action.MANAGE, choose)


@router.delete("/emergency/{session_id}")
async def stop_emergency(session_id: UUID, me: Mine) -> EmergencyOut:
    """End one emergency access on the next request. Twice is as good as once.

    Its doctor and everybody of that clinic cannot open another for 24 hours.
    """

    def stop(conn: Connection, permit: Permit) -> EmergencyOut:
        return _out(conn, actions.close(conn, me.house.vault, permit, session_id, now=me.now))

    return await me.write(Action.MANAGE, stop)


def _mode(conn: Connection, permit: Permit, me: Own) -> EmergencyMode:
    running = [
        _out(conn, session)
        for session in emergencies.open_of(conn, me.house.vault, permit.subject)
        if session.runs(me.now)
    ]
    return EmergencyMode(allowed=wishes.lets_in_emergency(conn, permit.subject), sessions=running)


def _out(conn: Connection, session: Session) -> EmergencyOut:
    doctor = identity.practitioner(conn, session.practitioner)
    return EmergencyOut(
        session_id=session.id,
        doctor_id=session.practitioner,
        name=None if doctor is None else doctor.name,
        clinic=None if doctor is None else doctor.clinic,
        reason=session.reason,
        opened_at=session.opened_at,
        ends_at=session.ends_at,
        closed_at=session.closed_at,
    )
