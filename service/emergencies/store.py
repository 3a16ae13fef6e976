"""The only SQL on emergency sessions."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, insert, select, update

from service.emergencies.tables import emergency_sessions
from service.kit.sealed import Place, Sealed


class SessionRow(NamedTuple):
    resident_id: UUID
    session_id: UUID
    practitioner_id: UUID
    open: bool
    version: int
    sealed_body: bytes

    @property
    def sealed(self) -> Sealed:
        return Sealed(self.sealed_body, place(self.resident_id, self.session_id, self.version))


_COLUMNS = tuple(emergency_sessions.c[name] for name in SessionRow._fields)
_MINE = select(*_COLUMNS)


def place(resident: UUID, session: UUID, version: int) -> Place:
    return Place("emergency_sessions", "body", resident, session.bytes, revision=version)


def of_pair(conn: Connection, resident: UUID, practitioner: UUID) -> SessionRow | None:
    """The open session of one practitioner on one resident; there is at most one."""
    query = _MINE.where(
        emergency_sessions.c.resident_id == resident,
        emergency_sessions.c.practitioner_id == practitioner,
        emergency_sessions.c.open,
    )
    row = conn.execute(query).one_or_none()
    return None if row is None else SessionRow(*row)


def ever(conn: Connection, resident: UUID, practitioner: UUID) -> bool:
    """Whether this practitioner ever opened break-glass on this resident."""
    query = select(emergency_sessions.c.session_id).where(
        emergency_sessions.c.resident_id == resident,
        emergency_sessions.c.practitioner_id == practitioner,
    )
    return conn.execute(query.limit(1)).first() is not None


def one(conn: Connection, resident: UUID, session: UUID) -> SessionRow | None:
    query = _MINE.where(
        emergency_sessions.c.resident_id == resident, emergency_sessions.c.session_id == session
    )
    row = conn.execute(query).one_or_none()
    return None if row is None else SessionRow(*row)


def open_of(conn: Connection, resident: UUID) -> list[SessionRow]:
    """Every session on this resident that nobody has closed."""
    query = _MINE.where(emergency_sessions.c.resident_id == resident, emergency_sessions.c.open)
    return [SessionRow(*row) for row in conn.execute(query)]


def closed_of(conn: Connection, resident: UUID) -> list[SessionRow]:
    """Every session on this resident that somebody has closed."""
    query = _MINE.where(emergency_sessions.c.resident_id == resident, ~emergency_sessions.c.open)
    return [SessionRow(*row) for row in conn.execute(query)]


def add(conn: Connection, row: SessionRow) -> None:
    conn.execute(insert(emergency_sessions).values(**row._asdict()))


def replace(conn: Connection, row: SessionRow) -> None:
    """Store a newer version of a session."""
    conn.execute(
        update(emergency_sessions)
        .where(
            emergency_sessions.c.resident_id == row.resident_id,
            emergency_sessions.c.session_id == row.session_id,
        )
        .values(open=row.open, version=row.version, sealed_body=row.sealed_body)
    )
