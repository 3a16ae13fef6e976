"""Emergency sessions as they are kept: opened with a reason, closed by somebody. Deciding whether
one may be opened, and telling the resident, is the matter of `service.breakglass`."""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import Connection

from consent.conditions import BREAK_GLASS_LIFE
from service.emergencies import store
from service.history import actions as history
from service.history.actions import Noted
from service.keys.vault import Vault
from service.kit.errors import IntegrityBroken
from service.kit.ids import new_id

HISTORY = "emergency"
"""The kind under which the history of policy keeps sessions."""
FRAME = 4096
"""One size for every session, so that its length does not tell how much was said."""

Closer = Literal["doctor", "resident", "refused", "over"]
"""Who closed it: one of the two, the resident's "not even in an emergency", or time."""


@dataclass(frozen=True, slots=True)
class Session:
    """One practitioner's look at one resident without a grant, from `opened_at` for four hours.

    `clinic` is where they worked when they opened it. `ended_at` is when the resident said that
    they want no more of it, whoever had closed it; nothing once they allowed emergencies anew.
    """

    id: UUID
    resident: UUID
    practitioner: UUID
    reason: str
    opened_at: datetime
    closed_at: datetime | None = None
    closed_by: Closer | None = None
    version: int = 1
    clinic: str | None = None
    ended_at: datetime | None = None

    @property
    def ends_at(self) -> datetime:
        return self.opened_at + BREAK_GLASS_LIFE

    def runs(self, now: datetime) -> bool:
        """Whether it still opens anything; not at the very instant of its end."""
        return self.closed_at is None and now < self.ends_at


def begin(
    conn: Connection,
    vault: Vault,
    *,
    resident: UUID,
    practitioner: UUID,
    clinic: str | None,
    reason: str,
    now: datetime,
) -> Session:
    """Keep a new session. The caller has bumped the consent revision in this transaction."""
    session = Session(new_id(), resident, practitioner, reason, now, clinic=clinic)
    store.add(conn, _sealed(vault, session))
    _note(conn, vault, session, now)
    return session


def close(
    conn: Connection, vault: Vault, session: Session, *, by: Closer, now: datetime
) -> Session:
    """End a session from the next request on. Closing twice is closing once."""
    if session.closed_at is not None:
        return session
    closed = replace(session, closed_at=now, closed_by=by, version=session.version + 1)
    store.replace(conn, _sealed(vault, closed))
    _note(conn, vault, closed, now)
    return closed


def note_ended(conn: Connection, vault: Vault, session: Session, at: datetime | None) -> Session:
    """Keep when the resident ended a session, or with None that they take it back."""
    after = replace(session, ended_at=at, version=session.version + 1)
    store.replace(conn, _sealed(vault, after))
    return after


def ended(conn: Connection, vault: Vault, resident: UUID) -> list[Session]:
    """The sessions that the resident ended and did not forgive."""
    found = [opened(vault, row) for row in store.closed_of(conn, resident)]
    return [session for session in found if session.ended_at is not None]


def ended_by_resident(
    conn: Connection,
    vault: Vault,
    resident: UUID,
    *,
    practitioner: UUID | None,
    clinic: str | None,
) -> datetime | None:
    """When the resident last ended a session of this practitioner, or of one of this clinic."""
    theirs = [
        session.ended_at
        for session in ended(conn, vault, resident)
        if session.practitioner == practitioner or (clinic and session.clinic == clinic)
    ]
    return max(filter(None, theirs), default=None)


def of_pair(conn: Connection, vault: Vault, resident: UUID, practitioner: UUID) -> Session | None:
    """The session that nobody has closed; its four hours may be over."""
    row = store.of_pair(conn, resident, practitioner)
    return None if row is None else opened(vault, row)


def one(conn: Connection, vault: Vault, resident: UUID, session: UUID) -> Session | None:
    row = store.one(conn, resident, session)
    return None if row is None else opened(vault, row)


def open_of(conn: Connection, vault: Vault, resident: UUID) -> list[Session]:
    """Every session on a resident that nobody has closed, newest first."""
    found = [opened(vault, row) for row in store.open_of(conn, resident)]
    return sorted(found, key=lambda one: (one.opened_at, one.id), reverse=True)


def _note(conn: Connection, vault: Vault, session: Session, now: datetime) -> None:
    state = {
        "practitioner": str(session.practitioner),
        "opened_at": session.opened_at.isoformat(),
        "open": session.closed_at is None,
    }
    noted = Noted(HISTORY, str(session.id), now, session.version, state)
    history.note(conn, vault, session.resident, noted)


def _sealed(vault: Vault, session: Session) -> store.SessionRow:
    body = {
        "practitioner": str(session.practitioner),
        "reason": session.reason,
        "opened_at": session.opened_at.isoformat(),
        "closed_at": None if session.closed_at is None else session.closed_at.isoformat(),
        "closed_by": session.closed_by,
        "clinic": session.clinic,
        "ended_at": None if session.ended_at is None else session.ended_at.isoformat(),
    }
    text = json.dumps(body, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()
    place = store.place(session.resident, session.id, session.version)
    return store.SessionRow(
        session.resident,
        session.id,
        session.practitioner,
        session.closed_at is None,
        session.version,
        vault.seal_policy(session.resident, place, text, frame=FRAME).data,
    )


def opened(vault: Vault, row: store.SessionRow) -> Session:
    """Open one row; clear columns that disagree with the sealed body are `IntegrityBroken`."""
    body = json.loads(vault.open_policy(row.sealed))
    closed_at = body["closed_at"]
    practitioner = UUID(body["practitioner"])
    closed = closed_at is not None
    # Sessions from before these two were kept know neither; they rest no more.
    ended_at = body.get("ended_at")
    if (practitioner, not closed) != (row.practitioner_id, row.open):
        raise IntegrityBroken
    return Session(
        row.session_id,
        row.resident_id,
        practitioner,
        body["reason"],
        datetime.fromisoformat(body["opened_at"]),
        datetime.fromisoformat(closed_at) if closed else None,
        body["closed_by"],
        row.version,
        body.get("clinic"),
        None if ended_at is None else datetime.fromisoformat(ended_at),
    )
