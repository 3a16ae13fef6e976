"""What a resident is told of their own sign-in, in the transaction that changes it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from service.grants import standing
from service.house import House
from service.notices import actions as notices


def tell_owner(conn: Connection, house: House, who: UUID, kind: str, now: datetime) -> None:
    """A notice of this `kind` (`service.notices.words`) to a resident; nothing to anybody else."""
    if standing.is_active(conn, who):
        notices.tell(conn, house.vault, who, kind=kind, about=who, facts={}, now=now)
