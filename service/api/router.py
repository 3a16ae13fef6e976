"""Every operation, by audience. One list, so that what the service can do is read in one place.

Routes are joined flat: each router names its full paths and its own doors, and matching stays one
loop. The busiest doors come first.
"""

from fastapi import APIRouter, FastAPI

from service.api import auth, catalogue, models, status
from service.api.me import profile

ROUTERS: tuple[APIRouter, ...] = (
    profile.router,
    auth.router,
    models.router,
    catalogue.router,
    status.router,
)


def join(app: FastAPI) -> None:
    """Put every route of every audience into `app`."""
    for router in ROUTERS:
        app.router.routes.extend(router.routes)
