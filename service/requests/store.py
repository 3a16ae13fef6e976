"""The only SQL on requests for consent."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from service.kit.sealed import Place, Sealed
from service.requests.tables import consent_requests, introductions


class RequestRow(NamedTuple):
    resident_id: UUID
    request_id: UUID
    practitioner_id: UUID
    pending: bool
    version: int
    sealed_body: bytes

    @property
    def sealed(self) -> Sealed:
        return Sealed(self.sealed_body, place(self.resident_id, self.request_id, self.version))


_COLUMNS = tuple(consent_requests.c[name] for name in RequestRow._fields)


def place(resident: UUID, request: UUID, version: int) -> Place:
    return Place("consent_requests", "body", resident, request.bytes, revision=version)


def introduce(conn: Connection, resident: UUID, practitioner: UUID) -> None:
    insert = sqlite_insert if conn.dialect.name == "sqlite" else postgresql_insert
    row = {"resident_id": resident, "practitioner_id": practitioner}
    conn.execute(insert(introductions).values(row).on_conflict_do_nothing())


def introduced(conn: Connection, resident: UUID, practitioner: UUID) -> bool:
    query = select(introductions.c.resident_id).where(
        introductions.c.resident_id == resident, introductions.c.practitioner_id == practitioner
    )
    return conn.execute(query).first() is not None


def add(conn: Connection, row: RequestRow) -> bool:
    """Keep a question; False, with nothing kept, when one is open already."""
    insert = sqlite_insert if conn.dialect.name == "sqlite" else postgresql_insert
    kept = conn.execute(
        insert(consent_requests)
        .values(**row._asdict())
        .on_conflict_do_nothing()
        .returning(consent_requests.c.request_id)
    )
    return kept.first() is not None


def between(conn: Connection, resident: UUID, practitioner: UUID) -> list[RequestRow]:
    """Everything this practitioner ever asked of this resident."""
    query = select(*_COLUMNS).where(
        consent_requests.c.resident_id == resident,
        consent_requests.c.practitioner_id == practitioner,
    )
    return [RequestRow(*row) for row in conn.execute(query)]


def waiting(conn: Connection, resident: UUID) -> int:
    """How many questions of anybody wait for this resident's answer."""
    mine = (consent_requests.c.resident_id == resident) & consent_requests.c.pending
    counted = select(func.count(consent_requests.c.request_id)).where(mine)
    return conn.execute(counted).scalar_one()


def of_resident(conn: Connection, resident: UUID) -> list[RequestRow]:
    query = select(*_COLUMNS).where(consent_requests.c.resident_id == resident)
    return [RequestRow(*row) for row in conn.execute(query)]


def one(conn: Connection, resident: UUID, request: UUID) -> RequestRow | None:
    """One question, which nobody else answers before the commit."""
    query = select(*_COLUMNS).where(
        consent_requests.c.resident_id == resident, consent_requests.c.request_id == request
    )
    row = conn.execute(query.with_for_update()).one_or_none()
    return None if row is None else RequestRow(*row)


def replace(conn: Connection, row: RequestRow) -> None:
    """Store a newer version of a question."""
    conn.execute(
        update(consent_requests)
        .where(
            consent_requests.c.resident_id == row.resident_id,
            consent_requests.c.request_id == row.request_id,
        )
        .values(pending=row.pending, version=row.version, sealed_body=row.sealed_body)
    )
