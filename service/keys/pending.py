"""Keyrings that are made before the person: kept where one came to be, destroyed where none did.

A keyring comes first, because rows are sealed under it, and a sign-up that is refused leaves it
behind: taking it away at once would show by its time that a name is taken. It waits here until no
sign-up can still be under way; who has a person by then keeps it, and the others go without a
tombstone, for there is nobody to remember.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select

from service.keys.keystore import Keystore
from service.keys.tables import keyrings, pending_keyrings, ring_keys

GRACE = timedelta(hours=1)
"""After which a keyring without a person is destroyed."""
IN_TIME = timedelta(minutes=30)
"""Within which a file is begun after its request came, or not at all: well inside the grace."""


def due(keystore: Keystore, now: datetime, *, limit: int) -> list[UUID]:
    """Whose keyrings have waited long enough, the oldest first."""
    waiting = (
        select(pending_keyrings.c.resident_id)
        .where(pending_keyrings.c.since <= now - GRACE)
        .order_by(pending_keyrings.c.since)
        .limit(limit)
    )
    with keystore.reading() as conn:
        return list(conn.scalars(waiting))


def settle(keystore: Keystore, *, kept: Sequence[UUID], orphans: Sequence[UUID]) -> None:
    """End the waiting: `kept` have a person and keep their keys, `orphans` lose theirs."""
    with keystore.writing() as conn:
        # Only what still waits goes: another process may have looked at the same moment.
        mine = pending_keyrings.c.resident_id
        taken = delete(pending_keyrings).where(mine.in_(orphans)).returning(mine)
        gone = list(conn.scalars(taken))
        for table in (keyrings, ring_keys):
            conn.execute(delete(table).where(table.c.resident_id.in_(gone)))
        conn.execute(delete(pending_keyrings).where(mine.in_(kept)))
