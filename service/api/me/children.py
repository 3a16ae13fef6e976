"""Children and their guardians: begin a child's file, share the care of it, hand it over.

What a guardian does with the record itself stands in the other files of this folder, whose routes
serve a child as they serve their owner (`service.api.me.mirror`).
"""

from dataclasses import replace
from datetime import date
from typing import Literal
from uuid import UUID

from anyio import to_thread
from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from consent.decision import Decision, Permit
from consent.vocabulary import Action, DataClass, Purpose
from service.api import gate as looks
from service.api.address import limited
from service.api.body import Shape, StrictRoute
from service.api.deps import Now, RequestId, Resident
from service.api.files import open_file
from service.api.gate import Look
from service.api.me import ages
from service.api.me.mirror import ChildId
from service.api.me.own import Mine
from service.api.rooms import HouseDep
from service.api.schema import Moment, may_refuse
from service.grants import gate
from service.guardians import actions as guardians
from service.guardians.actions import Code, Guardianship
from service.house import House
from service.identity.caller import Caller
from service.kit.ids import new_id
from service.residents import actions as residents
from service.residents.actions import Profile

router = APIRouter(prefix="/v1/me", tags=["children"], route_class=StrictRoute)


class ChildBody(Shape):
    """A child under 14, who has no sign-in of their own."""

    name: str = Field(max_length=200)
    birth_date: date
    sex: Literal["female", "male"]
    region: str = Field(max_length=32, description="Division code from GET /v1/regions.")
    zone: str = Field("Asia/Shanghai", max_length=64, description="IANA name.")


class ChildOut(BaseModel):
    """A child of mine. From `until` on I can only hand the file over."""

    resident_id: UUID
    name: str
    since: Moment
    until: Moment
    of_age: bool


class ChildPage(BaseModel):
    items: list[ChildOut]
    next: None


class GuardianOut(BaseModel):
    """Somebody who acts or acted for a child. `name` is null when they erased their account."""

    resident_id: UUID
    name: str | None
    since: Moment
    until: Moment
    ended_at: Moment | None


class GuardianPage(BaseModel):
    items: list[GuardianOut]
    next: None


class GuardianCodeOut(BaseModel):
    """Shown once. Whoever has it can do once what it is for."""

    code: str
    expires_at: Moment


class JoinBody(Shape):
    code: str = Field(min_length=1, max_length=64)


@router.get("/children")
async def list_children(caller: Resident, house: HouseDep, now: Now) -> ChildPage:
    """The children I am guardian of, those included whose file waits to be handed over."""
    found = await house.db.aread(
        lambda conn: guardians.of_guardian(conn, house.vault, house.system, caller.id)
    )
    return ChildPage(items=[_child(one, now) for one in found], next=None)


@router.post(
    "/children",
    status_code=201,
    responses=may_refuse(409),
    # Like signing up: whoever is refused later has cost a keyring all the same.
    dependencies=[Depends(limited("sign-up"))],
)
async def begin_child(
    body: ChildBody, caller: Resident, house: HouseDep, now: Now, request_id: RequestId
) -> ChildOut:
    """Begin a file for a child under 14; I become its guardian until the 14th birthday.

    Needs a sign-in from the last five minutes, and an adult.
    """
    caller.require_step_up(now)
    profile = _wished(body, house, now)
    child = new_id()
    # Keys first: a row that could not be sealed must never exist.
    await to_thread.run_sync(house.vault.create, child)

    def begin(conn: Connection) -> Guardianship:
        guardian = _grown_up(conn, house, caller, now)
        residents.begin(conn, child)
        made = guardians.begin(
            conn,
            house.vault,
            house.system,
            child=child,
            child_name=profile.name,
            birth_date=profile.birth_date,
            zone=profile.zone,
            guardian=caller.id,
            guardian_name=guardian.name,
            now=now,
        )
        ask = Look(caller, child, request_id, now, Action.WRITE, Purpose.SELF_CARE)
        decision = _decided(conn, house, ask)
        assert decision.permit is not None, decision.rule
        open_file(conn, house, decision.permit, profile, begun=now)
        looks.log_look(conn, house, ask, decision, row_count=0)
        return made

    return _child(await house.db.awrite(begin, key=child.bytes), now)


@router.post("/children/join", status_code=201, responses=may_refuse(409))
async def join_child(
    body: JoinBody, caller: Resident, house: HouseDep, now: Now, request_id: RequestId
) -> ChildOut:
    """Become a guardian by the code another guardian gave me; needs a fresh sign-in."""
    caller.require_step_up(now)

    def join(conn: Connection) -> Guardianship:
        child = guardians.invited(conn, house.vault, body.code, now=now)
        guardian = _grown_up(conn, house, caller, now, child)
        made = guardians.join(
            conn,
            house.vault,
            house.system,
            code=body.code,
            guardian=caller.id,
            guardian_name=guardian.name,
            now=now,
        )
        ask = Look(caller, made.child, request_id, now, Action.MANAGE, Purpose.SELF_CARE)
        looks.log_look(conn, house, ask, _decided(conn, house, ask), row_count=0)
        return made

    return _child(await house.db.awrite(join), now)


