"""A resident's grants: give, read, change, withdraw; who could see what; everybody out."""

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from consent.decision import Permit
from consent.vocabulary import Action
from service.api.body import Flag, Shape, StrictRoute
from service.api.deps import Lang, Now, Resident
from service.api.gate import WithheldOut, withheld
from service.api.me.contributions import settle
from service.api.rooms import HouseDep
from service.api.schema import CursorText, Limit, Moment, may_refuse
from service.grants import actions, gate, preview, receipts
from service.grants.body import Kept
from service.grants.preview import Sight
from service.grants.terms import Offer, check
from service.house import House
from service.identity.caller import Caller
from service.kit.ids import parse_id
from service.kit.paging import BadCursor
from service.panel import actions as panel

router = APIRouter(prefix="/v1/me", tags=["grants"], route_class=StrictRoute)

T = TypeVar("T")
Word = Annotated[str, Field(max_length=64)]
Words = Annotated[list[Word], Field(max_length=64)]


class GranteeBody(Shape):
    kind: Word = Field(
        description="`practitioner`, `clinic`, `role`, or `service` for the anonymous statistics."
    )
    id: Word = Field(
        description="A practitioner's or a clinic's id, `<clinic id>:<role>`, or `statistics`."
    )


class GrantBody(Shape):
    """What is offered to whom. Sensitive classes must be listed in `separate_consent` as well.

    `uses` lets the grantee look only so often. With `deny` the grant closes instead of opening, and
    wins over every other; empty purposes, classes or actions then mean all of them.
    """

    grantee: GranteeBody
    purposes: Words
    data_classes: Words
    actions: Words | None = None
    observations_from: date | None = None
    observations_to: date | None = None
    valid_from: Moment | None = None
    valid_until: Moment | None = None
    separate_consent: Literal[True] | Words = Field(default_factory=list)
    uses: Annotated[int, Field(ge=1, le=1000, strict=True)] | None = None
    deny: Flag = False

    def offer(self) -> Offer:
        return Offer(
            self.grantee.kind,
            self.grantee.id,
            self.purposes,
            self.data_classes,
            self.actions,
            self.observations_from,
            self.observations_to,
            self.valid_from,
            self.valid_until,
            self.separate_consent,
            self.uses,
            self.deny,
        )


class SimulateBody(Shape):
    """A grant that is only being thought about; leave it out to ask how things stand."""

    grant: GrantBody | None = None


class GranteeOut(BaseModel):
    kind: str
    id: str


class GrantOut(BaseModel):
    id: UUID
    grantee: GranteeOut
    purposes: list[str]
    data_classes: list[str]
    actions: list[str]
    observations_from: date | None
    observations_to: date | None
    valid_from: Moment
    valid_until: Moment | None
    separate_consent: list[str]
    uses_left: int | None
    deny: bool
    status: Literal["active", "not-yet-valid", "expired", "outdated", "withdrawn", "used-up"]
    notice: str | None = Field(description="What I read before agreeing; see `/v1/notices`.")
    notice_version: str | None
    needs_renewal: bool = Field(
        description="What this is for has changed: from `renew_by` on it opens nothing until I"
        " agree again."
    )
    renew_by: Moment | None


class GrantPage(BaseModel):
    items: list[GrantOut]
    next: str | None


class ReceiptOut(BaseModel):
    """`receipt` is a JWS (EdDSA) over the fields of ISO/IEC TS 27560."""

    grant_id: UUID
    receipt: str


class WindowOut(BaseModel):
    """Days of observation, both inside; null leaves a side open."""

    first: date | None
    last: date | None


class SightOut(BaseModel):
    """What one grantee could do for one purpose, and which classes stay closed to them."""

    grantee: GranteeOut
    purpose: str
    action: str
    data_classes: list[str]
    window: WindowOut
    withheld: list[WithheldOut]


class SightPage(BaseModel):
    items: list[SightOut]
    next: str | None


class DenyAll(Shape):
    on: Flag


@router.get("/grants")
async def list_grants(
    caller: Resident, house: HouseDep, now: Now, limit: Limit = 100, cursor: CursorText = None
) -> GrantPage:
    """Every grant I ever gave, newest first."""
    grants = await _reading(house, caller, now, actions.every)
    scope = ("grants", str(caller.id))
    start = 0
    if cursor is not None:
        start = _behind(grants, house.cursors.read(scope, cursor))
    shown = grants[start : start + limit]
    more = start + limit < len(grants)
    next_ = house.cursors.make(scope, [str(shown[-1].grant.id)]) if more else None
    return GrantPage(items=[_out(kept, now) for kept in shown], next=next_)


@router.post("/grants", status_code=201)
async def give_grant(
    body: GrantBody, caller: Resident, house: HouseDep, now: Now, language: Lang
) -> GrantOut:
    """Give a grant. Classes of grade 5 need a sign-in from the last five minutes."""

    def give(conn: Connection, permit: Permit) -> Kept:
        return actions.give(
            conn,
            house.vault,
            permit,
            offer=body.offer(),
            now=now,
            stepped_up=caller.stepped_up(now),
            language=language,
        )

    return _out(await _changing(house, caller, now, give), now)


@router.get("/grants/{grant_id}")
async def get_grant(grant_id: UUID, caller: Resident, house: HouseDep, now: Now) -> GrantOut:
    """One grant, withdrawn ones included."""
    return _out(await _one(house, caller, now, grant_id), now)


