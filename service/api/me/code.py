"""The resident's one-time code. It says that somebody holds an account here, and nothing else."""

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import Connection

from consent.decision import Permit
from consent.vocabulary import Action, DataClass
from service.api.body import StrictRoute
from service.api.me.own import Mine
from service.api.schema import Moment
from service.healthcode import actions
from service.healthcode.actions import Shown

router = APIRouter(prefix="/v1/me", tags=["code"], route_class=StrictRoute)


class CodeOut(BaseModel):
    token: str
    qr_svg: str
    expires_at: Moment


@router.get("/code")
async def get_code(me: Mine) -> CodeOut:
    """A code to hold up, good once and for sixty seconds; the one before ends."""
    house = me.house

    def show(conn: Connection, permit: Permit) -> Shown:
        return actions.show(
            conn, permit, system=house.system, issuer=house.settings.issuer, now=me.now
        )

    shown = await me.write(Action.READ, show, classes=frozenset({DataClass.PROFILE}))
    return CodeOut(token=shown.token, qr_svg=shown.qr_svg, expires_at=shown.expires_at)
