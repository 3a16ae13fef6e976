"""Passkeys of residents and doctors: adding, listing, removing, and signing in with one.

Whatever is wrong with an answer, and whether or not the credential is known, the refusal is one.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from service.api.address import limited
from service.api.auth.answers import TokenAnswer, token_answer
from service.api.auth.credentials import AssertedCredential, CreatedCredential, as_sent, party
from service.api.body import Shape, StrictRoute
from service.api.deps import Now, Person
from service.api.rooms import HouseDep
from service.api.schema import Moment, may_refuse
from service.api.told import tell_owner
from service.house import House
from service.identity import actions as identity
from service.identity import own_password
from service.identity.actions import BadGrant, SignedIn
from service.identity.passkeys import actions, ceremony, store
from service.identity.passkeys.actions import Proven
from service.kit import caps
from service.kit.errors import NotFound
from service.kit.log import log
from service.notices import words

router = APIRouter(prefix="/v1/auth/passkeys", tags=["auth"], route_class=StrictRoute)


class CeremonyOut(BaseModel):
    """Options for `navigator.credentials`, good for five minutes and one answer.

    Parse them with `PublicKeyCredential.parseCreationOptionsFromJSON` or
    `parseRequestOptionsFromJSON`. A page may put the person's own name into `user` before it asks:
    the service does not know it.
    """

    model_config = ConfigDict(serialize_by_alias=True)

    options: dict[str, Any] = Field(alias="publicKey")


class NewPasskey(Shape):
    passkey: CreatedCredential


class PasskeyProof(Shape):
    passkey: AssertedCredential


class PasskeyOut(BaseModel):
    id: UUID
    created_at: Moment


class PasskeyList(BaseModel):
    items: list[PasskeyOut]
    next: None


@router.post("/registration", responses=may_refuse(409))
async def begin_passkey(caller: Person, house: HouseDep, now: Now) -> CeremonyOut:
    """Begin to add a passkey. Needs a sign-in from the last five minutes.

    The first one may follow a password; every other one needs an earlier passkey, so that a
    password alone never grows into more.
    """

    def begin(conn: Connection) -> bytes:
        own_password.require_fresh(conn, caller, now)
        caps.require("passkeys", len(store.of(conn, caller.id)))
        return actions.begin(conn, actions.REGISTER, now, caller.id)

    challenge = await house.db.awrite(begin)
    handle = actions.handle(house.system, caller.id)
    options = ceremony.creation_options(party(house), challenge, handle)
    return CeremonyOut(publicKey=options)


@router.post("", status_code=201, responses=may_refuse(409))
async def add_passkey(wish: NewPasskey, caller: Person, house: HouseDep, now: Now) -> PasskeyOut:
    """Add the passkey that an authenticator made for the options of `begin_passkey`.

    A resident is told in a notice.
    """

    def keep(conn: Connection) -> store.Passkey | None:
        own_password.require_fresh(conn, caller, now)
        caps.require("passkeys", len(store.of(conn, caller.id)))
        kept = actions.register(
            conn,
            house.system,
            party(house),
            as_sent(wish.passkey),
            subject=caller.id,
            kind=caller.kind,
            now=now,
        )
        if kept is not None:
            tell_owner(conn, house, caller.id, words.PASSKEY_ADDED, now)
        return kept

    kept = await house.db.awrite(keep)
    if kept is None:
        raise BadGrant
    return PasskeyOut(id=kept.passkey_id, created_at=kept.created_at)


@router.get("")
async def list_passkeys(caller: Person, house: HouseDep) -> PasskeyList:
    """My passkeys, oldest first."""
    found = await house.db.aread(lambda conn: store.of(conn, caller.id))
    items = [PasskeyOut(id=one.passkey_id, created_at=one.created_at) for one in found]
    return PasskeyList(items=items, next=None)


@router.delete("/{passkey_id}", status_code=204)
async def remove_passkey(passkey_id: UUID, caller: Person, house: HouseDep, now: Now) -> Response:
    """Remove one of my passkeys, and end every sign-in of mine but this one.

    Needs a proof with a passkey from the last five minutes. A resident is told in a notice.
    """

    def remove(conn: Connection) -> None:
        own_password.require_fresh(conn, caller, now)
        if not store.drop(conn, caller.id, passkey_id):
            raise NotFound
        # Whoever stole the authenticator is signed in by it.
        identity.end_others(conn, caller, now)
        tell_owner(conn, house, caller.id, words.PASSKEY_REMOVED, now)

    await house.db.awrite(remove)
    return Response(status_code=204)


@router.post("/challenge", dependencies=[Depends(limited("door"))])
async def challenge_passkey(house: HouseDep, now: Now) -> CeremonyOut:
    """Begin to sign in, or to step up. Whoever asks gets the same: it names nobody."""
    challenge = await house.db.awrite(lambda conn: actions.begin(conn, actions.PROVE, now))
    return CeremonyOut(publicKey=ceremony.request_options(party(house), challenge))


@router.post(
    "/token",
    response_model_exclude_none=True,
    responses=may_refuse(401),
    dependencies=[Depends(limited("door"))],
)
async def sign_in_by_passkey(proof: PasskeyProof, house: HouseDep, now: Now) -> TokenAnswer:
    """Sign in with a passkey; no name is asked for. The sign-in has strength (acr) 2."""

    def begin(conn: Connection) -> SignedIn | Proven:
        proven = prove(conn, house, proof.passkey, now)
        if proven.passkey is None:
            return proven
        subject, kind = proven.passkey.subject, proven.passkey.kind
        return identity.begin(conn, subject=subject, kind=kind, acr=actions.ACR, now=now)

    outcome = await house.db.awrite(begin)
    if isinstance(outcome, Proven):
        raise refusal(outcome)
    return token_answer(house, outcome, now)


def prove(
    conn: Connection,
    house: House,
    credential: AssertedCredential,
    now: datetime,
    subject: UUID | None = None,
) -> Proven:
    """Whose passkey this is; see `actions.prove`."""
    sent = as_sent(credential)
    return actions.prove(conn, house.system, party(house), sent, now=now, subject=subject)


def refusal(proven: Proven) -> BadGrant:
    """One answer for every fault; a counter that went back is told to the operator's log."""
    if proven.rolled_back is not None:
        log.warning("passkey-counter-went-back", subject=str(proven.rolled_back))
    return BadGrant()
