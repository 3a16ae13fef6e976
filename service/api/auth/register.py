"""Sign-up. Known and unknown people get the same answer after the same work (ADR 0006)."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from anyio import to_thread
from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from consent.vocabulary import Action
from service.api.address import limited
from service.api.body import Shape, StrictRoute
from service.api.deps import Now
from service.api.files import open_file
from service.api.me import ages
from service.api.rooms import HouseDep
from service.grants import gate
from service.house import House
from service.identity import actions as identity
from service.identity import names
from service.kit.audience import speaking_for
from service.kit.errors import Invalid
from service.kit.ids import new_id
from service.residents import actions as residents
from service.residents.actions import Profile

router = APIRouter(
    tags=["auth"], route_class=StrictRoute, dependencies=[Depends(limited("sign-up"))]
)


class Registration(Shape):
    """What a person gives to begin a file of their own."""

    login: str = Field(max_length=200, description="Phone number or name to sign in with.")
    password: str = Field(max_length=256, description="8 to 256 characters.")
    name: str = Field(max_length=200)
    birth_date: date
    sex: Literal["female", "male"]
    region: str = Field(max_length=32, description="Division code from GET /v1/regions.")


class Registered(BaseModel):
    resident_id: UUID


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
            open_file(conn, house, permit, profile, begun=now)
            if not identity.sign_up(conn, tag, resident=resident, password_hash=hashed):
                attempt.rollback()

    # Somebody new is a resident from the first row on.
    with speaking_for("resident"):
        await house.db.awrite(begin, key=resident.bytes)
    return Registered(resident_id=resident)


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
