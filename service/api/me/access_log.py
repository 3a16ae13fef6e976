"""Who looked at my data, when, why, at what, and under which grant."""

from typing import Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import Connection

from consent.vocabulary import Action
from service.api.body import StrictRoute
from service.api.deps import Now, Resident
from service.api.rooms import HouseDep
from service.api.schema import Bilingual, CursorText, Limit, Moment
from service.audit import actions as audit
from service.audit.entry import Logged
from service.grants import gate, looks, receipts
from service.house import House
from service.identity.caller import Caller
from service.keys.vault import Vault

router = APIRouter(prefix="/v1/me", tags=["access log"], route_class=StrictRoute)

EXPORT_TYPE = "access-log+jwt"
EXPORT_PAGE = 1000


class LookerOut(BaseModel):
    """The person who looked, and the clinic they work for."""

    kind: str
    id: str
    name: str | None
    on_behalf_of: str | None


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
    hash: str


class AccessLogPage(BaseModel):
    items: list[EntryOut]
    next: str | None


class ExportOut(BaseModel):
    """`export` is a JWS (EdDSA) over every entry; check it with /.well-known/jwks.json."""

    entries: int
    export: str


@router.get("/access-log")
async def list_access_log(
    caller: Resident, house: HouseDep, now: Now, limit: Limit = 50, cursor: CursorText = None
) -> AccessLogPage:
    """Entries, newest first, each with one line in plain words."""
    scope = ("access-log", str(caller.id))
    before = None if cursor is None else int(house.cursors.read(scope, cursor)[0] or 0)

    def read(conn: Connection) -> list[EntryOut]:
        _allowed(conn, house, caller, now)
        found = audit.page(conn, caller.id, before=before, limit=limit + 1)
        return [_out(house.vault, one) for one in found]

    items = await house.db.aread(read)
    next_ = house.cursors.make(scope, [items[limit - 1].seq]) if len(items) > limit else None
    return AccessLogPage(items=items[:limit], next=next_)


@router.get("/access-log/export")
async def export_access_log(caller: Resident, house: HouseDep, now: Now) -> ExportOut:
    """All of it, oldest first, signed, to keep or to show to somebody else."""

    def read(conn: Connection) -> list[EntryOut]:
        _allowed(conn, house, caller, now)
        entries: list[EntryOut] = []
        found = audit.page(conn, caller.id, limit=EXPORT_PAGE)
        while found:
            entries += [_out(house.vault, one) for one in found]
            found = audit.page(conn, caller.id, before=found[-1].link.seq, limit=EXPORT_PAGE)
        return entries[::-1]

    entries = await house.db.aread(read)
    claims = {
        "sub": str(caller.id),
        "iat": int(now.timestamp()),
        "entries": [entry.model_dump(mode="json") for entry in entries],
    }
    export = receipts.signed(
        claims,
        key=house.system.signing_key("audit"),
        typ=EXPORT_TYPE,
        issuer=house.settings.issuer,
    )
    return ExportOut(entries=len(entries), export=export)


def _allowed(conn: Connection, house: House, caller: Caller, now: Moment) -> None:
    """The log is policy about the resident, so it takes the same permit as grants do."""
    gate.own(conn, house.vault, resident=caller.id, action=Action.MANAGE, now=now)


def _out(vault: Vault, logged: Logged) -> EntryOut:
    entry = logged.entry
    classes = looks.classes_of(vault, entry)
    return EntryOut(
        seq=logged.link.seq,
        at=entry.at,
        actor=LookerOut(
            kind=entry.actor_kind.value,
            id=entry.actor_id,
            name=entry.actor_name,
            on_behalf_of=entry.on_behalf_of,
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
        text=Bilingual.of(looks.line(logged, classes)),
        hash=logged.link.hash.hex(),
    )
