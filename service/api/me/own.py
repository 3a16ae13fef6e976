"""Whose record a route of `/v1/me` works on, and who asks: the resident, or a guardian of a child.

Every route here stands twice: at `/v1/me` for the caller's own record and at
`/v1/me/children/{child_id}` for that of a child under 14 (see `service.api.me.mirror`). The routes
do not know the difference. An owner's act runs under an own permit; a guardian's is decided,
logged and committed as a look by somebody else (`service.api.gate`), for it is one (P4).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Depends, Request
from sqlalchemy import Connection

from consent.decision import Decision, Permit
from consent.vocabulary import ALL_CLASSES, Action, DataClass, Purpose
from service.api.deps import Now, RequestId, Resident
from service.api.gate import Look, Opened, look
from service.api.rooms import HouseDep
from service.grants import gate
from service.house import House
from service.identity.caller import Caller
from service.kit.errors import NotFound
from service.kit.ids import parse_id
from service.residents import actions as residents
from service.residents import store as states

T = TypeVar("T")
Act = Callable[[Connection, Permit], T]
Entering = Callable[[Connection, Permit, int], T]

CHILD_ID = "child_id"
"""The part of an address that names a child."""


@dataclass(frozen=True, slots=True)
class Own:
    """A record and the person who asks for it."""

    caller: Caller
    subject: UUID
    house: House
    now: datetime
    request_id: str

    @property
    def is_child(self) -> bool:
        """Whether the record is not the caller's own."""
        return self.subject != self.caller.id

    async def read(
        self, action: Action, act: Act[T], *, classes: frozenset[DataClass] = ALL_CLASSES
    ) -> T:
        """What `act` reads under a permit for `action`; it changes nothing."""
        if self.is_child:
            return await self._for_child(action, classes, act)
        return await self.house.db.aread(
            lambda conn: act(conn, self._permit(conn, action, classes))
        )

    async def write(
        self, action: Action, act: Act[T], *, classes: frozenset[DataClass] = ALL_CLASSES
    ) -> T:
        """What `act` answers once all it changed is durable."""
        if self.is_child:
            return await self._for_child(action, classes, act)
        return await self.house.db.awrite(
            lambda conn: act(conn, self._permit(conn, action, classes)), key=self.subject.bytes
        )

    async def enter(self, act: Entering[T]) -> T:
        """As `write` for a write to all classes; `act` gets the next revision of the record too."""
        if self.is_child:
            return await self._for_child(
                Action.WRITE,
                ALL_CLASSES,
                lambda conn, permit: act(conn, permit, states.advance(conn, permit)),
            )

        def job(conn: Connection) -> T:
            permit, rev = gate.enter(conn, self.house.vault, resident=self.subject, now=self.now)
            return act(conn, permit, rev)

        return await self.house.db.awrite(job, key=self.subject.bytes)

    def _permit(self, conn: Connection, action: Action, classes: frozenset[DataClass]) -> Permit:
        return gate.own(
            conn,
            self.house.vault,
            resident=self.subject,
            action=action,
            now=self.now,
            classes=classes,
            stepped_up=self.caller.stepped_up(self.now),
        )

    async def _for_child(self, action: Action, classes: frozenset[DataClass], act: Act[T]) -> T:
        ask = Look(
            self.caller,
            self.subject,
            self.request_id,
            self.now,
            action=action,
            purpose=Purpose.SELF_CARE,
            classes=classes,
        )

        def open_(conn: Connection, _: Decision, permit: Permit) -> Opened[T]:
            return Opened(act(conn, permit), row_count=1)

        return await look(self.house, ask, open_)


async def own(
    request: Request, caller: Resident, house: HouseDep, now: Now, request_id: RequestId
) -> Own:
    """The caller's own record, or that of the child whom the address names."""
    subject = caller.id
    if CHILD_ID in request.path_params:
        child = parse_id(request.path_params[CHILD_ID])
        if child is None or child == caller.id:
            raise NotFound
        subject = child
    return Own(caller, subject, house, now, request_id)


Mine = Annotated[Own, Depends(own)]


def zone_of(connection: Connection, house: House, permit: Permit) -> ZoneInfo:
    """The zone of the resident's calendar."""
    return ZoneInfo(residents.profile(connection, house.vault, permit).zone)
