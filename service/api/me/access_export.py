"""All that was ever looked at, signed, with proof that it is all: to keep, or to show to others."""

from collections.abc import Sequence
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import Connection

from consent.decision import Permit
from consent.vocabulary import Action
from service.api.body import StrictRoute
from service.api.me.access_log import EntryOut, shown
from service.api.me.own import Mine
from service.audit import actions as audit
from service.audit.entry import Logged, canonical
from service.grants import receipts

router = APIRouter(prefix="/v1/me", tags=["access log"], route_class=StrictRoute)

TYPE = "access-log+jwt"
PAGE = 1000


class ExportOut(BaseModel):
    """`export` is a JWS (EdDSA) over every entry; check it with /.well-known/jwks.json.

    Its `proof` ties the entries to the newest checkpoint; null while none covers them. The script
    clients/verifiers/access_log.py checks all of it.
    """

    entries: int
    export: str


class ExportedEntry(EntryOut):
    """An entry with the text that its `hash` covers behind `previous_hash`."""

    leaf: int
    previous_hash: str
    hashed: str


class InclusionOut(BaseModel):
    """RFC 9162 path from the newest entry that the checkpoint covers to its root; hex."""

    seq: int
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


@router.get("/access-log/export")
async def export_access_log(me: Mine) -> ExportOut:
    """All of it, oldest first, signed, to keep or to show to others; asks for a fresh sign-in."""
    house = me.house

    def read(conn: Connection, permit: Permit) -> tuple[list[ExportedEntry], ProofOut | None]:
        # Before the entries: of a look in between the proof would know and they would not.
        proof = _proof(conn, permit.subject)
        entries: list[ExportedEntry] = []
        found = audit.page(conn, permit.subject, limit=PAGE)
        while found:
            lines = shown(conn, house.vault, permit, found)
            entries += map(_exported, found, lines)
            before = found[-1].link.seq
            found = audit.page(conn, permit.subject, before=before, limit=PAGE)
        return entries[::-1], proof

    entries, proof = await me.read(Action.EXPORT, read)
    claims = {
        "sub": str(me.subject),
        "iat": int(me.now.timestamp()),
        "entries": [entry.model_dump(mode="json") for entry in entries],
        "proof": None if proof is None else proof.model_dump(mode="json"),
    }
    key, issuer = house.system.signing_key("audit"), house.settings.issuer
    export = receipts.signed(claims, key=key, typ=TYPE, issuer=issuer)
    return ExportOut(entries=len(entries), export=export)


def _exported(logged: Logged, line: EntryOut) -> ExportedEntry:
    entry, link = logged
    return ExportedEntry(
        **line.model_dump(),
        leaf=link.leaf,
        previous_hash=link.previous_hash.hex(),
        hashed=canonical(entry, link.seq, link.leaf).decode(),
    )


def _proof(conn: Connection, subject: UUID) -> ProofOut | None:
    found = audit.proof(conn, subject)
    if found is None:
        return None
    head = found.head
    return ProofOut(
        checkpoint=found.checkpoint,
        inclusion=InclusionOut(seq=found.last.link.seq, path=_hex(found.inclusion)),
        head=HeadOut(
            index=head.index,
            size=head.size,
            in_bucket=_hex(head.in_bucket),
            over_buckets=_hex(head.over_buckets),
        ),
    )


def _hex(hashes: Sequence[bytes]) -> list[str]:
    return [one.hex() for one in hashes]
