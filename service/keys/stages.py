"""Where each version of the root key stands: added, primary, outgoing, retired, destroyed.

The provider knows which versions there are and which one wraps; the keystore remembers since when,
because every step of a rotation waits until all processes have seen the one before it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, text
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from service.keys.tables import kek_check, ring_keys, root_key_versions, system_keys

ADDED = "added"
"""Every process may meet it; nothing is wrapped by it yet."""
PRIMARY = "primary"
"""It wraps what is new."""
OUTGOING = "outgoing"
"""It only opens, until everything is wrapped by the primary."""
RETIRED = "retired"
"""Nothing is wrapped by it, and the keystore admits nothing that is."""
DESTROYED = "destroyed"

_version = root_key_versions.c


class Outgrown(Exception):
    """Something was wrapped by a version that is retired: reload the root key and wrap it again."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One version, its stage, and since when it stands there."""

    version: int
    stage: str
    since: datetime


def lock(conn: Connection) -> None:
    """Let nobody else move a version before the commit; keys are added all the same."""
    if conn.dialect.name == "postgresql":
        conn.execute(text("LOCK TABLE root_key_versions IN SHARE ROW EXCLUSIVE MODE"))


def standings(conn: Connection) -> list[Standing]:
    """Every version that a rotation has touched, oldest first."""
    rows = conn.execute(select(root_key_versions).order_by(_version.version))
    return [Standing(row.version, row.stage, row.since) for row in rows]


def put(conn: Connection, version: int, stage: str, now: datetime) -> Standing:
    """Move a version to a stage."""
    insert = sqlite_insert if conn.dialect.name == "sqlite" else postgresql_insert
    row = insert(root_key_versions).values(version=version, stage=stage, since=now)
    conn.execute(
        row.on_conflict_do_update(index_elements=["version"], set_={"stage": stage, "since": now})
    )
    return Standing(version, stage, now)


def admit(conn: Connection, versions: Iterable[int]) -> None:
    """Raise Outgrown when one of these is retired; none retires before this transaction ends.

    Without it a process that missed a rotation could keep a key under a version that is being
    destroyed at that moment.
    """
    asked = select(_version.stage).where(_version.version.in_(set(versions)))
    for stage in conn.scalars(asked.with_for_update(read=True)):
        if stage in (RETIRED, DESTROYED):
            raise Outgrown


def wrapped_by(conn: Connection) -> dict[int, int]:
    """How many keyrings and system keys each version wraps."""
    found: dict[int, int] = {}
    for table in (ring_keys, system_keys):
        counted = select(table.c.kek_version, func.count()).group_by(table.c.kek_version)
        for version, count in conn.execute(counted):
            found[version] = found.get(version, 0) + count
    return found


def forget_check(conn: Connection, version: int) -> None:
    """No longer ask of a root key that it has this version."""
    conn.execute(kek_check.delete().where(kek_check.c.version == version))
