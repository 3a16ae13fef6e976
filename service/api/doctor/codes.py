"""Scanning the code a resident holds up: who they are, and how they may sign. Never the level."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from consent.vocabulary import DataClass, Purpose, Text
from service.api.address import limited
from service.api.body import Shape, StrictRoute
from service.api.deps import Doctor, Now, RequestId
from service.api.gate import Look, log_look
from service.api.rooms import HouseDep
from service.api.schema import Bilingual, may_refuse
from service.contracts import store as contracts
from service.grants import standing
from service.healthcode import actions
from service.kit.errors import NotFound, ServiceError
from service.requests import store as requests
from service.residents import actions as residents

router = APIRouter(prefix="/v1/doctor", tags=["doctor"], route_class=StrictRoute)

NOT_GOOD = Text("此码无效或已使用。", "This code is not valid, or has been used.")
SIGNED = Text("这位居民已与您签约。", "This resident has signed with you.")
UNSIGNED = Text(
    "请居民在“签约”页面选择您的姓名完成签约。",
    "Ask the resident to choose your name under Family doctor to sign with you.",
)


class ScanBody(Shape):
    token: Annotated[str, Field(min_length=1, max_length=1024)]


class InvitationOut(BaseModel):
    """What the resident needs to sign: the doctor's own id, and the sentence to tell them."""

    doctor_id: UUID
    signed: bool
    text: Bilingual


class ScannedOut(BaseModel):
    patient_id: UUID
    name: str
    invitation: InvitationOut


@router.post("/codes/resolve", responses=may_refuse(404), dependencies=[Depends(limited("code"))])
async def resolve_code(
    body: ScanBody, caller: Doctor, house: HouseDep, now: Now, request_id: RequestId
) -> ScannedOut:
    """Whose code this is. 404 for a code that is not good; scanning uses it up."""
    issuer = house.settings.issuer
    code = actions.genuine(body.token, system=house.system, issuer=issuer, now=now)
    if code is None:
        raise NotFound(NOT_GOOD)

    def job(conn: Connection) -> ScannedOut | ServiceError:
        scanned = actions.introduce(conn, house.vault, code, practitioner=caller.actor, now=now)
        if scanned is None:
            return NotFound(NOT_GOOD)
        resident, decision = scanned.resident, scanned.decision
        classes = frozenset({DataClass.PROFILE})
        ask = Look(caller, resident, request_id, now, purpose=Purpose.SELF_CARE, classes=classes)
        permit = decision.permit
        if permit is None:
            # Somebody who shut everybody out, or is gone, looks like a code that is not good.
            if standing.is_active(conn, resident):
                log_look(conn, house, ask, decision, row_count=0)
            return NotFound(NOT_GOOD)
        name = residents.profile(conn, house.vault, permit).name
        log_look(conn, house, ask, decision, row_count=1)
        requests.introduce(conn, resident, caller.id)
        signed = contracts.in_force(conn, resident, caller.id)
        text = Bilingual.of(SIGNED if signed else UNSIGNED)
        invitation = InvitationOut(doctor_id=caller.id, signed=signed, text=text)
        return ScannedOut(patient_id=resident, name=name, invitation=invitation)

    outcome = await house.db.awrite(job)
    if isinstance(outcome, ServiceError):
        raise outcome
    return outcome
