"""A resident's profile."""

from datetime import date
from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from consent.vocabulary import Action, DataClass
from service.api.body import Shape, StrictRoute
from service.api.deps import Now, Resident
from service.api.rooms import HouseDep
from service.grants import gate
from service.residents import actions as residents
from service.residents.actions import Profile

router = APIRouter(prefix="/v1/me", tags=["me"], route_class=StrictRoute)


class ProfileAnswer(BaseModel):
    resident_id: UUID
    name: str
    birth_date: date
    sex: Literal["female", "male"]
    region: str
    zone: str
    language: Literal["zh", "en"]
    contact: str | None


def _without_defaults(schema: dict[str, Any]) -> None:
    for member in schema["properties"].values():
        member.pop("default", None)


class ProfileChanges(Shape):
    """Members to change; those left out stay. Only `contact` can be emptied with null."""

    # A member that is left out has no value, so the defaults below are never read or published.
    model_config = ConfigDict(json_schema_extra=_without_defaults)

    name: str = Field("", min_length=1, max_length=200)
    birth_date: date = date.min
    sex: Literal["female", "male"] = "female"
    region: str = Field("", max_length=32)
    zone: str = Field("", max_length=64, description="IANA name, such as Asia/Shanghai.")
    language: Literal["zh", "en"] = "zh"
    contact: str | None = Field(None, max_length=200)


@router.get("")
async def get_me(caller: Resident, house: HouseDep, now: Now) -> ProfileAnswer:
    """Who I am here."""

    def read(conn: Connection) -> Profile:
        permit = gate.own(
            conn,
            house.vault,
            resident=caller.id,
            action=Action.READ,
            now=now,
            classes=frozenset({DataClass.PROFILE}),
        )
        return residents.profile(conn, house.vault, permit)

    return _answer(caller.id, await house.db.aread(read))


@router.patch("")
async def amend_me(
    changes: ProfileChanges, caller: Resident, house: HouseDep, now: Now
) -> ProfileAnswer:
    """Change what I told about myself; the whole profile as it stands afterwards."""

    def amend(conn: Connection) -> Profile:
        permit = gate.own(conn, house.vault, resident=caller.id, action=Action.WRITE, now=now)
        return residents.amend(
            conn,
            house.vault,
            permit,
            changes=changes.model_dump(exclude_unset=True),
            regions=house.regions,
            now=now,
        )

    return _answer(caller.id, await house.db.awrite(amend, key=caller.id.bytes))


def _answer(resident: UUID, profile: Profile) -> ProfileAnswer:
    return ProfileAnswer(
        resident_id=resident,
        name=profile.name,
        birth_date=profile.birth_date,
        sex=profile.sex,
        region=profile.region,
        zone=profile.zone,
        language=profile.language,
        contact=profile.contact,
    )
