"""Changing one's own password."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import Field
from sqlalchemy import Connection

from service.api.address import address_of, limited
from service.api.auth.answers import TokenAnswer, token_answer
from service.api.auth.step_up import require_password
from service.api.body import Shape, StrictRoute
from service.api.deps import Now, Person
from service.api.rooms import HouseDep
from service.api.schema import may_refuse
from service.api.told import tell_owner
from service.identity import names, own_password
from service.identity.actions import SignedIn
from service.kit.errors import Invalid
from service.kit.log import log
from service.notices import words

router = APIRouter(prefix="/v1/auth", tags=["auth"], route_class=StrictRoute)


class PasswordChange(Shape):
    password: Annotated[str, Field(min_length=1, max_length=256)]
    new_password: str = Field(max_length=256, description="8 to 256 characters.")


@router.post(
    "/password",
    response_model_exclude_none=True,
    responses=may_refuse(401, 403),
    # Two passwords cost their work, whether or not they are right.
    dependencies=[Depends(limited("door"))],
)
async def change_password(
    request: Request, wish: PasswordChange, caller: Person, house: HouseDep, now: Now
) -> TokenAnswer:
    """Change my password, as a resident or a practitioner; I am signed out everywhere else.

    Needs the old one, and from whoever has a passkey a proof with it from the last five minutes.
    The answer goes on with a new sign-in, as old and as strong as this one; every token from
    before is void, and so are recovery codes. A resident is told in a notice.
    """
    if faults := names.password_faults(wish.new_password, "/new_password"):
        raise Invalid(faults)
    await house.db.aread(lambda conn: own_password.require_strength(conn, caller, now))
    before = await require_password(house, caller, wish.password, address_of(request), now)
    hashed = await house.passwords.ahash(wish.new_password)

    def change(conn: Connection) -> SignedIn:
        signed_in = own_password.change(conn, caller, before, hashed, now)
        tell_owner(conn, house, caller.id, words.PASSWORD_CHANGED, now)
        return signed_in

    signed_in = await house.db.awrite(change)
    log.info("password-changed", subject=str(caller.id))
    return token_answer(house, signed_in, now)
