"""Sign-up and sign-in. Known and unknown people get the same answers after the same work."""

import base64
import binascii
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from anyio import to_thread
from fastapi import APIRouter, Form, Header
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from consent.vocabulary import Action, Text
from service.api.body import Shape, StrictRoute
from service.api.deps import TOKEN_URL, Now
from service.api.files import open_file
from service.api.me import ages
from service.api.me.contributions import leave
from service.api.rooms import HouseDep
from service.api.schema import may_refuse
from service.grants import gate
from service.guardians import actions as guardians
from service.house import House
from service.identity import actions as identity
from service.identity import names
from service.identity.actions import BadClient, BadGrant, SignedIn
from service.kit.errors import BadRequest, Invalid, ServiceError
from service.kit.ids import new_id
from service.kit.tokens import LIFETIME, jwks
from service.residents import actions as residents
from service.residents.actions import Profile

router = APIRouter(tags=["auth"], route_class=StrictRoute)

PUBLISHED = ("jwt", "receipt", "audit")
SCOPES: dict[str, frozenset[str]] = {
    "resident": frozenset({"me"}),
    "doctor": frozenset({"patients"}),
    "city": frozenset({"releases"}),
}


class Registration(Shape):
    """What a person gives to begin a file of their own."""

    login: str = Field(max_length=200, description="Phone number or name to sign in with.")
    password: str = Field(max_length=256, description="8 to 256 characters.")
    name: str = Field(max_length=200)
    birth_date: date
    sex: Literal["female", "male"]
    region: str = Field(max_length=32, description="Division code from GET /v1/regions.")


class Claim(Shape):
    """What a young person gives to take over their file."""

    code: str = Field(min_length=1, max_length=64, description="From POST .../handover.")
    login: str = Field(max_length=200, description="Phone number or name to sign in with.")
    password: str = Field(max_length=256, description="8 to 256 characters.")


class Registered(BaseModel):
    resident_id: UUID


