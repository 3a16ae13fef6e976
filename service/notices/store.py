"""The only SQL on notices."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, insert, select, update

from service.kit.sealed import Place, Sealed
from service.notices.tables import notices


class NoticeRow(NamedTuple):
    resident_id: UUID
    notice_id: UUID
    read: bool
    sealed_body: bytes

    @property
    def sealed(self) -> Sealed:
        return Sealed(self.sealed_body, place(self.resident_id, self.notice_id))


_COLUMNS = tuple(notices.c[name] for name in NoticeRow._fields)


def place(resident: UUID, notice: UUID) -> Place:
    return Place("notices", "body", resident, notice.bytes)


def add(conn: Connection, row: NoticeRow) -> None:
    conn.execute(insert(notices).values(**row._asdict()))


def of_resident(conn: Connection, resident: UUID) -> list[NoticeRow]:
    query = select(*_COLUMNS).where(notices.c.resident_id == resident)
    return [NoticeRow(*row) for row in conn.execute(query)]


def mark_read(conn: Connection, resident: UUID, notice: UUID) -> NoticeRow | None:
    """The notice, read from now on; None when the resident has no such notice."""
    row = conn.execute(
        update(notices)
        .where(notices.c.resident_id == resident, notices.c.notice_id == notice)
        .values(read=True)
        .returning(*_COLUMNS)
    ).first()
    return None if row is None else NoticeRow(*row)
