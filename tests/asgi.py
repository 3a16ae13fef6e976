"""The application called in the process itself: one event loop, no socket, no server."""

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ADDRESS = "http://kangma.test"


class Doors:
    """A blocking client over an ASGI application; `headers` go with every request."""

    def __init__(self, portal: BlockingPortal, client: httpx.AsyncClient) -> None:
        self._portal = portal
        self._client = client

    def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        return self._portal.call(partial(self._client.request, method, url, **options))

    def get(self, url: str, **options: Any) -> httpx.Response:
        return self.request("GET", url, **options)

    def post(self, url: str, **options: Any) -> httpx.Response:
        return self.request("POST", url, **options)

    def put(self, url: str, **options: Any) -> httpx.Response:
        return self.request("PUT", url, **options)

    def patch(self, url: str, **options: Any) -> httpx.Response:
        return self.request("PATCH", url, **options)

    def delete(self, url: str, **options: Any) -> httpx.Response:
        return self.request("DELETE", url, **options)

    def together(self, calls: Iterable[tuple[str, str, dict[str, Any]]]) -> list[httpx.Response]:
        """Send all at once and wait for all."""
        futures = [
            self._portal.start_task_soon(partial(self._client.request, method, url, **options))
            for method, url, options in calls
        ]
        return [future.result() for future in futures]


class Transport(httpx.ASGITransport):
    """An answer whose body has no end fails as it does behind a server, which hangs up."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        ended = True

        async def heard(scope: Scope, receive: Receive, send: Send) -> None:
            async def hear(message: Message) -> None:
                nonlocal ended
                ended = message["type"] == "http.response.body" and not message.get("more_body")
                await send(message)

            await self.app(scope, receive, hear)
            if not ended:
                raise httpx.RemoteProtocolError("the body was broken off", request=request)

        inner = httpx.ASGITransport(heard, client=self.client)
        return await inner.handle_async_request(request)


@contextmanager
def doors(app: ASGIApp) -> Iterator[Doors]:
    """A client over `app`. Exceptions that leave the application fail the test."""
    with start_blocking_portal() as portal:
        # The caller's own machine, as a server behind no proxy would see it.
        transport = Transport(app, client=("127.0.0.1", 50000))
        client = httpx.AsyncClient(transport=transport, base_url=ADDRESS)
        try:
            yield Doors(portal, client)
        finally:
            portal.call(client.aclose)


async def pieces(body: bytes, size: int = 65536) -> AsyncIterator[bytes]:
    """A body sent without announcing its length."""
    for start in range(0, len(body), size):
        yield body[start : start + size]
