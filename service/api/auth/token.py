"""The token door: passwords, refresh tokens and machines. Unknown people look like wrong ones."""

import base64
import binascii
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from math import ceil
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Depends, Form, Header, Request
from sqlalchemy import Connection

from consent.vocabulary import Text
from service.api.address import address_of, limited
from service.api.auth.answers import SCOPES, TokenAnswer, token_answer
from service.api.body import StrictRoute
from service.api.deps import TOKEN_URL, Now
from service.api.origins import addresses
from service.api.rooms import HouseDep
from service.api.schema import may_refuse
from service.house import House
from service.identity import actions as identity
from service.identity import assertions, attempts, devices, proofs
from service.identity.actions import BadClient, BadGrant, SignedIn
from service.identity.proofs import Proof
from service.identity.store import Login
from service.kit.errors import BadRequest, ProofRefused, RateLimited, ServiceError
from service.kit.tokens import Claims

router = APIRouter(tags=["auth"], route_class=StrictRoute, dependencies=[Depends(limited("door"))])


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


class BadProof(BadRequest):
    """At this door RFC 9449 asks for 400; at every other one a bad proof is a 401."""

    code = ProofRefused.code
    sentence = ProofRefused.sentence
    oauth = "invalid_dpop_proof"


class Grant(NamedTuple):
    """A request for a token, as its form and headers say it."""

    house: House
    now: datetime
    username: str | None
    password: str | None
    refresh_token: str | None
    client_id: str | None
    client_secret: str | None
    assertion: str | None
    proof: Proof | None
    addresses: frozenset[str]
    """Spellings of this door's own address."""
    address: str
    """From where the request comes."""
    device_token: str | None = None


Proved = tuple[SignedIn, str | None]
"""Somebody who was proven, and what their device is to show beside the next password."""


