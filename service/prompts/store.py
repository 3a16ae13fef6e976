"""The only SQL on prompts. Reading statements check the permit's revision like those on records."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    LargeBinary,
    Table,
    and_,
    bindparam,
    delete,
    false,
    func,
    literal_column,
    null,
    select,
    union_all,
    update,
)

from consent.decision import Permit
from service.kit.prepared import Prepared, Row
from service.kit.sealed import NO_TAG, Place, Sealed
from service.kit.upsert import Upsert
from service.prompts.tables import latest, prompt_history, prompt_now
from service.records.store import LISTS, Part, key_parameters, listed
from service.records.tables import record_parts
from service.residents.store import ProfileRow, Withdrawn
from service.residents.tables import resident_state, residents

HEAD = NO_TAG
"""Tag of the head's slot: every resident has exactly one, so it may look alike everywhere."""

_RESIDENT = bindparam("resident", type_=LargeBinary)
_GOOD = and_(
    resident_state.c.resident_id == _RESIDENT,
    resident_state.c.consent_revision == bindparam("revision", type_=Integer),
)
_SLOTS = Prepared(
    select(resident_state.c.rev, latest.c.class_tag, latest.c.rev, latest.c.sealed)
    .select_from(
        resident_state.outerjoin(latest, latest.c.resident_id == resident_state.c.resident_id)
    )
    .where(_GOOD)
)
_LAST = Prepared(
    select(prompt_history.c.rev, prompt_history.c.day, prompt_history.c.sealed)
    .join(resident_state, resident_state.c.resident_id == prompt_history.c.resident_id)
    .where(_GOOD)
    .order_by(prompt_history.c.rev.desc(), prompt_history.c.day.desc())
    .limit(1)
)
_NOW = Prepared(
    select(
        prompt_now.c.rev,
        prompt_now.c.sealed,
        select(func.max(latest.c.rev))
        .where(latest.c.resident_id == resident_state.c.resident_id)
        .scalar_subquery(),
        residents.c.profile_rev,
    )
    .select_from(
        resident_state.join(
            residents, residents.c.resident_id == resident_state.c.resident_id
        ).outerjoin(prompt_now, prompt_now.c.resident_id == resident_state.c.resident_id)
    )
    .where(_GOOD)
)
_HISTORY = Prepared(
    select(
        resident_state.c.rev,
        prompt_history.c.rev,
        prompt_history.c.day,
        prompt_history.c.sealed,
    )
    .select_from(
        resident_state.outerjoin(
            prompt_history,
            and_(
                prompt_history.c.resident_id == resident_state.c.resident_id,
                prompt_history.c.day >= bindparam("low", type_=Integer),
                prompt_history.c.day <= bindparam("high", type_=Integer),
            ),
        )
    )
    .where(_GOOD)
    .order_by(prompt_history.c.rev, prompt_history.c.day)
)


def _upsert(table: Table, keys: Sequence[str], fresh: Sequence[str]) -> Upsert:
    # Never an older revision over a newer one: a prompt assessed while somebody wrote is late.
    return Upsert(table, keys, fresh, unless=lambda new: table.c.rev > new.rev)


_FILE = _upsert(latest, ["resident_id", "class_tag"], ["rev", "sealed"])
_KEEP = _upsert(prompt_now, ["resident_id"], ["rev", "sealed"])
_APPEND = _upsert(prompt_history, ["resident_id", "rev", "day"], ["sealed"])
_MOVE = Prepared(
    update(prompt_history)
    .where(
        prompt_history.c.resident_id == _RESIDENT,
        prompt_history.c.rev == bindparam("from_rev", type_=BigInteger),
        prompt_history.c.day == bindparam("on_day", type_=Integer),
    )
    .values(
        rev=bindparam("to_rev", type_=BigInteger),
        sealed=bindparam("text", type_=LargeBinary),
    )
)


_PROFILE_ROW, _SLOT_ROW, _PART_ROW, _DAY_ROW = range(4)
"""What a row of the desk is."""


def _desk(length: int) -> Prepared:
    """Profile, slots, named records and the last day of history in one statement.

    Each row is marked with what it is.
    """
    good = select(resident_state.c.resident_id).where(_GOOD).cte("good")
    nothing, zero, no = null().cast(LargeBinary), literal_column("0", Integer), false()
    keys = [bindparam(f"key{n}", type_=LargeBinary) for n in range(length)]
    part = record_parts.c
    profile = select(
        literal_column(str(_PROFILE_ROW)).label("what"),
        nothing.label("record_key"),
        nothing.label("class_tag"),
        zero.label("day"),
        residents.c.profile_rev.label("rev"),
        no.label("deleted"),
        residents.c.sealed_profile.label("sealed"),
    ).join(good, good.c.resident_id == residents.c.resident_id)
    slot = select(
        literal_column(str(_SLOT_ROW)),
        nothing,
        latest.c.class_tag,
        zero,
        latest.c.rev,
        no,
        latest.c.sealed,
    ).join(good, good.c.resident_id == latest.c.resident_id)
    record = (
        select(
            literal_column(str(_PART_ROW)),
            part.record_key,
            part.class_tag,
            part.day,
            part.rev,
            part.deleted,
            part.sealed,
        )
        .join(good, good.c.resident_id == part.resident_id)
        .where(part.record_key.in_(keys))
    )
    newest = (
        select(prompt_history.c.rev, prompt_history.c.day, prompt_history.c.sealed)
        .join(good, good.c.resident_id == prompt_history.c.resident_id)
        .order_by(prompt_history.c.rev.desc(), prompt_history.c.day.desc())
        .limit(1)
        .subquery()
    )
    last = select(
        literal_column(str(_DAY_ROW)),
        nothing,
        nothing,
        newest.c.day,
        newest.c.rev,
        no,
        newest.c.sealed,
    )
    return Prepared(union_all(profile, slot, record, last))


