"""Proving oneself again inside a sign-in, for what needs a proof from the last five minutes."""

from datetime import datetime, timedelta
from math import ceil
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Request
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError
from sqlalchemy import Connection

from service.api.address import address_of, limited
from service.api.auth import passkeys
from service.api.auth.answers import TokenAnswer, token_answer
from service.api.auth.credentials import AssertedCredential
from service.api.body import Shape, StrictRoute
from service.api.deps import Now, Person
from service.api.rooms import HouseDep
from service.api.schema import may_refuse
from service.house import House
from service.identity import actions as identity
from service.identity import attempts
from service.identity.actions import BadGrant
from service.identity.caller import Caller
from service.identity.passkeys.actions import ACR, Proven
from service.identity.store import Login
from service.kit.errors import RateLimited

router = APIRouter(prefix="/v1/auth", tags=["auth"], route_class=StrictRoute)


class Reproof(Shape):
    """One of the two: a password, or the answer to a challenge of `challenge_passkey`."""

    password: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    passkey: AssertedCredential | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.password is None) == (self.passkey is None):
            raise PydanticCustomError("exactly_one", "one of password and passkey")
        return self


@router.post(
    "/step-up",
    response_model_exclude_none=True,
    responses=may_refuse(401),
    # A right password costs its work too, and is never held back.
    dependencies=[Depends(limited("door"))],
)
async def step_up(
    request: Request, proof: Reproof, caller: Person, house: HouseDep, now: Now
) -> TokenAnswer:
    """Prove myself again: an access token of the same sign-in with a fresh `auth_time`.

    Its strength (acr) is that of this proof. The refresh token stays as it is, and refreshing
    goes back to the time and strength of the sign-in.
    """
    if proof.passkey is not None:
        await _require_passkey(house, caller, proof.passkey, now)
        return token_answer(house, identity.again(caller, ACR, now), now)
    await require_password(house, caller, proof.password or "", address_of(request), now)
    return token_answer(house, identity.again(caller, 1, now), now)


async def _require_passkey(
    house: House, caller: Caller, credential: AssertedCredential, now: datetime
) -> None:
    def prove(conn: Connection) -> Proven:
        return passkeys.prove(conn, house, credential, now, caller.id)

    proven = await house.db.awrite(prove)
    if proven.passkey is None:
        raise passkeys.refusal(proven)


async def require_password(
    house: House, caller: Caller, password: str, address: str, now: datetime
) -> Login:
    """How the caller signs in, if this is their password; `BadGrant` if it is not.

    Held back like a sign-in: a stolen sign-in is no better place to guess from.
    """

    def begin(conn: Connection) -> Login | timedelta | None:
        held = attempts.charge(conn, caller.id.bytes, address, now)
        return identity.password_of(conn, caller.id) if held is None else held

    login = await house.db.awrite(begin)
    if isinstance(login, timedelta):
        raise RateLimited(ceil(login.total_seconds()))
    stored = login.password_hash if login is not None and not login.disabled else None
    if not await house.passwords.averify(stored, password) or login is None:
        raise BadGrant
    await house.db.awrite(lambda conn: attempts.settle(conn, caller.id.bytes, address))
    return login
