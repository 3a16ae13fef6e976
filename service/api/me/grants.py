"""A resident's grants: give, read, change, withdraw; who could see what; everybody out."""

from collections.abc import Callable
from datetime import date
from typing import Annotated, Literal, TypeVar
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from consent.decision import Permit
from consent.vocabulary import Action, Text
from service.api.body import Flag, Shape, StrictRoute
from service.api.deps import Lang
from service.api.gate import WithheldOut, withheld
from service.api.me.contributions import settle
from service.api.me.own import Mine, Own
from service.api.schema import Bilingual, CursorText, Limit, Moment, may_refuse
from service.grants import actions, gate, preview, receipts
from service.grants.body import Kept
from service.grants.preview import Sight
from service.grants.terms import Offer, check
from service.kit.errors import BadRequest
from service.panel import actions as panel

router = APIRouter(prefix="/v1/me", tags=["grants"], route_class=StrictRoute)

T = TypeVar("T")
NOT_YET = Text("该时间尚未到来。", "That moment has not come yet.")
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
    """What one grantee could do for one purpose, and which classes stay closed to them.

    The grantee `any` stands for a doctor whom no grant names.
    """

    grantee: GranteeOut
    purpose: str
    action: str
    allowed: bool
    rule: str
    reason: Bilingual
    data_classes: list[str]
    window: WindowOut
    withheld: list[WithheldOut]


class SightPage(BaseModel):
    items: list[SightOut]
    next: str | None


class DenyAll(Shape):
    on: Flag


@router.get("/grants")
async def list_grants(me: Mine, limit: Limit = 100, cursor: CursorText = None) -> GrantPage:
    """Every grant I ever gave, newest first."""
    house = me.house
    grants = await me.read(
        Action.MANAGE, lambda conn, permit: actions.every(conn, house.vault, permit)
    )
    scope = ("grants", str(me.subject))
    shown, next_ = house.cursors.page(
        scope, grants, lambda one: one.grant.id, cursor=cursor, limit=limit
    )
    return GrantPage(items=[_out(kept, me.now) for kept in shown], next=next_)


@router.post("/grants", status_code=201, responses=may_refuse(409))
async def give_grant(body: GrantBody, me: Mine, language: Lang) -> GrantOut:
    """Give a grant. Classes of grade 5 need a sign-in from the last five minutes."""

    def give(conn: Connection, permit: Permit) -> Kept:
        return actions.give(
            conn,
            me.house.vault,
            permit,
            offer=body.offer(),
            now=me.now,
            stepped_up=me.caller.stepped_up(me.now),
            language=language,
        )

    return _out(await _changing(me, give), me.now)


@router.get("/grants/replay")
async def replay_grants(me: Mine, at: Annotated[Moment, Query()]) -> SightPage:
    """Who could see what at a moment in the past, with the rule that decided then."""
    if at > me.now:
        raise BadRequest(NOT_YET, pointer="/query/at")

    def see(conn: Connection, permit: Permit) -> list[Sight]:
        return preview.who_could_see_what(conn, me.house.vault, permit, at=at)

    sights = await me.read(Action.MANAGE, see)
    return SightPage(items=[_sight(sight) for sight in sights], next=None)


@router.get("/grants/{grant_id}")
async def get_grant(grant_id: UUID, me: Mine) -> GrantOut:
    """One grant, withdrawn ones included."""

    def read(conn: Connection, permit: Permit) -> Kept:
        return actions.get(conn, me.house.vault, permit, grant_id)

    return _out(await me.read(Action.MANAGE, read), me.now)


@router.put("/grants/{grant_id}", responses=may_refuse(409))
async def change_grant(grant_id: UUID, body: GrantBody, me: Mine, language: Lang) -> GrantOut:
    """Replace the terms of a grant; who it is for stays. 409 when it has been withdrawn."""

    def change(conn: Connection, permit: Permit) -> Kept:
        return actions.change(
            conn,
            me.house.vault,
            permit,
            grant_id,
            offer=body.offer(),
            now=me.now,
            stepped_up=me.caller.stepped_up(me.now),
            language=language,
        )

    return _out(await _changing(me, change), me.now)


