"""The resident's one-time code. It says that somebody holds an account here, and nothing else."""

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import Connection

from consent.vocabulary import Action, DataClass
from service.api.body import StrictRoute
from service.api.deps import Now, Resident
from service.api.rooms import HouseDep
from service.api.schema import Moment
from service.grants import gate
from service.healthcode import actions
from service.healthcode.actions import Shown

router = APIRouter(prefix="/v1/me", tags=["code"], route_class=StrictRoute)


class CodeOut(BaseModel):
    token: str
    qr_svg: str
    expires_at: Moment


@router.get("/code")
async def get_code(caller: Resident, house: HouseDep, now: Now) -> CodeOut:
    """A code to hold up, good once and for sixty seconds; the one before ends."""

    def show(conn: Connection) -> Shown:
        permit = gate.own(
            conn,
            house.vault,
            resident=caller.id,
            action=Action.READ,
            now=now,
            classes=frozenset({DataClass.PROFILE}),
        )
        return actions.show(
            conn, permit, system=house.system, issuer=house.settings.issuer, now=now
        )

    shown = await house.db.awrite(show, key=caller.id.bytes)
    return CodeOut(token=shown.token, qr_svg=shown.qr_svg, expires_at=shown.expires_at)
