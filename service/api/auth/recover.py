"""A new password for a resident who forgot theirs, for a recovery code."""

from math import ceil
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import Field
from sqlalchemy import Connection

from service.api.address import address_of, limited
from service.api.auth.answers import TokenAnswer, token_answer
from service.api.body import Shape, StrictRoute
from service.api.deps import Now
from service.api.rooms import HouseDep
from service.api.schema import may_refuse
from service.api.told import tell_owner
from service.identity import actions as identity
from service.identity import attempts, names, recovery
from service.identity.actions import SignedIn
from service.kit.audience import speaking_for
from service.kit.errors import Invalid, RateLimited
from service.kit.log import log
from service.notices import words

router = APIRouter(prefix="/v1/auth", tags=["auth"], route_class=StrictRoute)


class Recovery(Shape):
    login: Annotated[str, Field(min_length=1, max_length=200)]
    code: Annotated[
        str, Field(min_length=1, max_length=64, description="In any case, with or without dashes.")
    ]
    new_password: str = Field(max_length=256, description="8 to 256 characters.")


@router.post(
    "/recover",
    response_model_exclude_none=True,
    responses=may_refuse(401),
    # The new password costs its work, whether or not the code is right.
    dependencies=[Depends(limited("door"))],
)
async def recover_password(
    request: Request, wish: Recovery, house: HouseDep, now: Now
) -> TokenAnswer:
    """Set a new password with one of my recovery codes and sign in; for residents.

    The code is used up, every sign-in from before ends and a notice tells me. An unknown name, a
    wrong code and a used one get the same answer, and are held back together with passwords.
    """
    if faults := names.password_faults(wish.new_password, "/new_password"):
        raise Invalid(faults)
    tag = identity.tag_of(house.system, wish.login)
    address = address_of(request)
    held = await house.db.awrite(lambda conn: attempts.charge(conn, tag, address, now))
    if held is not None:
        raise RateLimited(ceil(held.total_seconds()))
    hashed = await house.passwords.ahash(wish.new_password)

    def enter(conn: Connection) -> SignedIn:
        login = identity.login(conn, tag)
        signed_in = recovery.recover(conn, login, wish.code, hashed, now)
        attempts.settle(conn, tag, address)
        tell_owner(conn, house, signed_in.subject, words.PASSWORD_RECOVERED, now)
        return signed_in

    # Codes are residents', and all that follows a good one is its owner's to do.
    with speaking_for("resident"):
        signed_in = await house.db.awrite(enter)
    log.info("password-recovered", subject=str(signed_in.subject))
    return token_answer(house, signed_in, now)