@router.post("/grants/{grant_id}/renew", responses=may_refuse(409))
async def renew_grant(grant_id: UUID, me: Mine, language: Lang) -> GrantOut:
    """Agree again to the same terms, under the notice of today. 409 when it was withdrawn."""

    def renew(conn: Connection, permit: Permit) -> Kept:
        return actions.renew(
            conn,
            me.house.vault,
            permit,
            grant_id,
            now=me.now,
            stepped_up=me.caller.stepped_up(me.now),
            language=language,
        )

    return _out(await _changing(me, renew), me.now)


@router.delete("/grants/{grant_id}")
async def withdraw_grant(grant_id: UUID, me: Mine) -> GrantOut:
    """Withdraw: the very next request of the grantee is refused. Twice is as good as once."""

    def withdraw(conn: Connection, permit: Permit) -> Kept:
        return actions.withdraw(conn, me.house.vault, permit, grant_id, now=me.now)

    return _out(await _changing(me, withdraw), me.now)


@router.get("/grants/{grant_id}/receipt")
async def get_grant_receipt(grant_id: UUID, me: Mine, language: Lang) -> ReceiptOut:
    """What I agreed to and what became of it, signed; check it with /.well-known/jwks.json."""

    house = me.house

    def make(conn: Connection, permit: Permit) -> str:
        return receipts.receipt(
            conn,
            permit,
            actions.get(conn, house.vault, permit, grant_id),
            key=house.system.signing_key("receipt"),
            issuer=house.settings.issuer,
            language=language,
        )

    return ReceiptOut(grant_id=grant_id, receipt=await me.read(Action.MANAGE, make))


@router.post("/grants/simulate")
async def simulate_grants(body: SimulateBody, me: Mine) -> SightPage:
    """Who could see what now, or if the grant in the body were given. Changes nothing."""
    proposed = None if body.grant is None else check(body.grant.offer(), now=me.now)

    def see(conn: Connection, permit: Permit) -> list[Sight]:
        if proposed is not None:
            actions.require_grantee(conn, proposed)
        return preview.who_sees_what(conn, me.house.vault, permit, proposed=proposed, now=me.now)

    sights = await me.read(Action.MANAGE, see)
    return SightPage(items=[_sight(sight) for sight in sights], next=None)


@router.get("/deny-all")
async def get_deny_all(me: Mine) -> DenyAll:
    """Whether I have shut everybody else out."""
    return DenyAll(on=await me.read(Action.MANAGE, actions.is_shut))


@router.put("/deny-all")
async def set_deny_all(body: DenyAll, me: Mine) -> DenyAll:
    """Shut everybody else out, or let grants work again. My own functions go on working."""

    def shut(conn: Connection, permit: Permit) -> bool:
        return actions.shut_out(conn, me.house.vault, permit, on=body.on, now=me.now)

    return DenyAll(on=await _changing(me, shut))


async def _changing(me: Own, act: Callable[[Connection, Permit], T]) -> T:
    """Change grants, and in the same transaction the panels and the contribution they carry."""
    house, now = me.house, me.now

    def change(conn: Connection, permit: Permit) -> T:
        result = act(conn, permit)
        panel.regroup(conn, house.vault, resident=me.subject, regions=house.regions, now=now)
        counted = isinstance(result, Kept) and result.grant.grantee == gate.STATISTICS
        settle(conn, house, me.subject, now, anew=counted)
        return result

    return await me.write(Action.MANAGE, change)


def _out(kept: Kept, now: Moment) -> GrantOut:
    return GrantOut.model_validate(actions.shown(kept, now))


def _sight(sight: Sight) -> SightOut:
    decision = sight.decision
    window = decision.window
    return SightOut(
        grantee=GranteeOut(kind=str(sight.grantee.kind), id=sight.grantee.id),
        purpose=sight.purpose.value,
        action=sight.action.value,
        allowed=decision.allow,
        rule=decision.rule,
        reason=Bilingual.of(decision.sentence),
        data_classes=actions.in_order(decision.classes),
        window=WindowOut(
            first=None if window is None else window.first,
            last=None if window is None else window.last,
        ),
        withheld=withheld(decision),
    )
