"""A young person takes over the file that a guardian kept for them (PIPL 31)."""

from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field
from sqlalchemy import Connection

from service.api.address import limited
from service.api.auth.register import Registered
from service.api.body import Shape, StrictRoute
from service.api.deps import Now
from service.api.me.contributions import leave
from service.api.rooms import HouseDep
from service.guardians import actions as guardians
from service.identity import actions as identity
from service.identity import names
from service.kit.audience import speaking_for
from service.kit.errors import Invalid

router = APIRouter(
    tags=["auth"], route_class=StrictRoute, dependencies=[Depends(limited("sign-up"))]
)


class Claim(Shape):
    """What a young person gives to take over their file."""

    code: str = Field(min_length=1, max_length=64, description="From POST .../handover.")
    login: str = Field(max_length=200, description="Phone number or name to sign in with.")
    password: str = Field(max_length=256, description="8 to 256 characters.")


@router.post("/v1/auth/claim", status_code=201)
async def claim(wish: Claim, house: HouseDep, now: Now) -> Registered:
    """Take over the file a guardian kept for me, from my 14th birthday on; guardianship ends.

    For a login that is taken the answer looks the same, nothing changes and the code stays good.
    """
    faults = names.faults(wish.login, wish.password)
    if faults:
        raise Invalid(faults)
    tag = identity.tag_of(house.system, wish.login)
    hashed = await house.passwords.ahash(wish.password)

    def take_over(conn: Connection) -> UUID:
        with conn.begin_nested() as attempt:
            child = guardians.claimed(conn, house.vault, wish.code, now=now)
            # What was counted without a sign-in would be counted again under the new one.
            leave(conn, house, child)
            if not identity.sign_up(conn, tag, resident=child, password_hash=hashed):
                attempt.rollback()
        return child

    # Who shows the code is the resident whose file it is.
    with speaking_for("resident"):
        return Registered(resident_id=await house.db.awrite(take_over))
