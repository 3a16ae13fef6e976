"""What a route may ask for: who is calling, what time it is, the store, the reader's language.

The three audiences are three types. A route's signature says who reaches it:
`caller: Resident` is a door that no doctor's and no city token opens. This module imports no
capability that knows a person's record, because the city's routes import it.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from math import ceil
from typing import Annotated

from fastapi import Depends, Request
from fastapi.openapi.models import OAuthFlowClientCredentials, OAuthFlowPassword, OAuthFlows
from fastapi.security import OAuth2

from consent.vocabulary import Language
from service.api.origins import addresses
from service.api.problems import language_of, request_id_of
from service.identity import proofs
from service.identity.caller import Audience, Bearer, Caller
from service.kit.audience import speak_for
from service.kit.db import Database
from service.kit.errors import ProofRefused, RateLimited, StrongerSignInRequired, Unauthenticated

TOKEN_URL = "/v1/auth/token"  # noqa: S105 - an address, not a secret


def _password_scheme(audience: str) -> OAuth2:
    flows = OAuthFlows(password=OAuthFlowPassword(tokenUrl=TOKEN_URL, refreshUrl=TOKEN_URL))
    return OAuth2(flows=flows, scheme_name=audience, auto_error=False)


SCHEMES: dict[Audience, OAuth2] = {
    "resident": _password_scheme("resident"),
    "doctor": _password_scheme("doctor"),
    "city": OAuth2(
        flows=OAuthFlows(clientCredentials=OAuthFlowClientCredentials(tokenUrl=TOKEN_URL)),
        scheme_name="city",
        auto_error=False,
    ),
}


def _of(audience: Audience) -> Callable[..., Awaitable[Caller]]:
    async def caller(
        request: Request, authorization: Annotated[str | None, Depends(SCHEMES[audience])]
    ) -> Caller:
        return _strong(request, await _proven(request, authorization, audience))

    return caller


async def _looking(
    request: Request, authorization: Annotated[str | None, Depends(SCHEMES["doctor"])]
) -> Bearer:
    """A doctor at a door that only looks: the look asks whether the token was revoked."""
    known = await _proven(request, authorization, "doctor", asking=False)
    return Bearer(_strong(request, known))


def _strong(request: Request, known: Caller) -> Caller:
    if known.kind == "practitioner" and known.acr < request.app.state.settings.needed_doctor_acr:
        raise StrongerSignInRequired
    return known


async def _person(
    request: Request,
    as_resident: Annotated[str | None, Depends(SCHEMES["resident"])],
    as_doctor: Annotated[str | None, Depends(SCHEMES["doctor"])],
) -> Caller:
    """A resident or a doctor, at the doors of their own sign-in; a doctor of any strength."""
    try:
        return await _proven(request, as_resident, "resident")
    except Unauthenticated:
        return await _proven(request, as_doctor, "doctor")


async def _proven(
    request: Request, authorization: str | None, audience: Audience, *, asking: bool = True
) -> Caller:
    """Who sends a good token of this audience, with what the token asks for beside it.

    Only without `asking` may it be a token that was revoked.
    """
    scheme, _, token = (authorization or "").partition(" ")
    token = token.strip()
    if scheme.lower() not in ("bearer", "dpop") or not token:
        raise Unauthenticated()
    state = request.app.state
    now = state.clock()
    known = state.tokens.verify(token, audience=audience, now=now)
    # A token that is bound to a key is worth nothing without it, and no other has a proof.
    if (known.thumbprint is not None) != (scheme.lower() == "dpop"):
        raise Unauthenticated()
    if wait := state.limits.wait("subject", known.subject, now.timestamp()):
        raise RateLimited(ceil(wait))
    if asking:
        await state.revocations.refuse(known)
    if known.thumbprint is not None:
        await _require_proof(request, token, known.thumbprint, now)
    speak_for(audience)
    return Caller.of(known)


async def _require_proof(request: Request, token: str, thumbprint: str, now: datetime) -> None:
    """Refuse whoever cannot show, for this very request, that they hold the token's key."""
    sent = request.headers.getlist("dpop")
    here = addresses(request)
    proof = (
        proofs.read(sent[0], method=request.method, addresses=here, token=token, now=now)
        if len(sent) == 1
        else None
    )
    if proof is None or proof.thumbprint != thumbprint:
        raise ProofRefused
    if not await request.app.state.db.awrite(lambda conn: proofs.use(conn, proof)):
        raise ProofRefused


Resident = Annotated[Caller, Depends(_of("resident"))]
Doctor = Annotated[Caller, Depends(_of("doctor"))]
LookingDoctor = Annotated[Bearer, Depends(_looking)]
City = Annotated[Caller, Depends(_of("city"))]
Person = Annotated[Caller, Depends(_person)]


async def _now(request: Request) -> datetime:
    now: datetime = request.app.state.clock()
    return now


async def _db(request: Request) -> Database:
    db: Database = request.app.state.db
    return db


async def _language(request: Request) -> Language:
    return language_of(request)


async def _request_id(request: Request) -> str:
    return request_id_of(request) or ""


Now = Annotated[datetime, Depends(_now)]
Db = Annotated[Database, Depends(_db)]
Lang = Annotated[Language, Depends(_language)]
RequestId = Annotated[str, Depends(_request_id)]
