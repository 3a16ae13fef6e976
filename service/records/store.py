"""The only SQL on record parts.

Every reading statement starts from the owner's state at the permit's revision and joins the parts
to it: no row at all means the permit is no longer good, a row without a part means there is none.
Writing statements run after `residents.store.advance`, which checks the revision and holds the
owner's row locked until the commit.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    LargeBinary,
    Select,
    and_,
    bindparam,
    delete,
    exists,
    literal,
    select,
    true,
)

from consent.decision import Permit
from service.kit.prepared import Prepared, Row
from service.kit.sealed import NO_TAG
from service.kit.upsert import Upsert
from service.records.tables import record_parts
from service.residents.store import Withdrawn
from service.residents.tables import resident_state

TAGS = 11
"""As many class tags as there are data classes; shorter lists repeat their last one."""
LISTS = (1, 16, 128, 1000)
"""Lengths for which a statement with a list of keys is compiled."""

_part = record_parts.c
_RESIDENT = bindparam("resident", type_=LargeBinary)
_GOOD = and_(
    resident_state.c.resident_id == _RESIDENT,
    resident_state.c.consent_revision == bindparam("revision", type_=Integer),
)
_COLUMNS = (_part.record_key, _part.class_tag, _part.day, _part.rev, _part.deleted, _part.sealed)


class Part(NamedTuple):
    """One stored row: the values of one record in one data class, or its tombstone."""

    record_key: bytes
    class_tag: bytes
    day: int
    rev: int
    deleted: bool
    sealed: bytes


def _with_keys(length: int) -> Prepared:
    keys = [bindparam(f"key{n}", type_=LargeBinary) for n in range(length)]
    joined = resident_state.outerjoin(
        record_parts,
        and_(_part.resident_id == resident_state.c.resident_id, _part.record_key.in_(keys)),
    )
    return Prepared(select(resident_state.c.rev, *_COLUMNS).select_from(joined).where(_GOOD))


def _newest() -> Select[Any]:
    tags = [bindparam(f"tag{n}", type_=LargeBinary) for n in range(TAGS)]
    return (
        select(_part.resident_id, *_COLUMNS)
        .where(
            _part.resident_id == _RESIDENT,
            _part.day >= bindparam("low", type_=Integer),
            _part.day <= bindparam("high", type_=Integer),
            _part.class_tag.in_(tags),
        )
        .order_by(_part.day.desc())
        .limit(bindparam("most", type_=Integer))
    )


def _by_key() -> Prepared:
    tags = [bindparam(f"tag{n}", type_=LargeBinary) for n in range(TAGS)]
    found = (
        select(_part.resident_id, *_COLUMNS)
        .where(
            _part.resident_id == _RESIDENT,
            _part.record_key > bindparam("after", type_=LargeBinary),
            _part.class_tag.in_(tags),
        )
        .order_by(_part.record_key, _part.class_tag)
        .limit(bindparam("most", type_=Integer))
        .subquery("found")
    )
    columns = [found.c[column.name] for column in _COLUMNS]
    joined = resident_state.outerjoin(found, true())
    return Prepared(
        select(resident_state.c.rev, *columns)
        .select_from(joined)
        .where(_GOOD)
        .order_by(found.c.record_key, found.c.class_tag)
    )


def _by_day() -> Prepared:
    newest = _newest().subquery("newest")
    columns = [newest.c[column.name] for column in _COLUMNS]
    joined = resident_state.outerjoin(newest, true())
    return Prepared(
        select(resident_state.c.rev, *columns)
        .select_from(joined)
        .where(_GOOD)
        .order_by(newest.c.day.desc())
    )


_WITH_KEYS = {length: _with_keys(length) for length in LISTS}
_BY_DAY = _by_day()
_BY_KEY = _by_key()
_UPSERT = Upsert(
    record_parts,
    ["resident_id", "record_key", "class_tag"],
    ["day", "rev", "deleted", "sealed"],
)
_REMOVE = Prepared(
    delete(record_parts).where(
        _part.resident_id == _RESIDENT,
        _part.record_key == bindparam("record_key", type_=LargeBinary),
        _part.rev < bindparam("below", type_=BigInteger),
    )
)


def existing(
    connection: Connection, permit: Permit, keys: Sequence[bytes]
) -> dict[bytes, list[Part]]:
    """All parts of the records that are there, of every class, tombstones included."""
    found: dict[bytes, list[Part]] = {}
    for start in range(0, len(keys), LISTS[-1]):
        chunk = keys[start : start + LISTS[-1]]
        length = listed(len(chunk))
        parameters = _good(permit) | key_parameters(chunk, length)
        found |= by_record(_parts(_WITH_KEYS[length].rows(connection, parameters)))
    return found


def listed(keys: int) -> int:
    """The length of the shortest compiled list that holds so many keys, 1 to 1,000."""
    return next(length for length in LISTS if length >= keys)


def key_parameters(keys: Sequence[bytes], length: int) -> dict[str, Any]:
    """Parameters `key0`, `key1`, ... of a list; the last key fills what is left of it."""
    return {f"key{n}": keys[min(n, len(keys) - 1)] for n in range(length)}


def by_record(parts: Iterable[Part]) -> dict[bytes, list[Part]]:
    found: dict[bytes, list[Part]] = defaultdict(list)
    for part in parts:
        found[part.record_key].append(part)
    return found


def newest(
    connection: Connection,
    permit: Permit,
    tags: Sequence[bytes],
    *,
    low: int,
    high: int,
    most: int,
) -> list[Part]:
    """At most `most` parts with one of these tags, shifted days `high` down to `low`."""
    parameters = _good(permit) | _tagged(tags) | {"low": low, "high": high, "most": most}
    return _parts(_BY_DAY.rows(connection, parameters))


def following(
    connection: Connection, permit: Permit, tags: Sequence[bytes], *, after: bytes, most: int
) -> list[Part]:
    """At most `most` parts with one of these tags, of the records whose keys follow `after`."""
    parameters = _good(permit) | _tagged(tags) | {"after": after, "most": most}
    return _parts(_BY_KEY.rows(connection, parameters))


def write(connection: Connection, permit: Permit, parts: Iterable[Part]) -> None:
    """Insert parts, replacing what was in their place. After `advance` only."""
    resident = permit.subject.bytes
    _UPSERT.run_many(connection, [{"resident_id": resident, **part._asdict()} for part in parts])


def remove_older(connection: Connection, permit: Permit, record_key: bytes, rev: int) -> None:
    """Remove what is left of a record from before `rev`. After `advance` only."""
    _REMOVE.run(
        connection, {"resident": permit.subject.bytes, "record_key": record_key, "below": rev}
    )


def remove_class(connection: Connection, permit: Permit, tag: bytes, rev: int) -> None:
    """Remove every part of one class. After `advance` only.

    Of a record that had no other part its tombstone stays, so that a device does not bring it back.
    """
    mine = record_parts.alias("mine")
    others = record_parts.alias("others")
    alone = select(
        mine.c.resident_id,
        mine.c.record_key,
        literal(NO_TAG, LargeBinary),
        literal(0, Integer),
        literal(rev, BigInteger),
        true(),
        literal(b"", LargeBinary),
    ).where(
        mine.c.resident_id == permit.subject,
        mine.c.class_tag == tag,
        ~exists().where(
            others.c.resident_id == mine.c.resident_id,
            others.c.record_key == mine.c.record_key,
            others.c.class_tag != tag,
        ),
    )
    names = ["resident_id", "record_key", "class_tag", "day", "rev", "deleted", "sealed"]
    connection.execute(record_parts.insert().from_select(names, alone))
    connection.execute(
        delete(record_parts).where(_part.resident_id == permit.subject, _part.class_tag == tag)
    )


def tombstone(record_key: bytes, rev: int) -> Part:
    """What stays of a deleted record: that it is gone, for devices that still hold it."""
    return Part(record_key, NO_TAG, 0, rev, True, b"")


def _tagged(tags: Sequence[bytes]) -> dict[str, Any]:
    return {f"tag{n}": tags[min(n, len(tags) - 1)] for n in range(TAGS)}


def _good(permit: Permit) -> dict[str, Any]:
    return {"resident": permit.subject.bytes, "revision": permit.revision}


def _parts(rows: list[Row]) -> list[Part]:
    if not rows:
        raise Withdrawn
    return [
        Part(bytes(key), bytes(tag), day, rev, bool(deleted), bytes(sealed))
        for _, key, tag, day, rev, deleted, sealed in rows
        if key is not None
    ]
