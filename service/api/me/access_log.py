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
from service.grants import gate, looks, receipts
from service.guardians import actions as guardians
from service.guardians.actions import Guardianship
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


class ExportedEntry(EntryOut):
    """An entry with all that its hash covers, for somebody who wants to compute it again."""

    leaf: int
    previous_hash: str
    sealed_classes: str
    revision: int


class InclusionOut(BaseModel):
    """RFC 9162 path from the newest entry that the checkpoint covers to its root; hex."""

    seq: int
    leaf: int
    path: list[str]


class HeadOut(BaseModel):
    """That this entry was the last about me: paths in my bucket of heads and over all buckets."""

    index: int
    size: int
    in_bucket: list[str]
    over_buckets: list[str]


class ProofOut(BaseModel):
    """My entries up to `inclusion.seq` are in `checkpoint`, and it knows of no others about me."""

    checkpoint: str
    inclusion: InclusionOut
    head: HeadOut


class AccessLogPage(BaseModel):
    items: list[EntryOut]
    next: str | None


class ExportOut(BaseModel):
    """`export` is a JWS (EdDSA) over every entry; check it with /.well-known/jwks.json.

    Its `proof` ties the entries to the newest checkpoint; null while none covers them. The script
    clients/verifiers/access_log.py checks all of it.
    """

    entries: int
    export: str


@router.get("/access-log")
async def list_access_log(me: Mine, limit: Limit = 50, cursor: CursorText = None) -> AccessLogPage:
    """Entries, newest first, each with one line in plain words."""
    house = me.house
    scope = ("access-log", str(me.subject))
    before = None if cursor is None else int(house.cursors.read(scope, cursor)[0] or 0)

    def read(conn: Connection, permit: Permit) -> list[EntryOut]:
        found = audit.page(conn, permit.subject, before=before, limit=limit + 1)
        return _shown(conn, house.vault, permit, found)

    items = await me.read(Action.MANAGE, read)
    next_ = house.cursors.make(scope, [items[limit - 1].seq]) if len(items) > limit else None
    return AccessLogPage(items=items[:limit], next=next_)


@router.get("/access-log/export")
async def export_access_log(me: Mine) -> ExportOut:
    """All of it, oldest first, signed, to keep or to show to somebody else."""

<<<<<<< HEAD
    def read(conn: Connection) -> tuple[list[ExportedEntry], ProofOut | None]:
        _allowed(conn, house, caller, now)
        entries: list[ExportedEntry] = []
        found = audit.page(conn, caller.id, limit=EXPORT_PAGE)
        while found:
            entries += [_exported(house.vault, one) for one in found]
            found = audit.page(conn, caller.id, before=found[-1].link.seq, limit=EXPORT_PAGE)
        return entries[::-1], _proof(conn, caller.id)

    entries, proof = await house.db.aread(read)
=======
    house = me.house

    def read(conn: Connection, permit: Permit) -> list[EntryOut]:
        entries: list[EntryOut] = []
        found = audit.page(conn, permit.subject, limit=EXPORT_PAGE)
        while found:
            entries += _shown(conn, house.vault, permit, found)
            before = found[-1].link.seq
            found = audit.page(conn, permit.subject, before=before, limit=EXPORT_PAGE)
        return entries[::-1]

    entries = await me.read(Action.MANAGE, read)
>>>>>>> main
    claims = {
        "sub": str(me.subject),
        "iat": int(me.now.timestamp()),
        "entries": [entry.model_dump(mode="json") for entry in entries],
        "proof": None if proof is None else proof.model_dump(mode="json"),
    }
    export = receipts.signed(
        claims,
        key=house.system.signing_key("audit"),
        typ=EXPORT_TYPE,
        issuer=house.settings.issuer,
    )
    return ExportOut(entries=len(entries), export=export)


def _shown(
    conn: Connection, vault: Vault, permit: Permit, found: Sequence[Logged]
) -> list[EntryOut]:
    """Entries as the resident reads them; guardians under their own names."""
    known = guardians.names(conn, vault, permit.subject)
    return [_out(vault, one, known.get(one.entry.actor_id)) for one in found]


def _out(vault: Vault, logged: Logged, guardian: Guardianship | None) -> EntryOut:
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
        hash=logged.link.hash.hex(),
    )


def _exported(vault: Vault, logged: Logged) -> ExportedEntry:
    return ExportedEntry(
        **_out(vault, logged).model_dump(),
        leaf=logged.link.leaf,
        previous_hash=logged.link.previous_hash.hex(),
        sealed_classes=logged.entry.classes.hex(),
        revision=logged.entry.revision,
    )


def _proof(conn: Connection, subject: UUID) -> ProofOut | None:
    found = audit.proof(conn, subject)
    if found is None:
        return None
    link, head = found.last.link, found.head
    return ProofOut(
        checkpoint=found.checkpoint,
        inclusion=InclusionOut(seq=link.seq, leaf=link.leaf, path=_hex(found.inclusion)),
        head=HeadOut(
            index=head.index,
            size=head.size,
            in_bucket=_hex(head.in_bucket),
            over_buckets=_hex(head.over_buckets),
        ),
    )


def _hex(hashes: Sequence[bytes]) -> list[str]:
    return [one.hex() for one in hashes]
