"""A resident's profile, and the end of it."""

from datetime import date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from anyio import to_thread
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from consent.decision import Permit
from consent.vocabulary import Action, DataClass
from service.api.body import Shape, StrictRoute
from service.api.me import ages
from service.api.me.contributions import leave
from service.api.me.own import Mine, Own
from service.api.schema import may_refuse
from service.grants import receipts
from service.guardians import actions as guardians
from service.house import House
from service.identity import actions as identity
from service.kit.ids import new_id
from service.residents import actions as residents
from service.residents.actions import Profile

router = APIRouter(prefix="/v1/me", tags=["me"], route_class=StrictRoute)

KEYSTORE_RETENTION = timedelta(days=30)
"""R_k of sealing.md section 1: the oldest backup of the keystore that may still hold the key."""
ERASURE_TYPE = "erasure-receipt+jwt"
MINORITY = frozenset({"birth_date", "zone"})
"""Members of a profile that decide until when somebody is a child."""
_REASONS = {False: "erased by the resident", True: "erased by a guardian"}


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


class ErasureAnswer(BaseModel):
    """`receipt` is a JWS (EdDSA) that says the same and is verified with /.well-known/jwks.json."""

    resident_id: UUID
    erased_at: datetime
    final_at: datetime
    receipt: str


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
            )
        return profile

    return _answer(me.subject, await me.write(Action.WRITE, amend))


@router.delete("", responses=may_refuse(409))
async def erase_me(me: Mine) -> ErasureAnswer:
    """Erase me: sign-in, contribution, profile and keys. Needs a sign-in from the last 5 minutes.

    What was sealed stays unreadable for good, in backups too once `final_at` has passed. 409 while
    I am the only guardian of a child under 14.
    """
    house, now = me.house, me.now
    me.caller.require_step_up(now)
    await me.write(Action.ERASE, lambda conn, permit: _erase(conn, me, permit))
    # After the commit: a crash in between leaves an erased resident whose keys the next start
    # destroys (`jobs.erasures`), never a living one without keys.
    await to_thread.run_sync(
        lambda: house.vault.shred(me.subject, now=now, reason=_REASONS[me.is_child])
    )
    return _erasure_answer(house, me.subject, now)


def _erase(conn: Connection, me: Own, permit: Permit) -> None:
    guardians.part(conn, me.house.vault, me.house.system, me.subject, now=me.now)
    leave(conn, me.house, me.subject)
    identity.forget(conn, me.subject, me.now)
    guardians.forget(conn, me.subject)
    residents.erase(conn, permit)


def _erasure_answer(house: House, resident: UUID, now: datetime) -> ErasureAnswer:
    final = now + KEYSTORE_RETENTION
    claims = {
        "jti": str(new_id()),
        "sub": str(resident),
        "iat": int(now.timestamp()),
        "event": "erased",
        "legal_basis": "PIPL 47",
        "erased_at": now.isoformat(),
        "final_at": final.isoformat(),
    }
    receipt = receipts.signed(
        claims,
        key=house.system.signing_key("receipt"),
        typ=ERASURE_TYPE,
        issuer=house.settings.issuer,
    )
    return ErasureAnswer(resident_id=resident, erased_at=now, final_at=final, receipt=receipt)


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
