"""The norm's rates of the own panel, with the people behind each number."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from service.api.body import StrictRoute
from service.api.deps import Doctor, Now, RequestId
from service.api.gate import log_panel
from service.api.me.plan import Sourced
from service.api.rooms import HouseDep
from service.api.schema import Bilingual
from service.domain.care import rates
from service.domain.care.norm import DISEASES, Disease, Followed
from service.domain.care.rates import Rate
from service.house import House
from service.identity.caller import Caller
from service.kit.clock import city_day
from service.panel import actions as panel
from service.plans.managed import Line, Standing, standing

router = APIRouter(prefix="/v1/doctor", tags=["doctor"], route_class=StrictRoute)

AT_ONCE = 20
"""Patients read in one transaction, so that a large panel keeps nobody else waiting."""
Standings = Mapping[UUID, Standing]


class RateOut(BaseModel):
    numerator: int
    denominator: int
    value: float | None = Field(description="A share from 0 to 1; null of nobody.")


class ManagedOut(BaseModel):
    """A patient behind the numbers."""

    patient_id: UUID
    name: str
    visits: int = Field(description="Days of the year with a follow-up by a practice.")
    managed_to_norm: bool
    controlled: bool


class NormIndicatorOut(Sourced):
    condition: Disease
    text: Bilingual
    norm_rate: RateOut
    control_rate: RateOut
    untold: int = Field(description="Patients whose grants do not tell; they are in no number.")
    patients: list[ManagedOut]


class PanelIndicators(BaseModel):
    year: int
    patients: int = Field(description="Everybody of the panel whose name the doctor may see.")
    conditions: list[NormIndicatorOut]


@router.get("/indicators")
async def list_panel_indicators(
    caller: Doctor,
    house: HouseDep,
    now: Now,
    request_id: RequestId,
    year: Annotated[int | None, Query(ge=2000, le=2100, description="This year if none.")] = None,
) -> PanelIndicators:
    """Norm rate and control rate of the own panel, of patients with the diagnosis whose grants
    tell of it. Everybody looked through finds a look in their access log."""
    wanted = city_day(now).year if year is None else year
    everybody = await house.db.awrite(
        lambda conn: panel.residents(conn, caller.id), key=caller.id.bytes
    )
    found: dict[UUID, Standing] = {}
    for first in range(0, len(everybody), AT_ONCE):
        some = everybody[first : first + AT_ONCE]
        found |= await _standings(house, caller, some, wanted, request_id, now)
    return PanelIndicators(
        year=wanted,
        patients=len(found),
        conditions=[_indicator(one, found) for one in DISEASES],
    )


async def _standings(
    house: House, caller: Caller, some: Sequence[UUID], year: int, request_id: str, now: datetime
) -> Standings:
    def job(conn: Connection) -> Standings:
        decisions = panel.decided(
            conn, house.vault, practitioner=caller.id, residents=some, now=now
        )
        found = {
            resident: standing(conn, house.vault, permit, regions=house.regions, year=year, now=now)
            for resident, decision in decisions.items()
            if (permit := decision.permit) is not None
        }
        seen = [(resident, decisions[resident]) for resident in found]
        log_panel(conn, house, caller=caller, seen=seen, request_id=request_id, now=now)
        return found

    return await house.db.awrite(job, key=caller.id.bytes)


def _indicator(one: Followed, found: Standings) -> NormIndicatorOut:
    lines = [
        (resident, told.name, line)
        for resident, told in found.items()
        for line in told.lines
        if line.disease is one.disease
    ]
    source = rates.SOURCE
    return NormIndicatorOut(
        source=source.citation,
        grade=source.grade,
        caveat=Bilingual.of(source.caveat),
        condition=one.disease,
        text=Bilingual.of(one.name),
        norm_rate=_rate([line.managed_to_norm for _, _, line in lines]),
        control_rate=_rate([line.controlled for _, _, line in lines]),
        untold=sum(one.disease in told.untold for told in found.values()),
        patients=[_patient(*line) for line in sorted(lines, key=lambda line: line[1])],
    )


def _rate(held: Sequence[bool]) -> RateOut:
    rate = Rate(sum(held), len(held))
    return RateOut(numerator=rate.numerator, denominator=rate.denominator, value=rate.value)


def _patient(resident: UUID, name: str, line: Line) -> ManagedOut:
    return ManagedOut(
        patient_id=resident,
        name=name,
        visits=line.visits,
        managed_to_norm=line.managed_to_norm,
        controlled=line.controlled,
    )
