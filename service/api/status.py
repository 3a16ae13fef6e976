"""Is the service alive, ready, and which version; and its counters for the machine it runs on."""

from importlib.metadata import version

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from sqlalchemy import text

from service.api.body import StrictRoute
from service.api.deps import Db
from service.kit import metrics
from service.kit.errors import NotFound, Unavailable

router = APIRouter(tags=["status"], route_class=StrictRoute)


class Status(BaseModel):
    status: str


class Version(BaseModel):
    name: str
    version: str
    contract: int


@router.get("/healthz")
async def get_health() -> Status:
    """The process answers."""
    return Status(status="ok")


@router.get("/readyz")
async def get_readiness(db: Db) -> Status:
    """The process answers and reaches its data store; 503 while it does not."""
    try:
        await db.aread(lambda conn: conn.execute(text("SELECT 1")).scalar())
    except Exception:
        raise Unavailable from None
    return Status(status="ready")


@router.get("/version")
async def get_version() -> Version:
    """The version of the service and of this contract."""
    return Version(name="kangma", version=version("kangma"), contract=1)


@router.get("/metrics", include_in_schema=False)
async def read_metrics(request: Request) -> Response:
    """Prometheus text, for callers on the same machine only.

    Behind a proxy every caller looks local, so a forwarded request is turned away as well.
    """
    host = request.client.host if request.client else ""
    forwarded = {"forwarded", "x-forwarded-for", "x-real-ip"} & set(request.headers)
    if forwarded or host not in {"127.0.0.1", "::1"}:
        raise NotFound
    return Response(metrics.text(), media_type="text/plain; version=0.0.4")
