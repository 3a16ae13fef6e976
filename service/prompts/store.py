"""The only SQL on prompts. Reading statements check the permit's revision like those on records."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    Connection,
    Integer,
    LargeBinary,
    and_,
    bindparam,
    delete,
    false,
    func,
    literal_column,
    null,
    select,
    union_all,
)
from sqlalchemy.dialects import postgresql, sqlite

from consent.decision import Permit
from service.kit.prepared import Prepared, Row
from service.kit.sealed import NO_TAG, Place, Sealed
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


def _upsert(module: Any, table: Any, keys: list[str], fresh: list[str]) -> Prepared:
    # Never an older revision over a newer one: a prompt assessed while somebody wrote is late.
    statement = module.insert(table)
    values = {name: statement.excluded[name] for name in fresh}
    late = table.c.rev > statement.excluded.rev
    return Prepared(statement.on_conflict_do_update(index_elements=keys, set_=values, where=~late))


_DIALECTS = {"sqlite": sqlite, "postgresql": postgresql}
_FILE = {
    name: _upsert(module, latest, ["resident_id", "class_tag"], ["rev", "sealed"])
    for name, module in _DIALECTS.items()
}
_KEEP = {
    name: _upsert(module, prompt_now, ["resident_id"], ["rev", "sealed"])
    for name, module in _DIALECTS.items()
}
_APPEND = {
    name: _upsert(module, prompt_history, ["resident_id", "rev", "day"], ["sealed"])
    for name, module in _DIALECTS.items()
}


_PROFILE_ROW, _SLOT_ROW, _PART_ROW = range(3)
"""What a row of the desk is."""


def _desk(length: int) -> Prepared:
    """Profile, slots and named records in one statement, each row marked with what it is."""
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
    return Prepared(union_all(profile, slot, record))


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


class Line(NamedTuple):
    """One stored change of the level or the index."""

    rev: int
    day: int
    sealed: bytes


def slot_place(resident: UUID, tag: bytes, rev: int) -> Place:
    return Place("latest", "sealed", resident, bytes(16), class_tag=tag, revision=rev)


def now_place(resident: UUID, rev: int) -> Place:
    return Place("prompt_now", "sealed", resident, bytes(16), revision=rev)


def line_place(resident: UUID, day: int, rev: int) -> Place:
    return Place("prompt_history", "sealed", resident, bytes(16), day, revision=rev)


def desk(
    connection: Connection, permit: Permit, keys: Sequence[bytes]
) -> tuple[ProfileRow, list[Slot], list[Part]]:
    """What a write needs: the profile, every slot, and the parts of at most 1,000 records."""
    length = listed(len(keys))
    parameters = _good(permit) | key_parameters(keys, length)
    profile = None
    slots_: list[Slot] = []
    parts: list[Part] = []
    for what, key, tag, day, rev, deleted, sealed in _DESK[length].rows(connection, parameters):
        if what == _SLOT_ROW:
            slots_.append(Slot(bytes(tag), rev, bytes(sealed)))
        elif what == _PART_ROW:
            parts.append(Part(bytes(key), bytes(tag), day, rev, bool(deleted), bytes(sealed)))
        elif sealed is not None:
            profile = ProfileRow(bytes(sealed), rev)
    if profile is None:
        raise Withdrawn
    return profile, slots_, parts


def slots(connection: Connection, permit: Permit) -> list[Slot]:
    """Every slot of a resident, the head's among them."""
    rows = _checked(_SLOTS.rows(connection, _good(permit)))
    return [Slot(bytes(tag), rev, bytes(text)) for _, tag, rev, text in rows if tag is not None]


def stored(connection: Connection, permit: Permit) -> Stored:
    rev, sealed, newest, profile_rev = _checked(_NOW.rows(connection, _good(permit)))[0]
    return Stored(rev, None if sealed is None else bytes(sealed), max(newest or 0, profile_rev))


def history(connection: Connection, permit: Permit, low: int, high: int) -> list[Line]:
    """Changes filed between two shifted days, oldest first."""
    rows = _checked(_HISTORY.rows(connection, {**_good(permit), "low": low, "high": high}))
    return [Line(rev, day, bytes(text)) for _, rev, day, text in rows if text is not None]


def file(connection: Connection, resident: UUID, fresh: Iterable[Slot]) -> None:
    """Replace slots. After `advance`, or at registration."""
    owner = resident.bytes
    rows = [
        {"resident_id": owner, "class_tag": slot.tag, "rev": slot.rev, "sealed": slot.sealed}
        for slot in fresh
    ]
    _FILE[connection.dialect.name].run_many(connection, rows)


def keep(connection: Connection, resident: UUID, rev: int, sealed: Sealed) -> None:
    """Store a whole prompt, assessed from slots of at most `rev`."""
    row = {"resident_id": resident.bytes, "rev": rev, "sealed": sealed.data}
    _KEEP[connection.dialect.name].run(connection, row)


def drop(connection: Connection, resident: UUID) -> None:
    """Forget the whole prompt: the next one who asks for it has it made anew."""
    connection.execute(delete(prompt_now).where(prompt_now.c.resident_id == resident))


def append(connection: Connection, resident: UUID, line: Line) -> None:
    """Add a line of history; two changes of one day under one `rev` end as one line."""
    row = {"resident_id": resident.bytes, **line._asdict()}
    _APPEND[connection.dialect.name].run(connection, row)


def _good(permit: Permit) -> dict[str, Any]:
    return {"resident": permit.subject.bytes, "revision": permit.revision}


def _checked(rows: Sequence[Row]) -> Sequence[Row]:
    if not rows:
        raise Withdrawn
    return rows