_DESK = {length: _desk(length) for length in LISTS}


class Slot(NamedTuple):
    """One stored frame of a resident."""

    tag: bytes
    rev: int
    sealed: bytes


class Stored(NamedTuple):
    """The stored prompt, and the newest `rev` of what it is made from (readings, profile)."""

    rev: int | None
    sealed: bytes | None
    newest: int


class Day(NamedTuple):
    """One stored day of history: under which `rev`, on which shifted day."""

    rev: int
    day: int
    sealed: bytes


def slot_place(resident: UUID, tag: bytes, rev: int) -> Place:
    return Place("latest", "sealed", resident, bytes(16), class_tag=tag, revision=rev)


def now_place(resident: UUID, rev: int) -> Place:
    return Place("prompt_now", "sealed", resident, bytes(16), revision=rev)


def day_place(resident: UUID, day: int, rev: int) -> Place:
    return Place("prompt_history", "sealed", resident, bytes(16), day, revision=rev)


class Laid(NamedTuple):
    """What a write needs of what is stored."""

    profile: ProfileRow
    slots: Sequence[Slot]
    parts: Sequence[Part]
    last: Sequence[Day]
    """The last day of history; empty before the first."""


def desk(connection: Connection, permit: Permit, keys: Sequence[bytes]) -> Laid:
    """What a write needs, with the parts of at most 1,000 records."""
    length = listed(len(keys))
    parameters = _good(permit) | key_parameters(keys, length)
    profile = None
    last: list[Day] = []
    slots_: list[Slot] = []
    parts: list[Part] = []
    for what, key, tag, day, rev, deleted, sealed in _DESK[length].rows(connection, parameters):
        if what == _SLOT_ROW:
            slots_.append(Slot(bytes(tag), rev, bytes(sealed)))
        elif what == _PART_ROW:
            parts.append(Part(bytes(key), bytes(tag), day, rev, bool(deleted), bytes(sealed)))
        elif what == _DAY_ROW:
            last.append(Day(rev, day, bytes(sealed)))
        elif sealed is not None:
            profile = ProfileRow(bytes(sealed), rev)
    if profile is None:
        raise Withdrawn
    return Laid(profile, slots_, parts, last)


def slots(connection: Connection, permit: Permit) -> list[Slot]:
    """Every slot of a resident, the head's among them."""
    rows = _checked(_SLOTS.rows(connection, _good(permit)))
    return [Slot(bytes(tag), rev, bytes(text)) for _, tag, rev, text in rows if tag is not None]


def last(connection: Connection, permit: Permit) -> Sequence[Day]:
    """The last day of history; empty before the first."""
    rows = _LAST.rows(connection, _good(permit))
    return [Day(rev, day, bytes(text)) for rev, day, text in rows]


def stored(connection: Connection, permit: Permit) -> Stored:
    rev, sealed, newest, profile_rev = _checked(_NOW.rows(connection, _good(permit)))[0]
    return Stored(rev, None if sealed is None else bytes(sealed), max(newest or 0, profile_rev))


def history(connection: Connection, permit: Permit, low: int, high: int) -> list[Day]:
    """The history of two shifted days and all between, oldest first."""
    rows = _checked(_HISTORY.rows(connection, {**_good(permit), "low": low, "high": high}))
    return [Day(rev, day, bytes(text)) for _, rev, day, text in rows if text is not None]


def file(connection: Connection, resident: UUID, fresh: Iterable[Slot]) -> None:
    """Replace slots. After `advance`, or at registration."""
    owner = resident.bytes
    rows = [
        {"resident_id": owner, "class_tag": slot.tag, "rev": slot.rev, "sealed": slot.sealed}
        for slot in fresh
    ]
    _FILE.run_many(connection, rows)


def keep(connection: Connection, resident: UUID, rev: int, sealed: Sealed) -> None:
    """Store a whole prompt, assessed from slots of at most `rev`."""
    row = {"resident_id": resident.bytes, "rev": rev, "sealed": sealed.data}
    _KEEP.run(connection, row)


def drop(connection: Connection, resident: UUID) -> None:
    """Forget the whole prompt: the next one who asks for it has it made anew."""
    connection.execute(delete(prompt_now).where(prompt_now.c.resident_id == resident))


def append(connection: Connection, resident: UUID, filed: Day) -> None:
    """Put a day of history under its `rev`, over the one that is there."""
    row = {"resident_id": resident.bytes, **filed._asdict()}
    _APPEND.run(connection, row)


def move(connection: Connection, resident: UUID, before: Day, after: Day) -> None:
    """Put a day of history as it is at a later `rev` in the place of what it was."""
    _MOVE.run(
        connection,
        {
            "resident": resident.bytes,
            "from_rev": before.rev,
            "on_day": before.day,
            "to_rev": after.rev,
            "text": after.sealed,
        },
    )


def _good(permit: Permit) -> dict[str, Any]:
    return {"resident": permit.subject.bytes, "revision": permit.revision}


def _checked(rows: Sequence[Row]) -> Sequence[Row]:
    if not rows:
        raise Withdrawn
    return rows
