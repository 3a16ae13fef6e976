"""Telling residents what concerns them: written in the transaction of what it tells about, sealed,
and put into words when it is read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from consent.decision import Permit
from service.keys.vault import Vault
from service.kit.errors import NotFound
from service.kit.ids import new_id
from service.notices import store

FRAME = 5120
"""One size for every notice, so that its length does not tell what it is about."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing a resident is told. `about` is the id of what it concerns; `facts` fill the words
    of its `kind` (see `service.notices.words`)."""

    id: UUID
    kind: str
    at: datetime
    about: UUID
    facts: Mapping[str, str]
    read: bool = False


def tell(
    conn: Connection,
    vault: Vault,
    resident: UUID,
    *,
    kind: str,
    about: UUID,
    facts: Mapping[str, str],
    now: datetime,
) -> None:
    """Leave a notice. It needs no permit: telling somebody opens nothing of theirs."""
    notice = new_id()
    body = {"kind": kind, "at": now.isoformat(), "about": str(about), "facts": dict(facts)}
    text = json.dumps(body, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()
    sealed = vault.seal_policy(resident, store.place(resident, notice), text, frame=FRAME)
    store.add(conn, store.NoticeRow(resident, notice, False, sealed.data))


def every(conn: Connection, vault: Vault, permit: Permit) -> list[Notice]:
    """All notices of the permit's subject, newest first."""
    found = [_opened(vault, row) for row in store.of_resident(conn, permit.subject)]
    return sorted(found, key=lambda one: (one.at, one.id), reverse=True)


def mark_read(conn: Connection, vault: Vault, permit: Permit, notice: UUID) -> Notice:
    row = store.mark_read(conn, permit.subject, notice)
    if row is None:
        raise NotFound
    return _opened(vault, row)


def _opened(vault: Vault, row: store.NoticeRow) -> Notice:
    body = json.loads(vault.open_policy(row.sealed))
    at = datetime.fromisoformat(body["at"])
    return Notice(row.notice_id, body["kind"], at, UUID(body["about"]), body["facts"], row.read)
