"""The only SQL on reviews."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, insert, select, update

from service.breakglass.tables import emergency_reviews


class Review(NamedTuple):
    review_id: UUID
    session_id: UUID
    resident_id: UUID
    practitioner_id: UUID
    opened_at: datetime
    outcome: str | None = None
    reviewer: str | None = None
    closed_at: datetime | None = None


_COLUMNS = tuple(emergency_reviews.c[name] for name in Review._fields)


def add(conn: Connection, review: Review) -> None:
    conn.execute(insert(emergency_reviews).values(**review._asdict()))


def every(conn: Connection, *, closed: bool) -> list[Review]:
    """All reviews, oldest first; without `closed` only those still to be done."""
    query = select(*_COLUMNS).order_by(emergency_reviews.c.opened_at, emergency_reviews.c.review_id)
    if not closed:
        query = query.where(emergency_reviews.c.closed_at.is_(None))
    return [Review(*row) for row in conn.execute(query)]


def close(
    conn: Connection, review: UUID, *, outcome: str, reviewer: str, now: datetime
) -> Review | None:
    """The review, closed by this statement; None when there is none to close."""
    row = conn.execute(
        update(emergency_reviews)
        .where(emergency_reviews.c.review_id == review, emergency_reviews.c.closed_at.is_(None))
        .values(outcome=outcome, reviewer=reviewer, closed_at=now)
        .returning(*_COLUMNS)
    ).first()
    return None if row is None else Review(*row)
