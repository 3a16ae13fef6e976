"""Doctors sign in with their account at the city's identity provider."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from service.api.address import limited
from service.api.auth.answers import TokenAnswer, token_answer
from service.api.body import Shape, StrictRoute
from service.api.deps import Now
from service.api.rooms import HouseDep
from service.api.schema import may_refuse
from service.house import House
from service.identity.actions import BadGrant, SignedIn
from service.identity.federation import actions, identity_token
from service.kit.errors import NotFound

router = APIRouter(
    prefix="/v1/auth/oidc",
    tags=["auth"],
    route_class=StrictRoute,
    dependencies=[Depends(limited("door"))],
)


class Departure(BaseModel):
    """Where to send the browser. The page keeps `state` and compares it with what comes back."""

    authorization_url: str
    state: str


class Return(Shape):
    """What the provider sent the browser back with. `iss` (RFC 9207) says which provider it was."""

    code: Annotated[str, Field(min_length=1, max_length=2048)]
    state: Annotated[str, Field(min_length=1, max_length=128)]
    iss: Annotated[str, Field(min_length=1, max_length=256)]


@router.post("/departure", responses=may_refuse(404))
async def begin_federated_sign_in(house: HouseDep, now: Now) -> Departure:
    """Begin to sign in elsewhere. 404 where the city has no identity provider."""
    _require_provider(house)
    state = await house.db.awrite(lambda conn: actions.begin(conn, now))
    proof = actions.code_challenge(actions.verifier(house.system, state))
    url = await house.provider.entrance(
        {
            "state": state,
            "nonce": actions.nonce(house.system, state),
            "code_challenge": proof,
            "code_challenge_method": "S256",
        }
    )
    return Departure(authorization_url=url, state=state)


@router.post("/token", response_model_exclude_none=True, responses=may_refuse(401, 404))
async def end_federated_sign_in(back: Return, house: HouseDep, now: Now) -> TokenAnswer:
    """Come back with a code. Only an account that the operator linked signs anybody in."""
    _require_provider(house)
    provider, settings = house.provider, house.settings
    taken = await house.db.awrite(lambda conn: actions.take(conn, back.state, now))
    # A code from another provider must not be handed to this one (mix-up, RFC 9207).
    if not taken or back.iss != provider.issuer:
        raise BadGrant
    token = await provider.redeemed(back.code, actions.verifier(house.system, back.state))
    account = token and await identity_token.read(
        token,
        provider,
        algorithms=frozenset(settings.oidc_algorithms.split(",")),
        strong=frozenset(settings.oidc_strong.split(",")),
        nonce=actions.nonce(house.system, back.state),
        now=now,
    )
    if not account:
        raise BadGrant

    def enter(conn: Connection) -> SignedIn | None:
        return actions.sign_in(conn, house.system, provider.issuer, account, now)

    signed_in = await house.db.awrite(enter)
    if signed_in is None:
        raise BadGrant
    return token_answer(house, signed_in, now)


def _require_provider(house: House) -> None:
    if not house.provider.is_configured:
        raise NotFound
