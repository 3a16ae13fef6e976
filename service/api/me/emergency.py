"""Emergency access to my record: whether anybody may, who has it now, and ending it."""

from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import Connection

from consent.vocabulary import Action
from service.api.body import Flag, Shape, StrictRoute
from service.api.deps import Now, Resident
from service.api.me.own import own
from service.api.rooms import HouseDep
from service.api.schema import Moment
from service.breakglass import actions
from service.emergencies import actions as emergencies
from service.emergencies.actions import Session
from service.grants import gate
from service.house import House
from service.identity import store as identity
from service.identity.caller import Caller

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
async def get_emergency(caller: Resident, house: HouseDep, now: Now) -> EmergencyMode:
    """Whether a doctor may look in an emergency, and who is looking now."""
    return await house.db.aread(lambda conn: _mode(conn, house, caller, now))


@router.put("/emergency")
async def set_emergency(
    body: EmergencyChoice, caller: Resident, house: HouseDep, now: Now
) -> EmergencyMode:
    """Allow or refuse emergency access. Refusing ends what is open on the next request."""

    def choose(conn: Connection) -> EmergencyMode:
        permit = own(conn, house, caller, Action.MANAGE, now)
        actions.allow(conn, house.vault, permit, allowed=body.allowed, now=now)
        return _mode(conn, house, caller, now)

    return await house.db.awrite(choose, key=caller.id.bytes)


@router.delete("/emergency/{session_id}")
async def stop_emergency(
    session_id: UUID, caller: Resident, house: HouseDep, now: Now
) -> EmergencyOut:
    """End one emergency access on the next request. Twice is as good as once."""

    def stop(conn: Connection) -> EmergencyOut:
        permit = own(conn, house, caller, Action.MANAGE, now)
        return _out(conn, actions.close(conn, house.vault, permit, session_id, now=now))

    return await house.db.awrite(stop, key=caller.id.bytes)


def _mode(conn: Connection, house: House, caller: Caller, now: Moment) -> EmergencyMode:
    permit = own(conn, house, caller, Action.MANAGE, now)
    running = [
        _out(conn, session)
        for session in emergencies.open_of(conn, house.vault, permit.subject)
        if session.runs(now)
    ]
    return EmergencyMode(allowed=gate.lets_in_emergency(conn, permit.subject), sessions=running)


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
