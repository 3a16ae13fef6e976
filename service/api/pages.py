"""The interactive documentation, from files of this machine and under a strict policy.

Each page starts with a script of its own. The policy names the hash of that very script, so nothing
else that stands inside a page runs.
"""

import re
from base64 import b64encode
from hashlib import sha256

from fastapi import FastAPI, Request
from fastapi.openapi.docs import (
    get_redoc_html,
    get_swagger_ui_html,
    get_swagger_ui_oauth2_redirect_html,
)
from starlette.responses import HTMLResponse

STATIC = "/static-offline-docs"
_INLINE = re.compile(rb"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", re.DOTALL)
_SWAGGER, _REDOC, _REDIRECT = "/docs", "/redoc", "/docs/oauth2-redirect"


def install(app: FastAPI) -> None:
    """Serve the pages; their files are mounted under `STATIC`."""

    @app.get(_SWAGGER, include_in_schema=False)
    async def swagger(request: Request) -> HTMLResponse:
        root = request.scope.get("root_path", "")
        return guarded(
            get_swagger_ui_html(
                openapi_url=f"{root}{app.openapi_url}",
                title=app.title,
                oauth2_redirect_url=f"{root}{_REDIRECT}",
                swagger_js_url=f"{root}{STATIC}/swagger-ui-bundle.js",
                swagger_css_url=f"{root}{STATIC}/swagger-ui.css",
                swagger_favicon_url=f"{root}{STATIC}/favicon.png",
            )
        )

    @app.get(_REDIRECT, include_in_schema=False)
    async def redirect() -> HTMLResponse:
        return guarded(get_swagger_ui_oauth2_redirect_html())

    @app.get(_REDOC, include_in_schema=False)
    async def redoc(request: Request) -> HTMLResponse:
        root = request.scope.get("root_path", "")
        return guarded(
            get_redoc_html(
                openapi_url=f"{root}{app.openapi_url}",
                title=app.title,
                redoc_js_url=f"{root}{STATIC}/redoc.standalone.js",
                redoc_favicon_url=f"{root}{STATIC}/favicon.png",
                with_google_fonts=False,
            )
        )


def guarded(page: HTMLResponse) -> HTMLResponse:
    """The page with a policy under which its own scripts run and no others."""
    hashes = (sha256(script).digest() for script in _INLINE.findall(bytes(page.body)))
    own = " ".join(f"'sha256-{b64encode(one).decode()}'" for one in hashes)
    page.headers["content-security-policy"] = (
        f"default-src 'self'; script-src 'self' {own}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; worker-src 'self' blob:; base-uri 'none'; object-src 'none'; "
        "frame-ancestors 'none'"
    )
    return page
