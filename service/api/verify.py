"""Anybody may ask whether a code is genuine, and learns nothing about the person who shows it."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from service.api.address import limited
from service.api.body import Shape, StrictRoute
from service.api.deps import Now
from service.api.rooms import HouseDep
from service.api.schema import Moment
from service.healthcode import actions

router = APIRouter(prefix="/v1", tags=["anyone"], route_class=StrictRoute)


class TokenBody(Shape):
    token: Annotated[str, Field(min_length=1, max_length=1024)]


class VerifyOut(BaseModel):
    """The same members whatever the answer; a used, ended or foreign code is not told apart."""

    valid: bool
    issuer: str
    expires_at: Moment | None


@router.post("/verify", dependencies=[Depends(limited("code"))])
async def verify_code(body: TokenBody, house: HouseDep, now: Now) -> VerifyOut:
    """Whether a code is genuine. Asking uses the code up."""
    issuer = house.settings.issuer
    code = actions.genuine(body.token, system=house.system, issuer=issuer, now=now)
    # Only what bears our signature costs a transaction.
    if code is None or not await house.db.awrite(lambda conn: actions.verify(conn, code, now=now)):
        return VerifyOut(valid=False, issuer=issuer, expires_at=None)
    return VerifyOut(valid=True, issuer=issuer, expires_at=code.expires_at)
