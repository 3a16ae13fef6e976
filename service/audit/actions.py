"""Adding to the access log, reading it and proving that nobody changed it.

`append` runs in the transaction of the look itself: when the entry cannot be kept, the look is
rolled back too, and what was read never leaves. Denied attempts are entries as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from service.audit import store
from service.audit.entry import Entry, Head, Logged, link
from service.kit.guard import Crossing, dangerously_without_permit


@dataclass(frozen=True, slots=True)
class Breach:
    """The first entry at which a chain is not as it was written."""

    subject: UUID
    seq: int
    why: str


def append(conn: Connection, entries: Sequence[Entry]) -> None:
    """Keep entries in the order given, whatever number of subjects, in three or four statements."""
    if not entries:
        return
    heads = store.lock_heads(conn, (entry.subject for entry in entries))
    logged = []
    for entry in entries:
        placed = link(entry, heads[entry.subject])
        heads[entry.subject] = Head(placed.seq, placed.hash)
        logged.append(Logged(entry, placed))
    store.add(conn, logged, heads)


def page(
    conn: Connection, subject: UUID, *, before: int | None = None, limit: int = 50
) -> list[Logged]:
    """A resident's entries, newest first; `before` is the last `link.seq` of the page before."""
    return store.of_subject(conn, subject, before=before, limit=limit)


def verify(conn: Connection) -> Breach | None:
    """Recompute every chain; the first broken entry, or None when all are as they were written.

    A log that somebody rewrote from some entry to its end, hashes and heads included, can be told
    only from a copy of a head kept elsewhere (a signed checkpoint).
    """
    store.see_one_moment(conn)
    with dangerously_without_permit(conn, Crossing.VERIFICATION):
        return _first_breach(conn)


def _first_breach(conn: Connection) -> Breach | None:
    ends = store.every_head(conn)
    reached: dict[UUID, Head] = {}
    for one in store.every_entry(conn):
        subject = one.entry.subject
        head = reached.get(subject, Head())
        why = _fault(one, head)
        if why is not None:
            return Breach(subject, head.seq + 1, why)
        reached[subject] = Head(one.link.seq, one.link.hash)
    return _cut(ends, reached)


def _fault(one: Logged, head: Head) -> str | None:
    expected = link(one.entry, head)
    if one.link.seq != expected.seq:
        return "an entry is missing before this one"
    if one.link.previous_hash != expected.previous_hash:
        return "this entry does not follow the one before it"
    if one.link.hash != expected.hash:
        return "this entry was changed"
    return None


def _cut(ends: dict[UUID, Head], reached: dict[UUID, Head]) -> Breach | None:
    for subject in sorted(ends.keys() | reached.keys(), key=lambda one: one.bytes):
        end, last = ends.get(subject, Head()), reached.get(subject, Head())
        if end.seq > last.seq:
            return Breach(subject, last.seq + 1, "the chain was cut after the entry before")
        if end != last:
            return Breach(subject, last.seq, "the end of the chain is not this entry")
    return None
