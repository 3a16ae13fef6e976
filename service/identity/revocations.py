"""Whether a token was revoked: asked of the database on every request, shared by those waiting.

A cache with a lifetime would let a revoked token pass for that long, on every other process. So
each request waits for a query that *started after it arrived*; all requests that arrive while a
query runs share the next one. Under load one small indexed query serves many requests, and a
revocation committed before a request arrived is always seen by it. A quiet request pays one read.
A look, which waits for a transaction of its own anyway, asks in there (`within`).
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from service.identity import store
from service.identity.caller import Caller
from service.kit.db import Database
from service.kit.errors import Unauthenticated
from service.kit.groups import asked_ahead
from service.kit.tokens import LEEWAY, LONGEST, Claims

MEMORY = LONGEST + 2 * LEEWAY
"""How long a revocation matters: no token lives longer."""


class Revocations:
    """The ids (families and subjects) revoked within the last `MEMORY`."""

    def __init__(self, db: Database, clock: Callable[[], datetime]) -> None:
        self._db = db
        self._clock = clock
        self._next: asyncio.Task[frozenset[UUID]] | None = None
        self._running: asyncio.Task[frozenset[UUID]] | None = None

    async def refuse(self, claims: Claims) -> None:
        """Raise `Unauthenticated` when the token's family or subject was revoked."""
        revoked = await self._current()
        if claims.family in revoked or claims.subject in revoked:
            raise Unauthenticated

    def ahead(self, conn: Connection) -> None:
        """Send what `within` asks: once for a group of jobs, all of which arrived before it ran."""
        answers = asked_ahead(conn)
        if self not in answers:
            answers[self] = store.revoked_later(conn, self._clock() - MEMORY)

    def within(self, conn: Connection, caller: Caller) -> bool:
        """Whether the token of a caller was revoked, asked by a job itself."""
        self.ahead(conn)
        revoked: frozenset[UUID] = asked_ahead(conn)[self]()
        return caller.family in revoked or caller.id in revoked

    def since(self, conn: Connection, caller: Caller) -> bool:
        """As `within`, for a job that reads in a connection of its own."""
        revoked = store.revoked_since(conn, self._clock() - MEMORY)
        return caller.family in revoked or caller.id in revoked

    async def _current(self) -> frozenset[UUID]:
        if self._next is None:
            self._next = asyncio.create_task(self._query(after=self._running))
        # A caller that goes away must not cancel the query that its neighbours wait for.
        return await asyncio.shield(self._next)

    async def _query(self, after: "asyncio.Task[frozenset[UUID]] | None") -> frozenset[UUID]:
        if after is not None and not after.done():
            await asyncio.wait([after])
        # From here on newcomers wait for the following query: this one may not see their truth.
        self._running, self._next = self._next, None
        since = self._clock() - MEMORY
        return await self._db.aread(lambda conn: store.revoked_since(conn, since))