@router.put("/grants/{grant_id}", responses=may_refuse(409))
async def change_grant(
    grant_id: UUID, body: GrantBody, caller: Resident, house: HouseDep, now: Now, language: Lang
) -> GrantOut:
    """Replace the terms of a grant; who it is for stays. 409 when it has been withdrawn."""

    def change(conn: Connection, permit: Permit) -> Kept:
        return actions.change(
            conn,
            house.vault,
            permit,
            grant_id,
            offer=body.offer(),
            now=now,
            stepped_up=caller.stepped_up(now),
            language=language,
        )

    return _out(await _changing(house, caller, now, change), now)


@router.post("/grants/{grant_id}/renew", responses=may_refuse(409))
async def renew_grant(
    grant_id: UUID, caller: Resident, house: HouseDep, now: Now, language: Lang
) -> GrantOut:
    """Agree again to the same terms, under the notice of today. 409 when it was withdrawn."""

    def renew(conn: Connection, permit: Permit) -> Kept:
        return actions.renew(
            conn,
            house.vault,
            permit,
            grant_id,
            now=now,
            stepped_up=caller.stepped_up(now),
            language=language,
        )

    return _out(await _changing(house, caller, now, renew), now)


@router.delete("/grants/{grant_id}")
async def withdraw_grant(grant_id: UUID, caller: Resident, house: HouseDep, now: Now) -> GrantOut:
    """Withdraw: the very next request of the grantee is refused. Twice is as good as once."""

    def withdraw(conn: Connection, permit: Permit) -> Kept:
        return actions.withdraw(conn, house.vault, permit, grant_id, now=now)

    return _out(await _changing(house, caller, now, withdraw), now)


@router.get("/grants/{grant_id}/receipt")
async def get_grant_receipt(
    grant_id: UUID, caller: Resident, house: HouseDep, now: Now, language: Lang
) -> ReceiptOut:
    """What I agreed to and what became of it, signed; check it with /.well-known/jwks.json."""

    def make(conn: Connection) -> str:
        permit = _permit(conn, house, caller, now)
        return receipts.receipt(
            conn,
            permit,
            actions.get(conn, house.vault, permit, grant_id),
            key=house.system.signing_key("receipt"),
            issuer=house.settings.issuer,
            language=language,
        )

    return ReceiptOut(grant_id=grant_id, receipt=await house.db.aread(make))


@router.post("/grants/simulate")
async def simulate_grants(
    body: SimulateBody, caller: Resident, house: HouseDep, now: Now
) -> SightPage:
    """Who could see what now, or if the grant in the body were given. Changes nothing."""
    proposed = None if body.grant is None else check(body.grant.offer(), now=now)

    def see(conn: Connection) -> list[Sight]:
        permit = _permit(conn, house, caller, now)
        if proposed is not None:
            actions.require_grantee(conn, proposed)
        return preview.who_sees_what(conn, house.vault, permit, proposed=proposed, now=now)

    sights = await house.db.aread(see)
    return SightPage(items=[_sight(sight) for sight in sights], next=None)


@router.get("/deny-all")
async def get_deny_all(caller: Resident, house: HouseDep, now: Now) -> DenyAll:
    """Whether I have shut everybody else out."""

    def ask(conn: Connection) -> bool:
        return actions.is_shut(conn, _permit(conn, house, caller, now))

    return DenyAll(on=await house.db.aread(ask))


@router.put("/deny-all")
async def set_deny_all(body: DenyAll, caller: Resident, house: HouseDep, now: Now) -> DenyAll:
    """Shut everybody else out, or let grants work again. My own functions go on working."""

    def shut(conn: Connection, permit: Permit) -> bool:
        return actions.shut_out(conn, house.vault, permit, on=body.on, now=now)

    return DenyAll(on=await _changing(house, caller, now, shut))


async def _reading(
    house: House, caller: Caller, now: Moment, act: Callable[[Connection, Any, Permit], T]
) -> T:
    def read(conn: Connection) -> T:
        return act(conn, house.vault, _permit(conn, house, caller, now))

    return await house.db.aread(read)


async def _one(house: House, caller: Caller, now: Moment, grant_id: UUID) -> Kept:
    def read(conn: Connection) -> Kept:
        return actions.get(conn, house.vault, _permit(conn, house, caller, now), grant_id)

    return await house.db.aread(read)


async def _changing(
    house: House, caller: Caller, now: Moment, act: Callable[[Connection, Permit], T]
) -> T:
    """Change grants, and in the same transaction the panels and the contribution they carry."""

    def change(conn: Connection) -> T:
        result = act(conn, _permit(conn, house, caller, now))
        panel.regroup(conn, house.vault, resident=caller.id, regions=house.regions, now=now)
        counted = isinstance(result, Kept) and result.grant.grantee == gate.STATISTICS
        settle(conn, house, caller.id, now, anew=counted)
        return result

    return await house.db.awrite(change, key=caller.id.bytes)


def _permit(conn: Connection, house: House, caller: Caller, now: Moment) -> Permit:
    return gate.own(conn, house.vault, resident=caller.id, action=Action.MANAGE, now=now)


def _behind(grants: list[Kept], position: list[Any]) -> int:
    last = parse_id(str(position[0]))
    for place, kept in enumerate(grants):
        if kept.grant.id == last:
            return place + 1
    raise BadCursor


def _out(kept: Kept, now: Moment) -> GrantOut:
    return GrantOut.model_validate(actions.shown(kept, now))


def _sight(sight: Sight) -> SightOut:
    decision = sight.decision
    window = decision.window
    return SightOut(
        grantee=GranteeOut(kind=sight.grantee.kind.value, id=sight.grantee.id),
        purpose=sight.purpose.value,
        action=sight.action.value,
        data_classes=actions.in_order(decision.classes),
        window=WindowOut(
            first=None if window is None else window.first,
            last=None if window is None else window.last,
        ),
        withheld=withheld(decision),
    )
