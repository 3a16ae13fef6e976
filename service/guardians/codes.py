"""One-time codes: how a second guardian joins, and how a young person takes their file over."""

import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import Connection

from consent.vocabulary import Text
from service.guardians import store
from service.guardians.store import CodeRow
from service.keys.vault import Vault
from service.kit import guard
from service.kit.errors import Fault, Invalid
from service.kit.hashing import digest

Kind = Literal["join", "hand-over"]

LIFETIMES: dict[Kind, timedelta] = {"join": timedelta(days=2), "hand-over": timedelta(days=30)}
FRAME = 160
UNKNOWN = Text("代码无效或已过期。", "The code is unknown, used or out of date.")
_UNAMBIGUOUS = "abcdefghjkmnpqrstuvwxyz23456789"


@dataclass(frozen=True, slots=True)
class Code:
    """What is handed to somebody, once, and when it ends. Only its digest is kept."""

    code: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Open:
    """A code that was shown and holds: whose file it is about and who made it."""

    child: UUID
    guardian: UUID
    hash: bytes


def issue(
    conn: Connection, vault: Vault, child: UUID, guardian: UUID, kind: Kind, now: datetime
) -> Code:
    """A new code; an earlier one of the same kind for the same child ends, and so do old ones."""
    for row in store.codes_of(conn, child):
        _, kept_kind, expires_at = _read(vault, row)
        if kept_kind == kind or expires_at <= now:
            store.drop_code(conn, child, row.hash)
    text, expires_at = _random(), now + LIFETIMES[kind]
    hash_ = _hash(text)
    body = json.dumps([str(guardian), kind, expires_at.isoformat()]).encode()
    sealed = vault.seal_policy(child, store.code_place(child, hash_), body, frame=FRAME)
    store.add_code(conn, CodeRow(hash_, child, sealed.data))
    return Code(text, expires_at)


def find(conn: Connection, vault: Vault, text: str, kind: Kind, now: datetime) -> Open:
    """The code that was shown, still unused; `Invalid` without a reason when it is not one."""
    shown = _hash(text)
    guard.ask(conn, shown)
    row = store.code(conn, shown)
    if row is None:
        raise unknown()
    guardian, kept_kind, expires_at = _read(vault, row)
    if kept_kind != kind or expires_at <= now:
        raise unknown()
    return Open(row.resident_id, guardian, row.hash)


def void(conn: Connection, vault: Vault, child: UUID, guardian: UUID) -> None:
    """End every open code that a guardian made: one who leaves keeps no way back in."""
    for row in store.codes_of(conn, child):
        if _read(vault, row)[0] == guardian:
            store.drop_code(conn, child, row.hash)


def unknown() -> Invalid:
    return Invalid([Fault("/code", "unknown-code", UNKNOWN)])


def _read(vault: Vault, row: CodeRow) -> tuple[UUID, str, datetime]:
    guardian, kind, expires_at = json.loads(vault.open_policy(row.sealed))
    return UUID(guardian), kind, datetime.fromisoformat(expires_at)


def _random() -> str:
    """Twenty characters out of 31 that nobody confuses: 99 bits, so a plain digest keeps it."""
    groups = ("".join(secrets.choice(_UNAMBIGUOUS) for _ in range(5)) for _ in range(4))
    return "-".join(groups)


def _hash(text: str) -> bytes:
    plain = "".join(text.casefold().replace("-", " ").split())
    return digest(b"guardian code", plain.encode())
