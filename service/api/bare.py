"""The application without a house: every door and every rule of the edge, and nothing behind it.

Enough to describe itself (openapi.yaml); `service.app` puts the house into its state.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from service.api import description, pages, problems, router
from service.api.edge import Edge
from service.kit.limits import Limits
from service.kit.settings import Settings

NO_TELEMETRY = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
"""FastAPI's telemetry would hand bodies and exception texts to whichever exporter is configured."""

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def _idle(_: FastAPI) -> AsyncIterator[None]:
    yield


def application(lifespan: Lifespan = _idle) -> FastAPI:
    """All routes under strict bodies, problem documents and security headers."""
    options: dict[str, Any] = {
        "title": description.TITLE,
        "version": description.VERSION,
        "description": description.DESCRIPTION,
        "redirect_slashes": False,
        "lifespan": lifespan,
        "telemetry": NO_TELEMETRY,
    }
    app = FastAPIOffline(docs_url=None, redoc_url=None, **options)
    app.state.issuer = Settings.model_fields["issuer"].default
    app.state.limits = Limits(on=False)
    problems.install(app)
    router.join(app)
    description.install(app)
    pages.install(app)
    app.add_middleware(Edge)
    return app
