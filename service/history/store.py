"""The only SQL on the history of policy. Nothing here changes or deletes a row."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, insert, select

from service.history.tables import policy_history
from service.kit.sealed import Place, Sealed


class HistoryRow(NamedTuple):
    resident_id: UUID
    row_id: UUID
    sealed_body: bytes

    @property
    def sealed(self) -> Sealed:
        return Sealed(self.sealed_body, place(self.resident_id, self.row_id))


_COLUMNS = tuple(policy_history.c[name] for name in HistoryRow._fields)


def place(resident: UUID, row: UUID) -> Place:
    return Place("policy_history", "body", resident, row.bytes)


def add(conn: Connection, row: HistoryRow) -> None:
    conn.execute(insert(policy_history).values(**row._asdict()))


def of_resident(conn: Connection, resident: UUID) -> list[HistoryRow]:
    query = select(*_COLUMNS).where(policy_history.c.resident_id == resident)
    return [HistoryRow(*row) for row in conn.execute(query)]
