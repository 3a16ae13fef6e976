"""The only SQL on clinics and posts."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from service.clinics.tables import clinics, practitioner_posts
from service.kit.ids import new_id

OUT_OF_OFFICE = "out-of-office"
"""In the history alone: from here on somebody is let in no more."""


class Clinic(NamedTuple):
    clinic_id: UUID
    name: str


class Post(NamedTuple):
    """Where somebody works and as what; nobody who was disabled works anywhere."""

    practitioner_id: UUID
    clinic_id: UUID | None
    role: str


_CLINIC = (clinics.c.clinic_id, clinics.c.name)


def clinic(conn: Connection, clinic_id: UUID) -> Clinic | None:
    row = conn.execute(select(*_CLINIC).where(clinics.c.clinic_id == clinic_id)).first()
    return None if row is None else Clinic(*row)


def found_or_made(conn: Connection, name: str, normal_name: str) -> Clinic:
    """The clinic of this normal name. Two who make it at once get the same one."""
    insert = sqlite_insert if conn.dialect.name == "sqlite" else postgresql_insert
    row = {"clinic_id": new_id(), "name": name, "normal_name": normal_name}
    conn.execute(insert(clinics).values(row).on_conflict_do_nothing())
    found = conn.execute(select(*_CLINIC).where(clinics.c.normal_name == normal_name)).one()
    return Clinic(*found)


def keep_post(conn: Connection, post: Post, since: datetime) -> None:
    """Add a post to the history; a second one of the very same instant takes the first's place."""
    insert = sqlite_insert if conn.dialect.name == "sqlite" else postgresql_insert
    statement = insert(practitioner_posts).values(**post._asdict(), since=since)
    newer = {"clinic_id": post.clinic_id, "role": post.role}
    keys = [practitioner_posts.c.practitioner_id, practitioner_posts.c.since]
    conn.execute(statement.on_conflict_do_update(index_elements=keys, set_=newer))


def last_since(conn: Connection, practitioner_id: UUID) -> datetime | None:
    """Since when somebody has their last post, or none any more; None before their first."""
    mine = practitioner_posts.c.practitioner_id == practitioner_id
    query = select(func.max(practitioner_posts.c.since)).where(mine)
    since: datetime | None = conn.execute(query).scalar_one()
    return since


def post_at(conn: Connection, practitioner_id: UUID, at: datetime) -> Post | None:
    """The post somebody had at that instant; None before their first and out of office."""
    mine = practitioner_posts.c.practitioner_id == practitioner_id
    latest = (
        select(func.max(practitioner_posts.c.since))
        .where(mine, practitioner_posts.c.since <= at)
        .scalar_subquery()
    )
    query = select(
        practitioner_posts.c.practitioner_id,
        practitioner_posts.c.clinic_id,
        practitioner_posts.c.role,
    ).where(mine, practitioner_posts.c.since == latest)
    row = conn.execute(query).first()
    return None if row is None or row.role == OUT_OF_OFFICE else Post(*row)
