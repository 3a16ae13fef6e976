"""The only SQL of watching the access log, of which it reads and changes nothing."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from service.audit.tables import access_log
from service.kit.errors import IntegrityBroken
from service.watch.alarms import Before, Look
from service.watch.tables import access_readers, access_watch

_THE_ROW = 1
_LOOK = tuple(access_log.c[name] for name in Look._fields)


def before(conn: Connection, subject: UUID, since: datetime, last: int) -> Before:
    """What the log held of a resident from `since` to entry `last`, and everybody's first look."""
    mine, c = access_log.c.resident_id == subject, access_log.c
    firsts = (
        select(c.actor_id, func.min(c.seq)).where(mine, c.decision == "allow").group_by(c.actor_id)
    )
    looks = select(*_LOOK).where(mine, c.at >= since, c.seq <= last).order_by(c.seq)
    return Before(
        firsts={row[0]: row[1] for row in conn.execute(firsts)},
        looks=[Look(*row) for row in conn.execute(looks)],
    )


def lock(conn: Connection) -> int:
    """The next entry to look through; whoever watches comes one by one."""
    locked = select(access_watch.c.leaf).where(access_watch.c.id == _THE_ROW).with_for_update()
    found = conn.execute(locked).scalar_one_or_none()
    if found is None:
        _upsert(conn, access_watch, ["id"], {"id": _THE_ROW, "leaf": 0}, {"id": _THE_ROW})
        found = conn.execute(locked).scalar_one_or_none()
    if found is None:
        raise IntegrityBroken
    return int(found)


def move(conn: Connection, leaf: int) -> None:
    conn.execute(update(access_watch).values(leaf=leaf))


def fresh(conn: Connection, leaf: int, limit: int) -> list[Any]:
    """Entries from a place of the tree on: `leaf`, `resident_id`, `actor_name` and a look's."""
    c = access_log.c
    wanted = select(c.leaf, c.resident_id, c.actor_name, *_LOOK).where(c.leaf >= leaf)
    return list(conn.execute(wanted.order_by(c.leaf).limit(limit)))


def days(conn: Connection, actor: str, since: int, before_day: int) -> list[int]:
    """How many patients a practitioner read on each day of a span on which they read any."""
    c = access_readers.c
    span = (c.actor_id == actor) & (c.day >= since) & (c.day < before_day)
    return [row[0] for row in conn.execute(select(c.patients).where(span))]


def count(conn: Connection, actor: str, day: int, patients: int) -> int:
    """Add patients to a practitioner's day; how many there are now."""
    row = {"actor_id": actor, "day": day, "patients": patients}
    more = {"patients": access_readers.c.patients + patients}
    _upsert(conn, access_readers, ["actor_id", "day"], row, more)
    c = access_readers.c
    found = select(c.patients).where(c.actor_id == actor, c.day == day)
    return int(conn.execute(found).scalar_one())


def _upsert(
    conn: Connection,
    table: Any,
    keys: Collection[str],
    row: dict[str, Any],
    change: dict[str, Any],
) -> None:
    insert: Any = sqlite_insert if conn.dialect.name == "sqlite" else postgresql_insert
    statement = insert(table).values(row)
    conn.execute(statement.on_conflict_do_update(index_elements=list(keys), set_=change))


def looks(rows: Iterable[Any]) -> list[Look]:
    """The looks of fresh rows."""
    return [Look(*(getattr(row, name) for name in Look._fields)) for row in rows]
