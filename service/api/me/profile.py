"""A resident's profile."""

from datetime import date
from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from consent.decision import Permit
from consent.vocabulary import Action, DataClass
from service.api.body import Shape, StrictRoute
from service.api.me import ages
from service.api.me.own import Mine
from service.guardians import actions as guardians
from service.residents import actions as residents
from service.residents.actions import Profile

router = APIRouter(prefix="/v1/me", tags=["me"], route_class=StrictRoute)

MINORITY = frozenset({"birth_date", "zone"})
"""Members of a profile that decide until when somebody is a child."""


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
async def get_me(me: Mine) -> ProfileAnswer:
    """Who I am here."""

    def read(conn: Connection, permit: Permit) -> Profile:
        return residents.profile(conn, me.house.vault, permit)

    classes = frozenset({DataClass.PROFILE})
    return _answer(me.subject, await me.read(Action.READ, read, classes=classes))


@router.patch("")
async def amend_me(changes: ProfileChanges, me: Mine) -> ProfileAnswer:
    """Change what I told about myself; the whole profile as it stands afterwards.

    The birth date and the zone of a child decide how long somebody is guardian: changing them needs
    a sign-in from the last five minutes, and never makes it longer.
    """
    wished = changes.model_dump(exclude_unset=True)
    if me.is_child and wished.keys() & MINORITY:
        me.caller.require_step_up(me.now)

    def amend(conn: Connection, permit: Permit) -> Profile:
        profile = residents.amend(
            conn, me.house.vault, permit, changes=wished, regions=me.house.regions, now=me.now
        )
        if wished.keys() & MINORITY:
            ages.require(profile, child=me.is_child, now=me.now)
        if me.is_child:
            guardians.restate(
                conn,
                me.house.vault,
                me.subject,
                name=profile.name,
                birth_date=profile.birth_date,
                zone=profile.zone,
                now=me.now,
            )
        return profile

    return _answer(me.subject, await me.write(Action.WRITE, amend))


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
