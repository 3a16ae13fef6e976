"""One patient as the grant allows: who they are, the prompt on the granted classes, what is due."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from consent.decision import Decision, Permit
from consent.vocabulary import DataClass
from service.api.body import StrictRoute
from service.api.deps import LookingDoctor, Now, RequestId
from service.api.gate import Look, Opened, WithheldOut, look, withheld
from service.api.rooms import HouseDep
from service.api.schema import Bilingual
from service.domain.care.planned import Planned
from service.kit.clock import age_on, city_day
from service.panel import actions as panel
from service.panel.patient import Seen, see
from service.plans import actions as plans

router = APIRouter(prefix="/v1/doctor", tags=["doctor"], route_class=StrictRoute)


class PatientProfile(BaseModel):
    name: str
    birth_date: date
    age: int
    sex: Literal["female", "male"]
    region: str
    contact: str | None


class DueOut(BaseModel):
    """A visit, check or screening that is due; `last` is when it was done before."""

    item: str
    kind: Literal["visit", "check", "screening", "questionnaire"]
    text: Bilingual
    due: date
    overdue: bool
    last: date | None


class PatientOut(BaseModel):
    """`profile` and `prompt` are null while the resident withholds the profile class."""

    patient_id: UUID
    profile: PatientProfile | None
    prompt: dict[str, Any] | None = Field(
        description="As /v1/me/prompt, on the granted classes alone, `pending` too."
    )
    due: list[DueOut]
    withheld: list[WithheldOut]


@router.get("/patients/{patient_id}")
async def get_patient(
    patient_id: UUID, caller: LookingDoctor, house: HouseDep, now: Now, request_id: RequestId
) -> PatientOut:
    """A patient; what stays closed is named once, with the reason. The look is in their log."""
    ask = Look.by(caller, patient_id, request_id, now)

    def open_(conn: Connection, decision: Decision, permit: Permit) -> Opened[PatientOut]:
        seen, prompt, due = None, None, list[DueOut]()
        if DataClass.PROFILE in permit.classes:
            seen = see(conn, house.vault, permit, regions=house.regions, now=now)
            prompt = seen.prompt(panel.held(conn, house.vault, permit, ask.caller.id))
            found = plans.due(conn, house.vault, permit, seen.situation())
            due = [_due(one, now) for one in found]
        today = city_day(now)
        answer = PatientOut(
            patient_id=patient_id,
            profile=None if seen is None else _profile(seen, today),
            prompt=prompt,
            due=due,
            withheld=withheld(decision),
        )
        return Opened(answer, 1)

    return await look(house, ask, open_)


def _profile(seen: Seen, today: date) -> PatientProfile:
    profile = seen.profile
    return PatientProfile(
        name=profile.name,
        birth_date=profile.birth_date,
        age=age_on(profile.birth_date, today),
        sex=profile.sex,
        region=profile.region,
        contact=profile.contact,
    )


def _due(one: Planned, now: datetime) -> DueOut:
    return DueOut(
        item=one.item,
        kind=one.kind,
        text=Bilingual.of(one.name),
        due=one.on,
        overdue=one.on <= city_day(now),
        last=one.last,
    )
