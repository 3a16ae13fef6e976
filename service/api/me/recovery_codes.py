"""The resident's recovery codes, for the day the password is forgotten."""

from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from service.api.body import StrictRoute
from service.api.deps import Now, Resident
from service.api.rooms import HouseDep
from service.api.schema import Moment, may_refuse
from service.api.told import tell_owner
from service.identity import own_password, recovery
from service.notices import words

router = APIRouter(prefix="/v1/me", tags=["auth"], route_class=StrictRoute)


class RecoverySheetOut(BaseModel):
    left: int = Field(description="Codes that were not used yet.")
    created_at: Moment | None = Field(description="Null before the first ones were made.")


class RecoveryCodesOut(BaseModel):
    codes: list[str] = Field(description="Shown here and never again: keep them on paper.")
    created_at: Moment


@router.get("/recovery-codes")
async def get_recovery_codes(caller: Resident, house: HouseDep) -> RecoverySheetOut:
    """How many of my recovery codes are left; the codes themselves are shown when they are made."""
    found = await house.db.aread(lambda conn: recovery.sheet(conn, caller.id))
    return RecoverySheetOut(left=found.left, created_at=found.created_at)


@router.post("/recovery-codes", status_code=201, responses=may_refuse(403))
async def make_recovery_codes(caller: Resident, house: HouseDep, now: Now) -> RecoveryCodesOut:
    """Make eight codes, each good once for a new password; those from before are void.

    Changing the password voids them too. Needs a proof from the last five minutes, by passkey from
    whoever has one. I am told in a notice.
    """

    def make(conn: Connection) -> list[str]:
        own_password.require_fresh(conn, caller, now)
        codes = recovery.make(conn, caller, now)
        tell_owner(conn, house, caller.id, words.RECOVERY_CODES_MADE, now)
        return codes

    return RecoveryCodesOut(codes=await house.db.awrite(make), created_at=now)
