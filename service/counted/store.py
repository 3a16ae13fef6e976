"""The only SQL on the grounds of contributions."""

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import Connection, delete, select

from service.counted.tables import contribution_grounds
from service.kit.upsert import Upsert

_c = contribution_grounds.c


_KEPT = Upsert(contribution_grounds, ["resident_id"], ["sealed"])


def of_many(conn: Connection, residents: Collection[UUID]) -> dict[UUID, bytes]:
    found = select(_c.resident_id, _c.sealed).where(_c.resident_id.in_(residents))
    return {row.resident_id: bytes(row.sealed) for row in conn.execute(found)}


def keep(conn: Connection, sealed: Mapping[UUID, bytes]) -> None:
    """In place of what was there before.

    In its very row: one made anew would lie behind all others, and whose rows time alone makes
    anew is a matter of their health.
    """
    rows = [{"resident_id": who.bytes, "sealed": text} for who, text in sealed.items()]
    _KEPT.run_many(conn, rows)


def forget(conn: Connection, residents: Collection[UUID]) -> None:
    conn.execute(delete(contribution_grounds).where(_c.resident_id.in_(residents)))
