"""Erasing: one class of a resident's data, or the resident. Both leave a signed receipt."""

from datetime import datetime
from functools import partial
from typing import Annotated
from uuid import UUID

from anyio import to_thread
from fastapi import APIRouter, Path
from pydantic import BaseModel
from sqlalchemy import Connection

from consent.decision import Permit
from consent.vocabulary import Action, DataClass
from service.api.body import StrictRoute
from service.api.me.own import Mine, Own
from service.api.schema import may_refuse
from service.keys.rings import ClassTombstone
from service.upkeep import receipt, shredding

router = APIRouter(prefix="/v1/me", tags=["me"], route_class=StrictRoute)

Class = Annotated[DataClass, Path(description="A class of /v1/data-classes.")]


class ErasureAnswer(BaseModel):
    """`receipt` is a JWS (EdDSA) that says the same and is verified with /.well-known/jwks.json."""

    resident_id: UUID
    erased_at: datetime
    final_at: datetime
    receipt: str


class ClassErasureAnswer(ErasureAnswer):
    data_class: DataClass


@router.delete("", responses=may_refuse(409))
async def erase_me(me: Mine) -> ErasureAnswer:
    """Erase me: sign-in, contribution, profile and keys. Needs a sign-in from the last 5 minutes.

    What was sealed stays unreadable for good, in backups too once `final_at` has passed. 409 while
    I am the only guardian of a child under 14.
    """
    me.caller.require_step_up(me.now)
    await me.write(Action.ERASE, partial(_erase, me=me))
    # After the commit: a crash in between leaves an erased resident whose keys the next look
    # destroys (`jobs.erasures`), never a living one without keys.
    shred = partial(me.house.vault.shred, me.subject, now=me.now, reason=_reason(me))
    await to_thread.run_sync(shred)
    final, signed = _receipt(me, None)
    return ErasureAnswer(resident_id=me.subject, erased_at=me.now, final_at=final, receipt=signed)


@router.delete("/data-classes/{data_class}", responses=may_refuse(409))
async def erase_class(data_class: Class, me: Mine) -> ClassErasureAnswer:
    """Erase one class: records, series and all that was derived. Other classes stay as they are.

    Needs a sign-in from the last 5 minutes. What is logged in this class later is kept anew under
    new keys. The profile goes only with the whole account.
    """
    me.caller.require_step_up(me.now)
    stone = await me.write(Action.ERASE, partial(_erase_class, me=me, data_class=data_class))
    # As above: a crash in between is finished by the next look.
    await to_thread.run_sync(partial(me.house.vault.bury, stone))
    final, signed = _receipt(me, data_class)
    return ClassErasureAnswer(
        resident_id=me.subject,
        data_class=data_class,
        erased_at=me.now,
        final_at=final,
        receipt=signed,
    )


def _erase(conn: Connection, permit: Permit, *, me: Own) -> None:
    house = me.house
    key = house.system.secret("statistics")
    shredding.erase_person(conn, house.vault, house.system, permit, statistics_key=key, now=me.now)


def _erase_class(
    conn: Connection, permit: Permit, *, me: Own, data_class: DataClass
) -> ClassTombstone:
    return shredding.erase_class(
        conn,
        me.house.vault,
        permit,
        data_class,
        regions=me.house.regions,
        statistics_key=me.house.system.secret("statistics"),
        now=me.now,
        reason=_reason(me),
    )


def _reason(me: Own) -> str:
    return "erased by a guardian" if me.is_child else shredding.REASON


def _receipt(me: Own, data_class: DataClass | None) -> tuple[datetime, str]:
    house = me.house
    return receipt.issue(house.system, house.settings.issuer, me.subject, data_class, me.now)
