"""The only SQL on health codes."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, delete, insert, update

from service.healthcode.tables import health_codes


def replace(conn: Connection, resident: UUID, code_hash: bytes, expires_at: datetime) -> None:
    """Keep a new code; the resident's older ones end with it."""
    conn.execute(delete(health_codes).where(health_codes.c.resident_id == resident))
    row = {
        "code_hash": code_hash,
        "resident_id": resident,
        "expires_at": expires_at,
        "used": False,
    }
    conn.execute(insert(health_codes).values(row))


def spend(conn: Connection, code_hash: bytes, now: datetime) -> UUID | None:
    """Whose code this is, once: the second asker, an expired and an unknown code get None."""
    row = conn.execute(
        update(health_codes)
        .where(
            health_codes.c.code_hash == code_hash,
            health_codes.c.used.is_(False),
            health_codes.c.expires_at > now,
        )
        .values(used=True)
        .returning(health_codes.c.resident_id)
    ).one_or_none()
    return None if row is None else row[0]
