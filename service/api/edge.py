"""The outermost layer of HTTP: request ids, security headers, the access log, and the last net.

What is hidden from somebody and what is nowhere get the same 404, and get it at the same time: it
leaves on a beat. Without that a stopwatch would hear the entry that a look at somebody hidden
leaves in their access log before it is refused.

Written as plain ASGI, because streaming answers must pass untouched. Whatever escapes the routes
ends here as a problem document and one log line; nothing reaches the server's own logging, which
would print exception messages. The access log holds the route's template, never the path's ids
or the query string.
"""

import asyncio
import time
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.problems import of_unknown
from service.kit import metrics
from service.kit.audience import speak_for
from service.kit.log import log

FIXED_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
PAGE_POLICY = b"default-src 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'"
BEAT = 0.05
"""Seconds: well above what a refused look takes. One that takes longer waits for the next beat."""


class Edge:
    """Wraps the application; see the module's sentence."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["kangma_request_id"] = str(uuid4())
        # A server may begin a request in the context of the one before it on the connection.
        speak_for("anyone")
        answer = _Answer(scope, send)
        try:
            await self._app(scope, receive, answer.send)
        except Exception as error:
            response = of_unknown(Request(scope), error)
            # A body that already began can only be cut short; the client sees it end early.
            if not answer.started:
                await response(scope, receive, answer.send)
        finally:
            answer.note()


class _Answer:
    """Passes messages on, adds the headers to the first, and remembers status and time."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self._began = time.perf_counter()
        self._status = 0
        self._waited = 0.0
        self.started = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            self._status = message["status"]
            message["headers"] = [*message.get("headers", []), *self._headers(message)]
            if self._status == 404 and BEAT:
                await self._beat()
        await self._send(message)

    async def _beat(self) -> None:
        came = time.perf_counter()
        try:
            await asyncio.sleep(BEAT - (came - self._began) % BEAT)
        finally:
            self._waited = time.perf_counter() - came

    def _headers(self, message: Message) -> list[tuple[bytes, bytes]]:
        path = self._scope["path"]
        added = [
            (b"x-request-id", self._scope["kangma_request_id"].encode()),
            (b"content-security-policy", PAGE_POLICY),
            *FIXED_HEADERS,
        ]
        present = {name.lower() for name, _ in message.get("headers", [])}
        if b"cache-control" not in present and path.startswith(("/v1/", "/fhir")):
            added.append((b"cache-control", b"no-store"))
        return [header for header in added if header[0] not in present]

    def note(self) -> None:
        # A wait for the beat is nobody's work: it would hide a slow route, or look like one.
        took = time.perf_counter() - self._began - self._waited
        route = _template(self._scope)
        metrics.requests.labels(self._scope["method"][:8], route, str(self._status)).inc()
        metrics.seconds.labels(route).observe(took)
        log.info(
            "request",
            method=self._scope["method"][:8],
            route=route,
            status=self._status,
            ms=round(took * 1000, 1),
            request_id=self._scope["kangma_request_id"],
        )


def _template(scope: Scope) -> str:
    route: Any = scope.get("route")
    return getattr(route, "path_format", None) or getattr(route, "path", None) or "-"
