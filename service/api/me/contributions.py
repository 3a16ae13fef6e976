"""In which published numbers a resident is counted, and how they leave at once."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from consent.decision import Permit
from consent.request import Actor
from consent.vocabulary import ALL_CLASSES, Action, ActorKind, Purpose
from service.api.body import StrictRoute
from service.api.me.own import Mine
from service.api.schema import Bilingual
from service.contributions import actions as contributions
from service.counted import grounds
from service.domain.anonymity import specification
from service.domain.anonymity.zcdp import epsilon_of
from service.grants import gate
from service.house import House
from service.identity import actions as identity

router = APIRouter(tags=["me"], route_class=StrictRoute)


class CountedOut(BaseModel):
    """One number of the city that I am part of: a metric at a resolution."""

    metric: str
    name: Bilingual
    cadence: str = Field(description="monthly, quarterly, communities or annual.")
    region: str = Field(description="The finest division it is published for.")
    by: str = Field(description="all, or sex_age.")


class SpentOut(BaseModel):
    """What being counted may cost me at most, as zero-concentrated differential privacy."""

    delta: float
    release_epsilon: float
    year_epsilon: float


class ContributionsOut(BaseModel):
    """`counted_in` is empty for whoever is not counted. Who is counted in a release made earlier
    is stored nowhere; `budget` says what each can have cost."""

    allowed: bool = Field(description="A statistics grant is in force; withdraw it to leave.")
    contributing: bool = Field(description="A release made now would count me.")
    counted_in: list[CountedOut]
    budget: SpentOut


@router.get("/v1/me/contributions")
async def get_contributions(me: Mine) -> ContributionsOut:
    """In which published numbers I am counted, and what privacy that can cost me."""
    house = me.house

    def read(connection: Connection, permit: Permit) -> tuple[bool, bool]:
        tags = identity.identities(connection, [permit.subject])
        inside = any(
            contributions.contributes(connection, statistics_key=_key(house), identity=tag)
            for tag in tags.values()
        )
        return _allowed(connection, house, permit.subject, me.now), inside

    allowed, inside = await me.read(Action.MANAGE, read)
    plan = specification.current()
    return ContributionsOut(
        allowed=allowed,
        contributing=inside,
        counted_in=_tables() if inside else [],
        budget=SpentOut(
            delta=plan.budget.delta,
            release_epsilon=_epsilon(_dearest(plan), plan.budget.delta),
            year_epsilon=_epsilon(plan.budget.year_nano_rho, plan.budget.delta),
        ),
    )


def settle(
    connection: Connection, house: House, resident: UUID, now: datetime, *, anew: bool = False
) -> None:
    """After a change of consent: take out at once whoever may no longer be counted.

    `anew`: the statistics grant itself changed, so what was counted under the old one goes too.
    """
    if anew or not _allowed(connection, house, resident, now):
        leave(connection, house, resident)


def leave(connection: Connection, house: House, resident: UUID) -> None:
    """Remove a resident's contribution, in the transaction of their withdrawal or erasure."""
    for tag in identity.identities(connection, [resident]).values():
        contributions.remove(connection, statistics_key=_key(house), identity=tag)
    grounds.forget(connection, resident)


def _allowed(connection: Connection, house: House, resident: UUID, now: datetime) -> bool:
    return gate.admit(
        connection,
        house.vault,
        actor=Actor(ActorKind.SERVICE, gate.STATISTICS.id),
        subject=resident,
        purpose=Purpose.STATISTICS,
        action=Action.AGGREGATE,
        classes=ALL_CLASSES,
        now=now,
    ).allow


def _tables() -> list[CountedOut]:
    plan = specification.current()
    return [
        CountedOut(
            metric=metric.id,
            name=Bilingual.of(metric.name),
            cadence=cadence.id,
            region=cadence.finest if metric.tier == "all" else metric.tier,
            by=cadence.by,
        )
        for metric in plan.metrics
        for cadence in plan.cadences
    ]


def _dearest(plan: specification.Specification) -> int:
    """What the dearest single release costs, in billionths of rho."""
    return max(plan.release_nano_rho(cadence) for cadence in plan.cadences)


def _epsilon(nano_rho: int, delta: float) -> float:
    return round(epsilon_of(nano_rho / specification.NANO, delta), 3)


def _key(house: House) -> bytes:
    return house.system.secret("statistics")