class TokenAnswer(BaseModel):
    """OAuth 2 token response. `refresh_token` is absent for machine clients."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    refresh_token: str | None = None
    scope: str


class UnsupportedGrant(BadRequest):
    code = "unsupported-grant-type"
    sentence = Text(
        "grant_type 只能是 password、refresh_token 或 client_credentials。",
        "grant_type must be password, refresh_token or client_credentials.",
    )
    oauth = "unsupported_grant_type"


class IncompleteGrant(BadRequest):
    sentence = Text("缺少该 grant_type 所需的参数。", "A parameter of this grant_type is missing.")
    oauth = "invalid_request"


@router.post("/v1/auth/register", status_code=201)
async def register(wish: Registration, house: HouseDep, now: Now) -> Registered:
    """Begin a file. For a login that is taken the answer looks the same and nothing is kept.

    So nobody learns from this door who is registered (ADR 0006). Whoever signed up twice signs in
    with the first password; `GET /v1/me` tells the id. A person under 14 is refused: a guardian
    begins the file (POST /v1/me/children).
    """
    profile = _wished_profile(wish, house, now)
    resident = new_id()
    tag = identity.tag_of(house.system, wish.login)
    hashed = await house.passwords.ahash(wish.password)
    # Keys first: a row that could not be sealed must never exist.
    await to_thread.run_sync(house.vault.create, resident)

    def begin(conn: Connection) -> None:
        with conn.begin_nested() as attempt:
            residents.begin(conn, resident)
            permit = gate.own(conn, house.vault, resident=resident, action=Action.WRITE, now=now)
            open_file(conn, house, permit, profile)
            if not identity.sign_up(conn, tag, resident=resident, password_hash=hashed):
                attempt.rollback()

    await house.db.awrite(begin, key=resident.bytes)
    return Registered(resident_id=resident)


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

    return Registered(resident_id=await house.db.awrite(take_over))


def _wished_profile(wish: Registration, house: House, now: datetime) -> Profile:
    faults = names.faults(wish.login, wish.password)
    profile = Profile(wish.name, wish.birth_date, wish.sex, wish.region)
    try:
        profile = residents.checked(profile, house.regions, now)
    except Invalid as invalid:
        faults += invalid.faults
    else:
        needs_guardian = ages.fault(profile, child=False, now=now)
        faults += [needs_guardian] if needs_guardian else []
    if faults:
        raise Invalid(faults)
    return profile


@router.post(TOKEN_URL, response_model_exclude_none=True, responses=may_refuse(401))
async def issue_token(
    house: HouseDep,
    now: Now,
    grant_type: Annotated[str, Form(max_length=64)],
    username: Annotated[str | None, Form(max_length=200)] = None,
    password: Annotated[str | None, Form(max_length=256)] = None,
    refresh_token: Annotated[str | None, Form(max_length=256)] = None,
    client_id: Annotated[str | None, Form(max_length=64)] = None,
    client_secret: Annotated[str | None, Form(max_length=256)] = None,
    scope: Annotated[str | None, Form(max_length=256)] = None,
    authorization: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> TokenAnswer:
    """OAuth 2: a password, a refresh token or a client secret for a ten-minute access token."""
    if grant_type == "password":
        signed_in = await _by_password(house, now, username, password)
    elif grant_type == "refresh_token":
        signed_in = await _by_refresh(house, now, refresh_token)
    elif grant_type == "client_credentials":
        pair = _basic(authorization) or (client_id, client_secret)
        signed_in = await _by_secret(house, now, *pair)
    else:
        raise UnsupportedGrant
    return _answer(house, signed_in, now)


async def _by_password(
    house: House, now: datetime, username: str | None, password: str | None
) -> SignedIn:
    if not username or not password:
        raise IncompleteGrant
    tag = identity.tag_of(house.system, username)
    login = await house.db.aread(lambda conn: identity.login(conn, tag))
    usable = login is not None and not login.disabled
    stored = login.password_hash if login is not None and usable else None
    if not await house.passwords.averify(stored, password) or login is None:
        raise BadGrant
    return await house.db.awrite(lambda conn: identity.sign_in(conn, login, now))


async def _by_refresh(house: House, now: datetime, token: str | None) -> SignedIn:
    if not token:
        raise IncompleteGrant
    signed_in = await house.db.awrite(lambda conn: identity.refresh(conn, token, now))
    if signed_in is None:
        raise BadGrant
    return signed_in


async def _by_secret(
    house: House, now: datetime, client_id: str | None, secret: str | None
) -> SignedIn:
    if not client_id or not secret:
        raise BadClient
    return await house.db.aread(lambda conn: identity.sign_in_client(conn, client_id, secret, now))


def _basic(authorization: str | None) -> tuple[str, str] | None:
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise BadClient from None
    return user, secret


def _answer(house: House, signed_in: SignedIn, now: datetime) -> TokenAnswer:
    scope = SCOPES[signed_in.audience]
    token = house.tokens.issue(
        subject=signed_in.subject,
        audience=signed_in.audience,
        scope=scope,
        auth_time=signed_in.auth_time,
        acr=signed_in.acr,
        family=signed_in.family,
        now=now,
    )
    return TokenAnswer(
        access_token=token,
        token_type="Bearer",  # noqa: S106 - a kind of token, not one
        expires_in=int(LIFETIME.total_seconds()),
        refresh_token=signed_in.refresh_token,
        scope=" ".join(sorted(scope)),
    )


@router.post("/v1/auth/revoke", status_code=200)
async def revoke_token(
    house: HouseDep,
    now: Now,
    token: Annotated[str, Form(max_length=4096)],
    token_type_hint: Annotated[str | None, Form(max_length=64)] = None,
) -> dict[str, Any]:
    """End a sign-in by its refresh or access token (RFC 7009); an unknown token is no error.

    The refresh tokens end and the access tokens are void on the next request.
    """
    family = _family_of(house, token, now)

    def end(conn: Connection) -> None:
        if family is not None:
            identity.end_family(conn, family, now)
        else:
            identity.revoke_token(conn, token, now)

    await house.db.awrite(end)
    return {}


def _family_of(house: House, token: str, now: datetime) -> UUID | None:
    for audience in SCOPES:
        try:
            return house.tokens.verify(token, audience=audience, now=now).family
        except ServiceError:
            continue
    return None


@router.get("/.well-known/jwks.json")
async def get_jwks(house: HouseDep) -> dict[str, Any]:
    """The public keys of access tokens and of receipts (RFC 7517), told apart by their `kid`.

    A receipt is no access token: its `typ` differs, and the doors know the token keys only.
    """
    return jwks(key for name in PUBLISHED for key in house.system.signing_keys(name))


@router.get("/.well-known/oauth-authorization-server")
async def get_authorization_server(house: HouseDep) -> dict[str, Any]:
    """Where the doors of sign-in are (RFC 8414)."""
    issuer = house.settings.issuer
    return {
        "issuer": issuer,
        "token_endpoint": f"{issuer}{TOKEN_URL}",
        "revocation_endpoint": f"{issuer}/v1/auth/revoke",
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "grant_types_supported": ["password", "refresh_token", "client_credentials"],
        "token_endpoint_auth_methods_supported": [
            "none",
            "client_secret_basic",
            "client_secret_post",
        ],
        "response_types_supported": [],
        "scopes_supported": sorted(set().union(*SCOPES.values())),
    }
