"""A resident's profile, and the end of it."""

from datetime import date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from anyio import to_thread
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from consent.vocabulary import Action, DataClass
from service.api.body import Shape, StrictRoute
from service.api.deps import Now, Resident
from service.api.me.contributions import leave
from service.api.rooms import HouseDep
from service.grants import gate, receipts
from service.house import House
from service.identity import actions as identity
from service.identity.caller import Caller
from service.kit.ids import new_id
from service.residents import actions as residents
from service.residents.actions import Profile

router = APIRouter(prefix="/v1/me", tags=["me"], route_class=StrictRoute)

KEYSTORE_RETENTION = timedelta(days=30)
"""R_k of sealing.md section 1: the oldest backup of the keystore that may still hold the key."""
ERASURE_TYPE = "erasure-receipt+jwt"


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


@router.delete("")
async def erase_me(caller: Resident, house: HouseDep, now: Now) -> ErasureAnswer:
    """Erase me: sign-in, contribution, profile and keys. Needs a sign-in from the last 5 minutes.

    What was sealed stays unreadable for good, in backups too once `final_at` has passed.
    """
    caller.require_step_up(now)
    await house.db.awrite(lambda conn: _erase(conn, house, caller, now), key=caller.id.bytes)
    # After the commit: a crash in between leaves an erased resident whose keys the next start
    # destroys (`jobs.erasures`), never a living one without keys.
    await to_thread.run_sync(
        lambda: house.vault.shred(caller.id, now=now, reason="erased by the resident")
    )
    return _erasure_answer(house, caller.id, now)


def _erase(conn: Connection, house: House, caller: Caller, now: datetime) -> None:
    permit = gate.own(
        conn,
        house.vault,
        resident=caller.id,
        action=Action.ERASE,
        now=now,
        stepped_up=caller.stepped_up(now),
    )
    leave(conn, house, caller.id)
    identity.forget(conn, caller.id, now)
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
