"""A connection that waits only so long for a request, and reads only so much of its head.

The server's own protocol waits for ever for the headers of a request and keeps all of them, so a
few thousand silent connections, or one endless head, would use up a process. It also waits for ever
for somebody who asks and then takes none of the answer. Bodies have their own bounds
(`service.api.body`).
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 20.0
"""From the first byte of a request (or from connecting) to the end of its headers."""
STALLED_SECONDS = 30.0
"""How long an answer may wait for a client that takes nothing of it."""
HEAD_LIMIT = 64 * 1024
"""Bytes of request line and headers; a token has 4 kB at most."""


class BoundedConnection(HttpToolsProtocol):
    """Closes a connection whose request line and headers do not arrive in time or are too long,
    and one whose client does not read."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._waiting: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None
        self._head = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_here()
        self._is_taken()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._is_taken()
        # What is left to send would hold a gentler close up for ever.
        self._stalled = self.loop.call_later(STALLED_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        self._is_taken()
        super().resume_writing()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._waiting is None:
            return
        self._head += len(data)
        if self._head > HEAD_LIMIT:
            self._give_up()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._waiting is None:
            self._await_head()

    def on_headers_complete(self) -> None:
        self._head_is_here()
        super().on_headers_complete()

    def _await_head(self) -> None:
        self._head = 0
        self._waiting = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _head_is_here(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _is_taken(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def _give_up(self) -> None:
        """Close without an answer: what came so far is no request."""
        self._head_is_here()
        self.transport.close()
