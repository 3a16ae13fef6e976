"""The newest checkpoint of the access log, for anybody to keep a copy of."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from consent.vocabulary import Text
from service.api.body import StrictRoute
from service.api.deps import Db
from service.api.schema import Moment, may_refuse
from service.audit import actions as audit
from service.kit.errors import BadRequest, NotFound

router = APIRouter(prefix="/v1/audit", tags=["anyone"], route_class=StrictRoute)

NONE_YET = Text("还没有检查点。", "There is no checkpoint yet.")
TOO_LARGE = Text("检查点没有这么多条目。", "The checkpoint has fewer entries than that.")
Since = Annotated[
    int | None,
    Query(ge=1, le=2**62, description="`size` of a checkpoint you kept; adds a proof."),
]


class CheckpointOut(BaseModel):
    """What the whole log was at a moment; it tells of nobody. Keep copies: they bind the service.

    `checkpoint` is a JWS (EdDSA) to check with /.well-known/jwks.json. `consistency` proves by
    RFC 9162 that the log of `since` entries is the beginning of this one.
    """

    number: int
    size: int
    at: Moment
    checkpoint: str
    consistency: list[str] | None = Field(description="Hashes in hex; null without `since`.")


@router.get("/checkpoint", responses=may_refuse(404))
async def get_checkpoint(db: Db, since: Since = None) -> CheckpointOut:
    """The newest checkpoint, and how it goes on from one that you kept."""

    def read(conn: Connection) -> CheckpointOut:
        newest = audit.newest(conn)
        if newest is None:
            raise NotFound(NONE_YET)
        if since is not None and since > newest.size:
            raise BadRequest(TOO_LARGE, pointer="/query/since")
        path = None if since is None else audit.consistency(conn, since, newest.size)
        return CheckpointOut(
            number=newest.number,
            size=newest.size,
            at=newest.at,
            checkpoint=newest.text,
            consistency=None if path is None else [one.hex() for one in path],
        )

    return await db.aread(read)
