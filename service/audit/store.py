"""Reading the access log; what adds to it is in `service.audit.additions`."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Integer,
    LargeBinary,
    and_,
    func,
    select,
    type_coerce,
)

from consent.vocabulary import Action, ActorKind, Purpose
from service.audit.entry import Entry, Head, Link, Logged, canonical
from service.audit.heads import BUCKET_BITS, Chain, bucket_of
from service.audit.tables import (
    access_buckets,
    access_checkpoints,
    access_heads,
    access_log,
    access_nodes,
    access_tree,
)
from service.audit.tree import HASH_BYTES, TILE_HEIGHT, Edge, Node, leaf_hash, root_of
from service.kit.column_types import EPOCH, Instant, UuidBytes

_PAGE = 1000
TREE = 1
"""The id of the one tree's row."""
_TILE = 1 << TILE_HEIGHT


@dataclass(frozen=True, slots=True)
class State:
    """The tree as its row tells it, and how many checkpoints were made of it."""

    edge: Edge
    checkpoints: int


class Leaf(NamedTuple):
    """What the tree takes of an entry."""

    leaf: int
    subject: UUID
    seq: int
    hash: bytes


class Signed(NamedTuple):
    """A checkpoint as it was kept."""

    number: int
    size: int
    at: datetime
    text: str


def of_subject(
    conn: Connection, subject: UUID, *, before: int | None = None, limit: int = 50
) -> list[Logged]:
    """Entries of one subject, newest first; `before` is the last sequence number of a page."""
    wanted = select(access_log).where(access_log.c.resident_id == subject)
    if before is not None:
        wanted = wanted.where(access_log.c.seq < before)
    rows = conn.execute(wanted.order_by(access_log.c.seq.desc()).limit(limit))
    return [_logged(row, row.resident_id, row.at, row.grant_id, row.automatic) for row in rows]


def tree(conn: Connection) -> State | None:
    """The state of the tree; None where its row is missing."""
    row = conn.execute(select(access_tree).where(access_tree.c.id == TREE)).one_or_none()
    return None if row is None else state_of(row.size, row.edge, row.checkpoints)


def every_row(conn: Connection) -> Iterator[Any]:
    """All chains one after the other, each from its first entry, in pages of 1,000.

    Rows are as the driver gives them, so that one which no longer holds an entry is met as well.
    """
    ids = type_coerce(access_log.c.resident_id, LargeBinary), access_log.c.seq
    wanted = select(*(_raw(column) for column in access_log.c)).order_by(*ids).limit(_PAGE)
    rows = conn.execute(wanted).all()
    while rows:
        yield from rows
        last = rows[-1]
        # The database may not compare pairs with an index alike, so the pair is spelled out.
        rest = (ids[0] > last.resident_id) | ((ids[0] == last.resident_id) & (ids[1] > last.seq))
        rows = conn.execute(wanted.where(rest)).all()


def logged_of(row: Any) -> Logged:
    """The entry of a raw row; ValueError, TypeError or OverflowError where it holds none."""
    if row.automatic not in (0, 1):
        raise ValueError("neither yes nor no")
    grant = None if row.grant_id is None else UUID(bytes=bytes(row.grant_id))
    subject, at = UUID(bytes=bytes(row.resident_id)), EPOCH + timedelta(microseconds=row.at)
    return _logged(row, subject, at, grant, bool(row.automatic))


def ends(conn: Connection) -> dict[bytes, Head]:
    """The stored end of every chain by the bytes of its subject's id."""
    rows = conn.execute(select(*(_raw(column) for column in access_heads.c)))
    return {bytes(row.resident_id): Head(row.seq, bytes(row.hash)) for row in rows}


_PLAIN = {UuidBytes: LargeBinary, Instant: BigInteger, Boolean: Integer}


def _raw(column: Column[Any]) -> Any:
    kind: Any = _PLAIN.get(type(column.type))
    return column if kind is None else type_coerce(column, kind).label(column.name)


def every_text(conn: Connection) -> Iterator[str]:
    """What each entry's hash covers, in the order of the tree."""
    wanted = select(access_log).order_by(access_log.c.leaf).limit(_PAGE)
    rows = conn.execute(wanted).all()
    while rows:
        for row in rows:
            entry, place = _logged(row, row.resident_id, row.at, row.grant_id, row.automatic)
            yield canonical(entry, place.seq, place.leaf).decode()
        rows = conn.execute(wanted.where(access_log.c.leaf > rows[-1].leaf)).all()


def every_leaf(conn: Connection, *, start: int = 0) -> Iterator[Leaf]:
    """The leaves of the tree in their order."""
    c = access_log.c
    wanted = select(c.leaf, c.resident_id, c.seq, c.hash).order_by(c.leaf).limit(_PAGE)
    rows = conn.execute(wanted.where(c.leaf >= start)).all()
    while rows:
        yield from (Leaf(row[0], row[1], row[2], bytes(row[3])) for row in rows)
        rows = conn.execute(wanted.where(c.leaf > rows[-1][0])).all()


def every_head(conn: Connection) -> Iterator[Chain]:
    """The stored end of every chain, in the order of the subjects' ids."""
    found = select(access_heads).order_by(access_heads.c.resident_id)
    return (_chain(row) for row in conn.execute(found.execution_options(yield_per=_PAGE)))


def every_node(conn: Connection) -> Iterator[Node]:
    found = select(access_nodes).order_by(access_nodes.c.level, access_nodes.c.number)
    return (Node(row[0], row[1], bytes(row[2])) for row in conn.execute(found))


