"""The only SQL on the access log. Nothing here changes or deletes an entry."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Table, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from consent.vocabulary import Action, ActorKind, Purpose
from service.audit.entry import Entry, Head, Link, Logged
from service.audit.tables import access_heads, access_log

_PAGE = 1000


def lock_heads(conn: Connection, subjects: Iterable[UUID]) -> dict[UUID, Head]:
    """The head of each subject's chain, locked until the commit, in the order of the ids.

    A chain begins with an empty head, so that two processes that add the first entry of one subject
    wait for each other as for any later entry.
    """
    wanted = sorted(set(subjects), key=_bytes)
    heads = _heads(conn, wanted)
    missing = [subject for subject in wanted if subject not in heads]
    if missing:
        empty = Head()
        rows = [{"resident_id": one, "seq": empty.seq, "hash": empty.hash} for one in missing]
        conn.execute(_insert(conn, access_heads).on_conflict_do_nothing(), rows)
        heads |= _heads(conn, missing)
    return heads


def add(conn: Connection, logged: Sequence[Logged], heads: dict[UUID, Head]) -> None:
    """Keep entries and move the heads, one statement each."""
    conn.execute(access_log.insert(), [_row(one) for one in logged])
    statement: Any = _insert(conn, access_heads)
    moved = statement.on_conflict_do_update(
        index_elements=[access_heads.c.resident_id],
        set_={"seq": statement.excluded.seq, "hash": statement.excluded.hash},
    )
    conn.execute(
        moved,
        [
            {"resident_id": subject, "seq": heads[subject].seq, "hash": heads[subject].hash}
            for subject in sorted(heads, key=_bytes)
        ],
    )


def of_subject(
    conn: Connection, subject: UUID, *, before: int | None = None, limit: int = 50
) -> list[Logged]:
    """Entries of one subject, newest first; `before` is the last sequence number of a page."""
    wanted = select(access_log).where(access_log.c.resident_id == subject)
    if before is not None:
        wanted = wanted.where(access_log.c.seq < before)
    rows = conn.execute(wanted.order_by(access_log.c.seq.desc()).limit(limit))
    return [_logged(row) for row in rows]


def see_one_moment(conn: Connection) -> None:
    """Let all that follows in this transaction see one state, whatever is added meanwhile.

    SQLite always does. On PostgreSQL it must be said before the transaction begins.
    """
    if conn.dialect.name == "postgresql" and not conn.in_transaction():
        conn.execution_options(isolation_level="REPEATABLE READ")


def every_entry(conn: Connection) -> Iterator[Logged]:
    """All chains one after the other, each from its first entry, in pages of 1,000."""
    ids = access_log.c.resident_id, access_log.c.seq
    wanted = select(access_log).order_by(*ids).limit(_PAGE)
    rows = conn.execute(wanted).all()
    while rows:
        yield from (_logged(row) for row in rows)
        last = rows[-1]
        # The database may not compare pairs with an index alike, so the pair is spelled out.
        rest = (ids[0] > last.resident_id) | ((ids[0] == last.resident_id) & (ids[1] > last.seq))
        rows = conn.execute(wanted.where(rest)).all()


def every_head(conn: Connection) -> dict[UUID, Head]:
    """The stored end of every chain."""
    rows = conn.execute(select(access_heads))
    return {row.resident_id: Head(row.seq, bytes(row.hash)) for row in rows}


def _heads(conn: Connection, subjects: Sequence[UUID]) -> dict[UUID, Head]:
    ids = access_heads.c.resident_id
    rows = conn.execute(
        select(access_heads).where(ids.in_(subjects)).order_by(ids).with_for_update()
    )
    return {row.resident_id: Head(row.seq, bytes(row.hash)) for row in rows}


def _bytes(subject: UUID) -> bytes:
    return subject.bytes


def _insert(conn: Connection, table: Table) -> Any:
    insert: Any = sqlite_insert if conn.dialect.name == "sqlite" else postgresql_insert
    return insert(table)


def _row(logged: Logged) -> dict[str, Any]:
    entry, (seq, previous_hash, hash_) = logged
    return {
        "resident_id": entry.subject,
        "seq": seq,
        "at": entry.at,
        "actor_kind": str(entry.actor_kind),
        "actor_id": entry.actor_id,
        "actor_name": entry.actor_name,
        "on_behalf_of": entry.on_behalf_of,
        "automatic": entry.automatic,
        "action": str(entry.action),
        "purpose": str(entry.purpose),
        "classes": entry.classes,
        "decision": entry.decision,
        "rule": entry.rule,
        "grant_id": entry.grant_id,
        "revision": entry.revision,
        "request_id": entry.request_id,
        "row_count": entry.row_count,
        "previous_hash": previous_hash,
        "hash": hash_,
    }


def _logged(row: Any) -> Logged:
    entry = Entry(
        at=row.at,
        actor_kind=ActorKind(row.actor_kind),
        actor_id=row.actor_id,
        actor_name=row.actor_name,
        on_behalf_of=row.on_behalf_of,
        automatic=row.automatic,
        subject=row.resident_id,
        action=Action(row.action),
        purpose=Purpose(row.purpose),
        classes=bytes(row.classes),
        decision=row.decision,
        rule=row.rule,
        grant_id=row.grant_id,
        revision=row.revision,
        request_id=row.request_id,
        row_count=row.row_count,
    )
    return Logged(entry, Link(row.seq, bytes(row.previous_hash), bytes(row.hash)))
