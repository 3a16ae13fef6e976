"""All that is kept of a resident, kind by kind, as the doors of `/v1/me` answer it.

The doors' own functions are asked, so that an export shows nothing in another shape than they do.
Records and days of samples come in pieces that follow what never changes of them
(`service.records.whole`); a piece is read by itself, and nothing of the one before is kept.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fastapi import Response
from pydantic import BaseModel
from sqlalchemy import Connection

from consent.decision import Permit
from consent.vocabulary import Action, DataClass, Language
from service.api import records as shapes
from service.api.me import (
    access_log,
    appeals,
    children,
    contract,
    contributions,
    emergency,
    explanations,
    grants,
    notices,
    profile,
    prompts,
    requests,
    series,
)
from service.api.me.own import Own, zone_of
from service.domain.vocabulary.measures import MEASURES, Measure
from service.exports.form import Piece
from service.grants import actions, gate, receipts
from service.kit.errors import Unauthenticated
from service.records import whole
from service.records.pages import Found
from service.records.series import Series
from service.records.whole import Stretch

PAGE = 500
"""Things of a list asked for at a time."""
RECEIPTS = 50
"""Receipts signed at a time."""


@dataclass(frozen=True, slots=True)
class Exporting(Own):
    """My own record while it is exported: whatever is read of it is read as an export.

    Every piece is decided anew, on the sign-in with which the export began: it may take longer than
    a proof or a permit is good for. It ends with the account, and with the session.
    """

    def _permit(self, conn: Connection, action: Action, classes: frozenset[DataClass]) -> Permit:
        if self.house.revocations.since(conn, self.caller):
            raise Unauthenticated
        return gate.own(
            conn,
            self.house.vault,
            resident=self.subject,
            action=Action.EXPORT,
            now=self.house.clock(),
            classes=classes,
            stepped_up=self.caller.stepped_up(self.now),
        )


async def pieces(me: Exporting, language: Language) -> AsyncIterator[Piece]:
    """All kinds, in the order of `portable.PersonalExport`, each list with at least one piece."""
    for kind, ask in _SINGLE.items():
        yield Piece(kind, [_shown(await ask(me))], single=True)
    yield Piece("prompts", _shown(await prompts.list_prompts(me))["items"], single=False)
    yield _listed("explanations", await explanations.every_explanation(me))
    yield _listed("contracts", await contract.every_contract(me))
    ids: list[UUID] = []
    async for page in _paged(me, grants.list_grants):
        ids += [one.id for one in page if not one.deny]
        yield _listed("grants", page)
    yield _listed("receipts", [])
    for start in range(0, len(ids), RECEIPTS):
        made = await _receipts(me, ids[start : start + RECEIPTS], language)
        yield _listed("receipts", made)
    for kind, ask_page in _PAGED.items():
        async for page in _paged(me, ask_page):
            yield _listed(kind, page)
    yield _listed("guardians", (await children.list_guardians(me)).items)
    yield _listed("children", (await children.list_children(me.caller, me.house, me.now)).items)
    async for piece in _records(me):
        yield piece
    async for piece in _series(me):
        yield piece
    async for page in _paged(me, access_log.list_access_log):
        yield _listed("access_log", page)


_SINGLE: Mapping[str, Callable[[Own], Awaitable[Any]]] = {
    "profile": profile.get_me,
    "prompt": prompts.get_prompt,
    "automation": explanations.get_automation,
    "deny_all": grants.get_deny_all,
    "emergency": emergency.get_emergency,
    "contributions": contributions.get_contributions,
}
_PAGED: Mapping[str, Callable[..., Awaitable[Any]]] = {
    "requests": requests.list_requests,
    "appeals": appeals.list_appeals,
    "notices": notices.list_my_notices,
}


async def _paged(me: Own, ask: Callable[..., Awaitable[Any]]) -> AsyncIterator[Sequence[Any]]:
    cursor = None
    while True:
        page = await ask(me, limit=PAGE, cursor=cursor)
        yield page.items
        cursor = page.next
        if cursor is None:
            return


async def _receipts(me: Own, ids: Sequence[UUID], language: Language) -> list[grants.ReceiptOut]:
    house = me.house
    key, issuer = house.system.signing_key("receipt"), house.settings.issuer

    def make(conn: Connection, permit: Permit) -> list[grants.ReceiptOut]:
        kept = [actions.get(conn, house.vault, permit, one) for one in ids]
        return [
            grants.ReceiptOut(
                grant_id=one.grant.id,
                receipt=receipts.receipt(
                    conn, permit, one, key=key, issuer=issuer, language=language
                ),
            )
            for one in kept
        ]

    return await me.read(Action.MANAGE, make)


async def _records(me: Own) -> AsyncIterator[Piece]:
    after: bytes | None = whole.FIRST_KEY
    while after is not None:
        found = await me.read(Action.READ, _next_records(me, after))
        items = [shapes.document(record, rev) for record, rev in found.items]
        yield Piece("records", items, single=False)
        after = found.after


def _next_records(me: Own, after: bytes) -> Callable[[Connection, Permit], Stretch[Found, bytes]]:
    return lambda conn, permit: whole.records(conn, me.house.vault, permit, after=after)


async def _series(me: Own) -> AsyncIterator[Piece]:
    """A day at a time: one of a sensor has as much in it as hundreds of records."""
    zone = await me.read(Action.READ, lambda conn, permit: zone_of(conn, me.house, permit))
    yield Piece("series", [], single=False)
    for measure in MEASURES.values():
        after: int | None = whole.FIRST_DAY if measure.storage == "series" else None
        while after is not None:
            found = await me.read(Action.READ, _next_days(me, measure, after))
            for day in found.items:
                item = series.document(measure, day, "raw", zone.key)
                yield Piece("series", [item], single=False)
            after = found.after


def _next_days(
    me: Own, measure: Measure, after: int
) -> Callable[[Connection, Permit], Stretch[Series, int]]:
    return lambda conn, permit: whole.days_of(conn, me.house.vault, permit, measure, after=after)


def _listed(kind: str, items: Sequence[BaseModel]) -> Piece:
    return Piece(kind, [_shown(one) for one in items], single=False)


def _shown(answer: Response | BaseModel) -> Any:
    """What an operation says, as plain JSON."""
    if isinstance(answer, Response):
        return json.loads(bytes(answer.body))
    return answer.model_dump(mode="json", by_alias=True)