def spare_rows(conn: Connection, checkpoint: int | None) -> int:
    """Rows that nobody writes: of another tree, or kept for a checkpoint that is not the newest."""
    trees = select(func.count()).where(access_tree.c.id != TREE)
    other = access_buckets.c.checkpoint != (0 if checkpoint is None else checkpoint)
    return conn.execute(trees).scalar_one() + (
        conn.execute(select(func.count()).where(other)).scalar_one()
    )


def every_checkpoint(conn: Connection) -> list[Any]:
    """Raw rows: `number`, `size`, `at` in microseconds, `text`."""
    found = select(*(_raw(column) for column in access_checkpoints.c))
    return list(conn.execute(found.order_by(access_checkpoints.c.number)))


def between(conn: Connection, start: datetime, end: datetime) -> Iterator[Logged]:
    """Entries of a span of time, in the order of the tree."""
    c = access_log.c
    wanted = select(access_log).where(c.at >= start, c.at < end).order_by(c.leaf).limit(_PAGE)
    rows = conn.execute(wanted).all()
    while rows:
        for row in rows:
            yield _logged(row, row.resident_id, row.at, row.grant_id, row.automatic)
        rows = conn.execute(wanted.where(c.leaf > rows[-1].leaf)).all()


def began(conn: Connection) -> datetime | None:
    """When the first entry was added."""
    c = access_log.c
    return conn.execute(select(c.at).order_by(c.leaf).limit(1)).scalar_one_or_none()


def last_checkpoint(conn: Connection) -> Signed | None:
    found = select(access_checkpoints).order_by(access_checkpoints.c.number.desc()).limit(1)
    row = conn.execute(found).one_or_none()
    return None if row is None else Signed(*row)


def proving(conn: Connection) -> tuple[Signed, list[bytes]] | None:
    """The last checkpoint with what was kept of the heads under it.

    In one statement: the next checkpoint, which may be made at any moment, takes these away.
    """
    number = access_checkpoints.c.number
    kept = access_checkpoints.join(access_buckets, access_buckets.c.checkpoint == number)
    found = select(access_checkpoints, access_buckets.c.hashes).select_from(kept)
    row = conn.execute(found.order_by(number.desc()).limit(1)).one_or_none()
    return None if row is None else (Signed(*row[:-1]), _hashes(row.hashes))


def bucket_roots(conn: Connection, checkpoint: int) -> list[bytes] | None:
    """What was kept of the heads under a checkpoint; None when it is not the newest."""
    wanted = select(access_buckets.c.hashes).where(access_buckets.c.checkpoint == checkpoint)
    found = conn.execute(wanted).scalar_one_or_none()
    return None if found is None else _hashes(found)


def bucket_at(conn: Connection, subject: UUID, size: int) -> list[Chain]:
    """The heads of a subject's bucket as they were under the first `size` leaves."""
    c = access_log.c
    first = bucket_of(subject) << 128 - BUCKET_BITS
    last = first + (1 << 128 - BUCKET_BITS) - 1
    then = (
        select(c.resident_id, func.max(c.seq).label("seq"))
        .where(c.resident_id.between(UUID(int=first), UUID(int=last)), c.leaf < size)
        .group_by(c.resident_id)
        .subquery()
    )
    same = and_(c.resident_id == then.c.resident_id, c.seq == then.c.seq)
    found = select(c.resident_id, c.seq, c.hash).join(then, same).order_by(c.resident_id)
    return [_chain(row) for row in conn.execute(found)]


class Nodes:
    """Hashes of complete subtrees, for proofs; what was read stays for the next proof."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self._tiles: dict[tuple[int, int], list[bytes]] = {}

    def __call__(self, height: int, index: int) -> bytes:
        level, above = divmod(height, TILE_HEIGHT)
        first = index << above
        tile, start = divmod(first, _TILE)
        return root_of(self._tile(level, tile)[start : start + (1 << above)])

    def _tile(self, level: int, tile: int) -> list[bytes]:
        key = (level, tile)
        if key not in self._tiles:
            self._tiles[key] = self._read(level, tile * _TILE)
        return self._tiles[key]

    def _read(self, level: int, first: int) -> list[bytes]:
        if level == 0:
            leaf = access_log.c.leaf
            span = leaf.between(first, first + _TILE - 1)
            rows = self._conn.execute(select(access_log.c.hash).where(span).order_by(leaf))
            return [leaf_hash(bytes(row[0])) for row in rows]
        c = access_nodes.c
        wanted = select(c.hash).where(c.level == level, c.number.between(first, first + _TILE - 1))
        rows = self._conn.execute(wanted.order_by(c.number))
        return [bytes(row[0]) for row in rows]


# -- rows ----------------------------------------------------------------------------------------


def state_of(size: int, edge: bytes, checkpoints: int) -> State:
    """The state that a row of the tree holds."""
    return State(Edge(size, tuple(_hashes(edge))), checkpoints)


def _hashes(joined: bytes) -> list[bytes]:
    return [bytes(joined[at : at + HASH_BYTES]) for at in range(0, len(joined), HASH_BYTES)]


def _chain(row: Any) -> Chain:
    return row.resident_id, Head(row.seq, bytes(row.hash))


def _logged(row: Any, subject: UUID, at: datetime, grant: UUID | None, automatic: bool) -> Logged:
    entry = Entry(
        at=at,
        actor_kind=ActorKind(row.actor_kind),
        actor_id=row.actor_id,
        actor_name=row.actor_name,
        on_behalf_of=row.on_behalf_of,
        automatic=automatic,
        subject=subject,
        action=Action(row.action),
        purpose=Purpose(row.purpose),
        classes=bytes(row.classes),
        decision=row.decision,
        rule=row.rule,
        grant_id=grant,
        revision=row.revision,
        request_id=row.request_id,
        row_count=row.row_count,
    )
    return Logged(entry, Link(row.seq, row.leaf, bytes(row.previous_hash), bytes(row.hash)))
