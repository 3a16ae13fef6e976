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
from service.api.deps import Now, Resident
from service.api.rooms import HouseDep
from service.api.schema import may_refuse
from service.grants import gate
from service.house import House
from service.identity.caller import Caller
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


@router.delete("")
async def erase_me(caller: Resident, house: HouseDep, now: Now) -> ErasureAnswer:
    """Erase me: sign-in, contribution, profile and keys. Needs a sign-in from the last 5 minutes.

    What was sealed stays unreadable for good, in backups too once `final_at` has passed.
    """
    caller.require_step_up(now)
    await house.db.awrite(lambda conn: _erase(conn, house, caller, now), key=caller.id.bytes)
    # After the commit: a crash in between leaves an erased resident whose keys the next start
    # destroys (`jobs.erasures`), never a living one without keys.
    shred = partial(house.vault.shred, caller.id, now=now, reason=shredding.REASON)
    await to_thread.run_sync(shred)
    final, signed = receipt.issue(house.system, house.settings.issuer, caller.id, None, now)
    return ErasureAnswer(resident_id=caller.id, erased_at=now, final_at=final, receipt=signed)


@router.delete("/data-classes/{data_class}", responses=may_refuse(409))
async def erase_class(
    data_class: Class, caller: Resident, house: HouseDep, now: Now
) -> ClassErasureAnswer:
    """Erase one class: records, series and all that was derived. Other classes stay as they are.

    Needs a sign-in from the last 5 minutes. What is logged in this class later is kept anew under
    new keys. The profile goes only with the whole account.
    """
    caller.require_step_up(now)
    stone = await house.db.awrite(
        lambda conn: _erase_class(conn, house, caller, data_class, now), key=caller.id.bytes
    )
    # As above: a crash in between is finished by the next start.
    await to_thread.run_sync(partial(house.vault.bury, stone))
    issuer = house.settings.issuer
    final, signed = receipt.issue(house.system, issuer, caller.id, data_class, now)
    return ClassErasureAnswer(
        resident_id=caller.id,
        data_class=data_class,
        erased_at=now,
        final_at=final,
        receipt=signed,
    )


def _erase(conn: Connection, house: House, caller: Caller, now: datetime) -> None:
    permit = _permit(conn, house, caller, now)
    key = house.system.secret("statistics")
    shredding.erase_person(conn, permit, statistics_key=key, now=now)


def _erase_class(
    conn: Connection, house: House, caller: Caller, data_class: DataClass, now: datetime
) -> ClassTombstone:
    return shredding.erase_class(
        conn,
        house.vault,
        _permit(conn, house, caller, now),
        data_class,
        regions=house.regions,
        statistics_key=house.system.secret("statistics"),
        now=now,
    )


def _permit(conn: Connection, house: House, caller: Caller, now: datetime) -> Permit:
    return gate.own(
        conn,
        house.vault,
        resident=caller.id,
        action=Action.ERASE,
        now=now,
        stepped_up=caller.stepped_up(now),
    )