@router.post(TOKEN_URL, response_model_exclude_none=True, responses=may_refuse(401))
async def issue_token(
    request: Request,
    house: HouseDep,
    now: Now,
    grant_type: Annotated[str, Form(max_length=64)],
    username: Annotated[str | None, Form(max_length=200)] = None,
    password: Annotated[str | None, Form(max_length=256)] = None,
    refresh_token: Annotated[str | None, Form(max_length=256)] = None,
    client_id: Annotated[str | None, Form(max_length=64)] = None,
    client_secret: Annotated[str | None, Form(max_length=256)] = None,
    client_assertion_type: Annotated[str | None, Form(max_length=128)] = None,
    client_assertion: Annotated[str | None, Form(max_length=4096)] = None,
    scope: Annotated[str | None, Form(max_length=256)] = None,
    device_token: Annotated[str | None, Form(max_length=devices.LONGEST)] = None,
    authorization: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> TokenAnswer:
    """OAuth 2: a password, a refresh token or a machine's proof for a ten-minute access token.

    A machine signs an assertion (RFC 7523) and sends a `DPoP` proof, whose key the token is then
    bound to (RFC 9449); or it sends its secret.
    """
    means = GRANTS.get(grant_type)
    if means is None:
        raise UnsupportedGrant
    if client_assertion_type not in (None, assertions.KIND):
        raise BadClient
    pair = _basic(authorization) or (client_id, client_secret)
    machine = grant_type == "client_credentials"
    here = addresses(request)
    proof = _proof(request, here, now) if machine else None
    by = (username, password, refresh_token, *pair, client_assertion)
    grant = Grant(house, now, *by, proof, here, address_of(request), device_token)
    signed_in, device = await means(grant)
    bound = proof.thumbprint if proof is not None else None
    answer = token_answer(house, signed_in, now, thumbprint=bound)
    return answer.model_copy(update={"device_token": device})


async def _by_password(grant: Grant) -> Proved:
    house, username, password = grant.house, grant.username, grant.password
    if not username or not password:
        raise IncompleteGrant
    tag = identity.tag_of(house.system, username)
    address, now, secret = grant.address, grant.now, house.system.secret("device")

    def begin(conn: Connection) -> tuple[Login | None, bytes | None, timedelta | None]:
        login = identity.login(conn, tag)
        device = devices.known(secret, tag, login, grant.device_token, now)
        return login, device, attempts.charge(conn, tag, address, now, device=device)

    login, device, held = await house.db.awrite(begin)
    if held is not None:
        raise RateLimited(ceil(held.total_seconds()))
    usable = login is not None and not login.disabled
    stored = login.password_hash if login is not None and usable else None
    if not await house.passwords.averify(stored, password) or login is None:
        raise BadGrant

    def enter(conn: Connection) -> SignedIn:
        attempts.settle(conn, tag, address, device=device)
        return identity.sign_in(conn, login, now)

    signed_in = await house.db.awrite(enter)
    # One device is one token, so that it is one bucket.
    kept = grant.device_token if device is not None else devices.issue(secret, tag, login, now)
    return signed_in, kept


async def _by_refresh(grant: Grant) -> Proved:
    token = grant.refresh_token
    if not token:
        raise IncompleteGrant
    signed_in = await grant.house.db.awrite(lambda conn: identity.refresh(conn, token, grant.now))
    if signed_in is None:
        raise BadGrant
    return signed_in, None


async def _by_machine(grant: Grant) -> Proved:
    return await _machine(grant), None


async def _machine(grant: Grant) -> SignedIn:
    if grant.assertion is not None:
        return await _by_assertion(grant, grant.assertion)
    client_id, secret, proof = grant.client_id, grant.client_secret, grant.proof
    if not client_id or not secret:
        raise BadClient

    def prove(conn: Connection) -> SignedIn:
        signed_in = identity.sign_in_client(conn, client_id, secret, grant.now)
        if proof is not None and not proofs.use(conn, proof):
            raise BadProof
        return signed_in

    # A proof is noted, which is a write; the older way only reads.
    db = grant.house.db
    return await (db.aread(prove) if proof is None else db.awrite(prove))


async def _by_assertion(grant: Grant, assertion: str) -> SignedIn:
    """By signature, and only to the holder of a key that is proven with it."""
    db, now, proof = grant.house.db, grant.now, grant.proof
    known = await db.aread(lambda conn: assertions.keys(conn, assertion))
    audiences = grant.addresses | {grant.house.settings.issuer}
    good = assertions.read(assertion, known, audiences=audiences, now=now)
    if good is None or grant.client_id not in (None, str(good.client_id)):
        raise BadClient
    if proof is None:
        raise BadProof
    signed_in = await db.awrite(lambda conn: assertions.sign_in(conn, good, proof, now))
    if signed_in is None:
        raise BadClient
    return signed_in


GRANTS: dict[str, Callable[[Grant], Awaitable[Proved]]] = {
    "password": _by_password,
    "refresh_token": _by_refresh,
    "client_credentials": _by_machine,
}


def _proof(request: Request, here: frozenset[str], now: datetime) -> Proof | None:
    """The proof of possession that came along, if any; a bad one is refused, not ignored."""
    sent = request.headers.getlist("dpop")
    if not sent:
        return None
    found = proofs.read(sent[0], method="POST", addresses=here, token=None, now=now)
    if len(sent) != 1 or found is None:
        raise BadProof
    return found


def _basic(authorization: str | None) -> tuple[str, str] | None:
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise BadClient from None
    return user, secret


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
    known = _known(house, token, now)

    def end(conn: Connection) -> None:
        if known is not None:
            identity.end_sign_in(conn, known.subject, known.family, now)
        else:
            identity.revoke_token(conn, token, now)

    await house.db.awrite(end)
    return {}


def _known(house: House, token: str, now: datetime) -> Claims | None:
    for audience in SCOPES:
        try:
            return house.tokens.verify(token, audience=audience, now=now)
        except ServiceError:
            continue
    return None