@router.delete("/children/{child_id}", status_code=204, responses=may_refuse(409))
async def leave_child(child_id: ChildId, me: Mine) -> None:
    """End my guardianship; 409 while I am the only guardian. Needs a fresh sign-in."""
    me.caller.require_step_up(me.now)

    def leave(conn: Connection, permit: Permit) -> None:
        guardians.leave(conn, me.house.vault, permit.subject, me.caller.id, now=me.now)

    await me.write(Action.MANAGE, leave)


@router.get("/guardians")
async def list_guardians(me: Mine) -> GuardianPage:
    """Who acts for me or did, oldest first; empty for somebody who never had a guardian."""

    def read(conn: Connection, permit: Permit) -> list[Guardianship]:
        return guardians.of_child(conn, me.house.vault, permit.subject)

    found = await me.read(Action.MANAGE, read)
    return GuardianPage(items=[_guardian(one) for one in found], next=None)


@router.post("/children/{child_id}/guardians", status_code=201, responses=may_refuse(409))
async def invite_guardian(child_id: ChildId, me: Mine) -> GuardianCodeOut:
    """A code, good once and for two days, by which another adult joins as a guardian.

    Needs a sign-in from the last five minutes.
    """
    me.caller.require_step_up(me.now)

    def invite(conn: Connection, permit: Permit) -> Code:
        return guardians.invite(conn, me.house.vault, permit.subject, me.caller.id, now=me.now)

    return _code(await me.write(Action.MANAGE, invite))


@router.post("/children/{child_id}/handover", status_code=201)
async def hand_over_child(
    child_id: ChildId, caller: Resident, house: HouseDep, now: Now, request_id: RequestId
) -> GuardianCodeOut:
    """A code, good once and for thirty days, by which the young person takes the file over.

    It works from the 14th birthday on (POST /v1/auth/claim). The one thing a guardian can still do
    after that day; needs a fresh sign-in.
    """
    caller.require_step_up(now)

    def hand_over(conn: Connection) -> Code:
        code = guardians.hand_over(conn, house.vault, child_id, caller.id, now=now)
        ask = Look(caller, child_id, request_id, now, Action.MANAGE, Purpose.SELF_CARE)
        # Who made a code must be in the log whatever day it is, so the entry tells of no refusal.
        decision = _decided(conn, house, ask)
        looks.log_look(conn, house, ask, _handed(decision), row_count=0)
        return code

    return _code(await house.db.awrite(hand_over, key=child_id.bytes))


def _wished(body: ChildBody, house: House, now: Moment) -> Profile:
    profile = residents.checked(
        Profile(body.name, body.birth_date, body.sex, body.region, zone=body.zone),
        house.regions,
        now,
    )
    ages.require(profile, child=True, now=now)
    return profile


def _grown_up(
    conn: Connection, house: House, caller: Caller, now: Moment, *children: UUID
) -> Profile:
    """The caller's own profile, held with the children's; `Conflict` for somebody under 18."""
    guardians.hold(conn, caller.id, *children)
    permit = gate.own(
        conn,
        house.vault,
        resident=caller.id,
        action=Action.READ,
        now=now,
        classes=frozenset({DataClass.PROFILE}),
    )
    profile = residents.profile(conn, house.vault, permit)
    ages.require_of_age(profile, now)
    return profile


def _decided(conn: Connection, house: House, ask: Look) -> Decision:
    return gate.admit(
        conn,
        house.vault,
        actor=ask.caller.actor,
        subject=ask.subject,
        purpose=ask.purpose,
        action=ask.action,
        classes=ask.classes,
        now=ask.now,
    )


def _handed(decision: Decision) -> Decision:
    return decision if decision.allow else replace(decision, allow=True, rule="guardian")


def _child(one: Guardianship, now: Moment) -> ChildOut:
    return ChildOut(
        resident_id=one.child,
        name=one.child_name,
        since=one.since,
        until=one.until,
        of_age=now >= one.until,
    )


def _guardian(one: Guardianship) -> GuardianOut:
    return GuardianOut(
        resident_id=one.guardian,
        name=one.guardian_name,
        since=one.since,
        until=one.until,
        ended_at=one.ended_at,
    )


def _code(code: Code) -> GuardianCodeOut:
    return GuardianCodeOut(code=code.code, expires_at=code.expires_at)
