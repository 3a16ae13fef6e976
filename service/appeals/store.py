"""The only SQL on appeals."""

from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    Connection,
    Integer,
    LargeBinary,
    and_,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from consent.decision import Permit
from service.appeals.tables import appeals
from service.contracts.tables import contracts
from service.kit.prepared import Prepared, Row
from service.residents.tables import resident_state


class AppealRow(NamedTuple):
    resident_id: UUID
    appeal_id: UUID
    open: bool
    for_doctor: bool
    due: int
    version: int
    sealed_body: bytes


class Waiting(NamedTuple):
    """An appeal without an answer: its last day, and whether anybody may read it."""

    resident_id: UUID
    due: int
    read: bool


_COLUMNS = tuple(appeals.c[name] for name in AppealRow._fields)
_MINE = (
    select(*_COLUMNS)
    .join(resident_state, resident_state.c.resident_id == appeals.c.resident_id)
    .where(
        appeals.c.resident_id == bindparam("resident", type_=LargeBinary),
        resident_state.c.consent_revision == bindparam("revision", type_=Integer),
    )
)
"""Whatever is read of somebody's appeals asks for the consent revision of its permit."""
_EVERY, _CLOSED = Prepared(_MINE), Prepared(_MINE.where(~appeals.c.open))
_EVERY_HELD = Prepared(_MINE.with_for_update(of=appeals))
_ONE = _MINE.where(appeals.c.appeal_id == bindparam("appeal", type_=LargeBinary))
_READ, _HELD = Prepared(_ONE), Prepared(_ONE.with_for_update(of=appeals))


def add(conn: Connection, row: AppealRow) -> None:
    conn.execute(insert(appeals).values(**row._asdict()))


def of_resident(conn: Connection, permit: Permit, *, hold: bool = False) -> list[AppealRow]:
    """All appeals; with `hold` nobody else changes one before the commit."""
    statement = _EVERY_HELD if hold else _EVERY
    return [_row(row) for row in statement.rows(conn, _good(permit))]


def closed_of(conn: Connection, permit: Permit) -> list[AppealRow]:
    """Those that nobody waits for any more; this is asked with every prompt."""
    return [_row(row) for row in _CLOSED.rows(conn, _good(permit))]


def one(conn: Connection, permit: Permit, appeal: UUID, *, hold: bool = False) -> AppealRow | None:
    """One appeal; with `hold` nobody else answers it before the commit."""
    statement = _HELD if hold else _READ
    rows = statement.rows(conn, {**_good(permit), "appeal": appeal.bytes})
    return _row(rows[0]) if rows else None


def replace(conn: Connection, row: AppealRow) -> None:
    """Store a newer version of an appeal."""
    conn.execute(
        update(appeals)
        .where(appeals.c.resident_id == row.resident_id, appeals.c.appeal_id == row.appeal_id)
        .values(open=row.open, version=row.version, sealed_body=row.sealed_body)
    )


def residents_of(conn: Connection, practitioner: UUID) -> list[UUID]:
    """Who signed with this practitioner and lets them read an appeal that waits for an answer."""
    query = (
        select(appeals.c.resident_id)
        .distinct()
        .join(contracts, contracts.c.resident_id == appeals.c.resident_id)
        .where(
            contracts.c.practitioner_id == practitioner,
            contracts.c.active,
            appeals.c.open,
            appeals.c.for_doctor,
        )
    )
    return list(conn.scalars(query))


def waiting(conn: Connection) -> list[Waiting]:
    """Every appeal without an answer. It goes from resident to resident and opens nothing."""
    signed = and_(contracts.c.resident_id == appeals.c.resident_id, contracts.c.active)
    query = (
        select(appeals.c.resident_id, appeals.c.due, appeals.c.for_doctor, contracts.c.active)
        .outerjoin(contracts, signed)
        .where(appeals.c.open)
    )
    return [
        Waiting(resident, due, bool(shared and active))
        for resident, due, shared, active in conn.execute(query)
    ]


def drop(conn: Connection, permit: Permit, appeal: UUID) -> None:
    mine = and_(appeals.c.resident_id == permit.subject, appeals.c.appeal_id == appeal)
    conn.execute(delete(appeals).where(mine))


def forget(conn: Connection, resident: UUID) -> None:
    """Remove the appeals of somebody whose file is closed."""
    conn.execute(delete(appeals).where(appeals.c.resident_id == resident))


def _good(permit: Permit) -> dict[str, Any]:
    return {"resident": permit.subject.bytes, "revision": permit.revision}


def _row(row: Row) -> AppealRow:
    resident, appeal, open_, shared, due, version, body = row
    return AppealRow(
        UUID(bytes=bytes(resident)),
        UUID(bytes=bytes(appeal)),
        bool(open_),
        bool(shared),
        due,
        version,
        bytes(body),
    )
