"""The only SQL on days of dense samples. Reading statements check the permit's revision."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Integer, LargeBinary, and_, bindparam, delete, select, true

from consent.decision import Permit
from service.kit.prepared import Prepared, Row
from service.kit.upsert import Upsert
from service.records.tables import series_days
from service.residents.store import Withdrawn
from service.residents.tables import resident_state

LISTS = (1, 8, 64, 512)
"""Lengths for which a statement with a list of days is compiled."""

_day = series_days.c
_RESIDENT = bindparam("resident", type_=LargeBinary)
_MEASURE = bindparam("measure_tag", type_=LargeBinary)
_GOOD = and_(
    resident_state.c.resident_id == _RESIDENT,
    resident_state.c.consent_revision == bindparam("revision", type_=Integer),
)


class Frame(NamedTuple):
    """One stored frame of a day. Frames of one day are written together and share a `rev`."""

    measure_tag: bytes
    day: int
    frame_no: int
    class_tag: bytes
    rev: int
    sealed: bytes


def _reading(days: Any) -> Prepared:
    joined = resident_state.outerjoin(
        series_days,
        and_(_day.resident_id == resident_state.c.resident_id, _day.measure_tag == _MEASURE, days),
    )
    columns = (_day.measure_tag, _day.day, _day.frame_no, _day.class_tag, _day.rev, _day.sealed)
    return Prepared(
        select(resident_state.c.rev, *columns)
        .select_from(joined)
        .where(_GOOD)
        .order_by(_day.day, _day.frame_no)
    )


def _following() -> Prepared:
    columns = (_day.measure_tag, _day.day, _day.frame_no, _day.class_tag, _day.rev, _day.sealed)
    found = (
        select(*columns)
        .where(
            _day.resident_id == _RESIDENT,
            _day.measure_tag == _MEASURE,
            _day.day > bindparam("after", type_=Integer),
        )
        .order_by(_day.day, _day.frame_no)
        .limit(bindparam("most", type_=Integer))
        .subquery("found")
    )
    return Prepared(
        select(resident_state.c.rev, *(found.c[column.name] for column in columns))
        .select_from(resident_state.outerjoin(found, true()))
        .where(_GOOD)
        .order_by(found.c.day, found.c.frame_no)
    )


_LISTED = {
    length: _reading(_day.day.in_([bindparam(f"day{n}", type_=Integer) for n in range(length)]))
    for length in LISTS
}
_BETWEEN = _reading(
    and_(_day.day >= bindparam("low", type_=Integer), _day.day <= bindparam("high", type_=Integer))
)
_FOLLOWING = _following()
_UPSERT = Upsert(
    series_days,
    ["resident_id", "measure_tag", "day", "frame_no"],
    ["class_tag", "rev", "sealed"],
)
_REMOVE = Prepared(
    delete(series_days).where(
        _day.resident_id == _RESIDENT,
        _day.measure_tag == _MEASURE,
        _day.day == bindparam("on", type_=Integer),
        _day.frame_no >= bindparam("first", type_=Integer),
    )
)


def listed(
    connection: Connection, permit: Permit, measure_tag: bytes, days: Sequence[int]
) -> dict[int, list[Frame]]:
    """The frames of these shifted days of a measure."""
    found: dict[int, list[Frame]] = {}
    for start in range(0, len(days), LISTS[-1]):
        chunk = days[start : start + LISTS[-1]]
        length = next(length for length in LISTS if length >= len(chunk))
        parameters = _good(permit, measure_tag)
        for n in range(length):
            parameters[f"day{n}"] = chunk[min(n, len(chunk) - 1)]
        found |= _frames(_LISTED[length].rows(connection, parameters))
    return found


def between(
    connection: Connection, permit: Permit, measure_tag: bytes, low: int, high: int
) -> dict[int, list[Frame]]:
    """The frames of a measure from one shifted day to another, earliest first."""
    parameters = {**_good(permit, measure_tag), "low": low, "high": high}
    return _frames(_BETWEEN.rows(connection, parameters))


def following(
    connection: Connection, permit: Permit, measure_tag: bytes, *, after: int, most: int
) -> dict[int, list[Frame]]:
    """At most `most` frames of a measure of the days that follow one, earliest first."""
    parameters = {**_good(permit, measure_tag), "after": after, "most": most}
    return _frames(_FOLLOWING.rows(connection, parameters))


def write(connection: Connection, permit: Permit, frames: Iterable[Frame]) -> None:
    """Insert frames, replacing what was in their place. After `advance` only."""
    resident = permit.subject.bytes
    _UPSERT.run_many(connection, [{"resident_id": resident, **frame._asdict()} for frame in frames])


def remove_from(
    connection: Connection, permit: Permit, measure_tag: bytes, day: int, first: int
) -> None:
    """Remove the frames of a day from number `first` on. After `advance` only."""
    parameters = {"resident": permit.subject.bytes, "measure_tag": measure_tag}
    _REMOVE.run(connection, {**parameters, "on": day, "first": first})


def remove_class(connection: Connection, permit: Permit, tag: bytes) -> None:
    """Remove every day of every measure of one class. After `advance` only."""
    connection.execute(
        delete(series_days).where(_day.resident_id == permit.subject, _day.class_tag == tag)
    )


def _good(permit: Permit, measure_tag: bytes) -> dict[str, Any]:
    return {
        "resident": permit.subject.bytes,
        "revision": permit.revision,
        "measure_tag": measure_tag,
    }


def _frames(rows: Sequence[Row]) -> dict[int, list[Frame]]:
    if not rows:
        raise Withdrawn
    found: dict[int, list[Frame]] = defaultdict(list)
    for _, measure_tag, day, number, class_tag, rev, sealed in rows:
        if day is not None:
            found[day].append(
                Frame(bytes(measure_tag), day, number, bytes(class_tag), rev, bytes(sealed))
            )
    return found
