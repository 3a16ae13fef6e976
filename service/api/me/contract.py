"""Signing with a family doctor, and the list of doctors there are."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from consent.decision import Permit
from consent.vocabulary import Action
from service.api.body import Shape, StrictRoute
from service.api.deps import Lang, Resident
from service.api.me.own import Mine, Own
from service.api.rooms import HouseDep
from service.api.schema import CursorText, Limit, Moment, may_refuse
from service.grants import signing
from service.grants.actions import in_order
from service.grants.signing import Signed
from service.identity import store as identity
from service.identity.store import Practitioner
from service.panel import actions as panel

router = APIRouter(prefix="/v1/me", tags=["contract"], route_class=StrictRoute)


class ContractBody(Shape):
    """Listing a sensitive class here is the separate consent to it; the name is always included."""

    doctor_id: UUID
    package: Annotated[str, Field(min_length=1, max_length=64)]
    data_classes: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=64)]


class DoctorOut(BaseModel):
    """`clinic_id` and `role` are what grants to the clinic or to a role there name."""

    id: UUID
    name: str
    clinic: str
    clinic_id: UUID | None
    role: str
    region: str | None


class DoctorPage(BaseModel):
    items: list[DoctorOut]
    next: str | None


class ContractOut(BaseModel):
    """A contract and the care grant made with it. `grant_status` says how far it reaches."""

    id: UUID
    doctor_id: UUID
    doctor: DoctorOut | None
    package: str
    data_classes: list[str]
    status: Literal["active", "ended"]
    signed_at: Moment
    ended_at: Moment | None
    grant_id: UUID | None
    grant_status: str | None


@router.get("/doctors")
async def list_doctors(
    caller: Resident,
    house: HouseDep,
    region: Annotated[str | None, Query(max_length=32)] = None,
    limit: Limit = 100,
    cursor: CursorText = None,
) -> DoctorPage:
    """Doctors I could sign with, by name; `region` takes a division code and all below it."""
    found = await house.db.aread(lambda conn: identity.practitioners_in(conn, region))
    # Databases sort names each in their own way; the cursor needs one order.
    doctors = sorted(found, key=_place)
    scope = ("doctors", region or "")
    if cursor is not None:
        last = tuple(house.cursors.read(scope, cursor))
        doctors = [one for one in doctors if _place(one) > last]
    shown = doctors[:limit]
    next_ = None
    if len(doctors) > limit:
        next_ = house.cursors.make(scope, _place(shown[-1]))
    return DoctorPage(items=[_doctor(one) for one in shown], next=next_)


@router.post("/contract", status_code=201, responses=may_refuse(409))
async def sign_contract(body: ContractBody, me: Mine, language: Lang) -> ContractOut:
    """Sign with a doctor and grant care over the listed classes; 409 while another contract runs.

    Classes of grade 5 need a sign-in from the last five minutes.
    """

    def sign(conn: Connection, permit: Permit) -> ContractOut:
        signed = signing.sign(
            conn,
            me.house.vault,
            permit,
            doctor=body.doctor_id,
            package=body.package,
            data_classes=body.data_classes,
            now=me.now,
            stepped_up=me.caller.stepped_up(me.now),
            language=language,
        )
        _refresh(conn, me)
        return _out(conn, signed, me.now)

    return await me.write(Action.MANAGE, sign)


@router.get("/contract", responses=may_refuse(404))
async def get_contract(me: Mine) -> ContractOut:
    """The contract in force; 404 when I have not signed with anybody."""

    def read(conn: Connection, permit: Permit) -> ContractOut:
        return _out(conn, signing.current(conn, me.house.vault, permit), me.now)

    return await me.read(Action.MANAGE, read)


@router.delete("/contract", responses=may_refuse(404))
async def end_contract(me: Mine) -> ContractOut:
    """End the contract; the grant made with it is withdrawn in the same step."""

    def end(conn: Connection, permit: Permit) -> ContractOut:
        ended = signing.end(conn, me.house.vault, permit, now=me.now)
        _refresh(conn, me)
        return _out(conn, ended, me.now)

    return await me.write(Action.MANAGE, end)


async def every_contract(me: Own) -> list[ContractOut]:
    """All contracts I ever signed, newest first."""

    def read(conn: Connection, permit: Permit) -> list[ContractOut]:
        return [_out(conn, one, me.now) for one in signing.every(conn, me.house.vault, permit)]

    return await me.read(Action.MANAGE, read)


def _refresh(conn: Connection, me: Own) -> None:
    house = me.house
    panel.regroup(conn, house.vault, resident=me.subject, regions=house.regions, now=me.now)


def _place(one: Practitioner) -> tuple[str, str]:
    return one.name, str(one.practitioner_id)


def _doctor(one: Practitioner) -> DoctorOut:
    return DoctorOut(
        id=one.practitioner_id,
        name=one.name,
        clinic=one.clinic,
        clinic_id=one.clinic_id,
        role=one.role,
        region=one.region,
    )


def _out(conn: Connection, signed: Signed, now: Moment) -> ContractOut:
    contract = signed.contract
    doctor = identity.practitioner(conn, contract.practitioner)
    grant = None if signed.grant is None else signed.grant.grant
    return ContractOut(
        id=contract.id,
        doctor_id=contract.practitioner,
        doctor=None if doctor is None else _doctor(doctor),
        package=contract.package,
        data_classes=in_order(contract.data_classes),
        status="active" if contract.active else "ended",
        signed_at=contract.signed_at,
        ended_at=contract.ended_at,
        grant_id=None if grant is None else grant.id,
        grant_status=None if grant is None else grant.status(now),
    )
