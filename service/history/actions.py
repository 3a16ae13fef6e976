"""Keeping every state that policy was ever in, and finding the one of a moment.

Each act on a thing (a grant, a contract, deny-all, an emergency) notes the whole state the thing
has after it, in the transaction of the act itself. The state of a moment is, for each thing, the
last one noted by then. Nothing is ever worked out from differences.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from service.history import store
from service.keys.vault import Vault
from service.kit.ids import new_id


@dataclass(frozen=True, slots=True)
class Noted:
    """One state of one thing from `at` on. `order` rises with every act on it."""

    kind: str
    id: str
    at: datetime
    order: int
    state: Mapping[str, Any]


def note(conn: Connection, vault: Vault, resident: UUID, noted: Noted) -> None:
    """Keep a state, sealed."""
    row = new_id()
    body = {
        "kind": noted.kind,
        "id": noted.id,
        "at": noted.at.isoformat(),
        "order": noted.order,
        "state": dict(noted.state),
    }
    text = json.dumps(body, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()
    sealed = vault.seal_policy(resident, store.place(resident, row), text)
    store.add(conn, store.HistoryRow(resident, row, sealed.data))


def all_of(conn: Connection, vault: Vault, resident: UUID) -> list[Noted]:
    """Every state ever noted of a resident, oldest first."""
    found = [_opened(vault, row) for row in store.of_resident(conn, resident)]
    return sorted(found, key=lambda one: (one.at, one.order))


def at(noted: list[Noted], moment: datetime) -> list[Noted]:
    """The state each thing was in at `moment`; an act counts from its very instant on.

    Of those by then the last in order counts: an act that waited for another came after it, and
    may have been asked for earlier, or by a slower clock.
    """
    last: dict[tuple[str, str], Noted] = {}
    for one in sorted(noted, key=lambda one: one.order):
        if one.at <= moment:
            last[one.kind, one.id] = one
    return list(last.values())


def _opened(vault: Vault, row: store.HistoryRow) -> Noted:
    body = json.loads(vault.open_policy(row.sealed))
    moment = datetime.fromisoformat(body["at"])
    return Noted(body["kind"], body["id"], moment, body["order"], body["state"])
