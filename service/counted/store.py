"""The only SQL on the grounds of contributions."""

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import Connection, delete, insert, select

from service.counted.tables import contribution_grounds

_c = contribution_grounds.c


def of_many(conn: Connection, residents: Collection[UUID]) -> dict[UUID, bytes]:
    found = select(_c.resident_id, _c.sealed).where(_c.resident_id.in_(residents))
    return {row.resident_id: bytes(row.sealed) for row in conn.execute(found)}


def keep(conn: Connection, sealed: Mapping[UUID, bytes]) -> None:
    """In place of what was there before."""
    if not sealed:
        return
    forget(conn, list(sealed))
    rows = [{"resident_id": who, "sealed": text} for who, text in sealed.items()]
    conn.execute(insert(contribution_grounds), rows)


def forget(conn: Connection, residents: Collection[UUID]) -> None:
    conn.execute(delete(contribution_grounds).where(_c.resident_id.in_(residents)))
