"""Who looked at my data, when, why, at what, and under which grant."""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import Connection

from consent.decision import Permit
from consent.vocabulary import Action
from service.api.body import StrictRoute
from service.api.me.own import Mine
from service.api.schema import Bilingual, CursorText, Limit, Moment
from service.audit import actions as audit
from service.audit.entry import Logged
from service.grants import gate, looks
from service.guardians import actions as guardians
from service.guardians.actions import Guardianship
from service.keys.vault import Vault
from service.watch import actions as watch
from service.watch.alarms import Alarm

router = APIRouter(prefix="/v1/me", tags=["access log"], route_class=StrictRoute)


class LookerOut(BaseModel):
    """The person who looked, and the clinic they work for."""

    kind: str
    id: str
    name: str | None
    on_behalf_of: str | None


class AlarmOut(BaseModel):
    """Why a look is marked as unusual."""

    id: str
    text: Bilingual


class EntryOut(BaseModel):
    """One look, or one refused attempt; `hash` chains it to the entry before."""

    seq: int
    at: Moment
    actor: LookerOut
    automatic: bool
    action: str
    purpose: str
    data_classes: list[str]
    decision: Literal["allow", "deny"]
    rule: str
    reason: Bilingual
    grant_id: UUID | None
    rows: int
    request_id: str
    text: Bilingual
    alarms: list[AlarmOut]
    hash: str


class AccessLogPage(BaseModel):
    items: list[EntryOut]
    next: str | None


@router.get("/access-log")
async def list_access_log(me: Mine, limit: Limit = 50, cursor: CursorText = None) -> AccessLogPage:
    """Entries, newest first, each with one line in plain words."""
    house = me.house
    scope = ("access-log", str(me.subject))
    before = None if cursor is None else int(house.cursors.read(scope, cursor)[0] or 0)

    def read(conn: Connection, permit: Permit) -> list[EntryOut]:
        found = audit.page(conn, permit.subject, before=before, limit=limit + 1)
        return shown(conn, house.vault, permit, found)

    items = await me.read(Action.MANAGE, read)
    next_ = house.cursors.make(scope, [items[limit - 1].seq]) if len(items) > limit else None
    return AccessLogPage(items=items[:limit], next=next_)


def shown(
    conn: Connection, vault: Vault, permit: Permit, found: Sequence[Logged]
) -> list[EntryOut]:
    """Entries as the resident reads them; guardians under their own names."""
    known = guardians.names(conn, vault, permit.subject)
    marks = watch.marked(conn, permit.subject, found)
    return [
        _out(vault, one, known.get(one.entry.actor_id), alarms)
        for one, alarms in zip(found, marks, strict=True)
    ]


def _out(
    vault: Vault, logged: Logged, guardian: Guardianship | None, alarms: Sequence[Alarm]
) -> EntryOut:
    entry = logged.entry
    classes = looks.classes_of(vault, entry)
    name = entry.actor_name if guardian is None else guardian.guardian_name
    return EntryOut(
        seq=logged.link.seq,
        at=entry.at,
        actor=LookerOut(
            kind=entry.actor_kind.value,
            id=entry.actor_id if guardian is None else str(guardian.guardian),
            name=name,
            on_behalf_of=entry.on_behalf_of if guardian is None else str(entry.subject),
        ),
        automatic=entry.automatic,
        action=entry.action.value,
        purpose=entry.purpose.value,
        data_classes=[data_class.value for data_class in classes],
        decision=entry.decision,
        rule=entry.rule,
        reason=Bilingual.of(gate.sentence(entry.rule)),
        grant_id=entry.grant_id,
        rows=entry.row_count,
        request_id=entry.request_id,
        text=Bilingual.of(looks.line(logged, classes, guardian=name if guardian else None)),
        alarms=[AlarmOut(id=one.id, text=Bilingual.of(one.text)) for one in alarms],
        hash=logged.link.hash.hex(),
    )
