"""Dense samples: merged into their day when they arrive, read as columns over a span of days.

A day is a day of the resident's calendar, and `t` counts the seconds of its wall clock. Samples
of a day are stored together in frames of one size a measure, because lengths would tell how
active somebody was.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import Connection

from consent.decision import Permit
from consent.vocabulary import Text
from service.domain.vocabulary.faults import source_of_staff
from service.domain.vocabulary.measures import Measure
from service.domain.vocabulary.record import STAFF_SOURCES
from service.domain.vocabulary.samples import DAY_SECONDS, EMPTY, Columns
from service.domain.vocabulary.series import (
    MOST_SAMPLES,
    SeriesDay,
    check,
    decode_frames,
    encode_frames,
    frame_bytes,
    merge,
)
from service.keys.vault import Vault
from service.kit.errors import Fault, Invalid
from service.kit.sealed import Place, Sealed
from service.records import days
from service.records.days import Frame
from service.records.plan import BEYOND
from service.residents.actions import Profile
from service.residents.store import advance, step_back

TOO_MANY = Text("一次最多十万个样本。", "One call takes at most 100,000 samples.")
FIRST_DAY, LAST_DAY = -(2**31), 2**31 - 1


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of one day of samples. `samples` is how many its day now holds."""

    measure: str | None
    day: date | None
    status: Literal["created", "updated", "unchanged", "rejected"]
    rev: int | None = None
    samples: int | None = None
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Series:
    """Samples of consecutive days; `t` counts seconds from the midnight that began `day`."""

    day: date | None
    samples: Columns


@dataclass(slots=True)
class _Day:
    """One day of one measure while a call is worked through."""

    measure: Measure
    day: date
    shifted: int
    before: Sequence[Frame]
    samples: Columns
    touched: bool = False


_Days = dict[tuple[str, date], _Day]


def append(
    connection: Connection,
    vault: Vault,
    permit: Permit,
    entries: Sequence[Any],
    now: datetime,
    *,
    profile: Profile,
) -> list[Appended]:
    """Merge samples into their days; the same sample twice is one, a newer value wins."""
    _bound(entries)
    zone = ZoneInfo(profile.zone)
    checked = [
        _checked(number, entry, permit, profile, now, zone) for number, entry in enumerate(entries)
    ]
    given = [found for found in checked if isinstance(found, SeriesDay)]
    # Taken first: from here to the commit nobody else writes to this owner.
    rev = advance(connection, permit)
    known = _load(connection, vault, permit, given)
    results = [_take(found, known) for found in checked]
    if not any(day.touched for day in known.values()):
        step_back(connection, permit)
        return results
    _write(connection, vault, permit, known, rev)
    return [
        replace(one, rev=rev) if one.status in ("created", "updated") else one for one in results
    ]


def read(
    connection: Connection,
    vault: Vault,
    permit: Permit,
    measure: Measure,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Series:
    """The samples of a measure from `since` up to `until`, both on the resident's wall clock.

    A permit without the measure's class sees none, as it would see none of a record's values.
    """
    first = None if since is None else since.date()
    last = None if until is None else until.date()
    if permit.window is not None:
        first = max(filter(None, (first, permit.window.first)), default=None)
        last = min(filter(None, (last, permit.window.last)), default=None)
    low = FIRST_DAY if first is None else vault.shift_day(permit.subject, first)
    high = LAST_DAY if last is None else vault.shift_day(permit.subject, last)
    tag = vault.measure_tag(permit.subject, measure.code)
    found = days.between(connection, permit, tag, low, high)
    if not found or measure.data_class not in permit.classes:
        return Series(first, EMPTY)
    origin = first or vault.unshift_day(permit.subject, min(found))
    base = vault.shift_day(permit.subject, origin)
    parts = [(day - base, opened(vault, permit, frames)) for day, frames in found.items()]
    t = np.concatenate([samples.t + offset * DAY_SECONDS for offset, samples in parts])
    v = np.concatenate([samples.v for _, samples in parts])
    return Series(origin, _clipped(Columns(t, v), origin, since, until))


def _clipped(
    samples: Columns, origin: date, since: datetime | None, until: datetime | None
) -> Columns:
    start = 0 if since is None else np.searchsorted(samples.t, _seconds(since, origin), "left")
    end = None if until is None else np.searchsorted(samples.t, _seconds(until, origin), "left")
    return Columns(samples.t[start:end], samples.v[start:end])


def _seconds(moment: datetime, origin: date) -> float:
    """Wall-clock seconds from the midnight of `origin`."""
    return (moment - datetime.combine(origin, datetime.min.time())) / timedelta(seconds=1)


def _bound(entries: Sequence[Any]) -> None:
    sent = 0
    for entry in entries:
        seconds = entry.get("t") if isinstance(entry, Mapping) else None
        sent += len(seconds) if isinstance(seconds, list) else 0
    if sent > MOST_SAMPLES:
        raise Invalid([Fault("/series", "too-many", TOO_MANY)])


def _checked(
    number: int, entry: Any, permit: Permit, profile: Profile, now: datetime, zone: ZoneInfo
) -> SeriesDay | Appended:
    found = check(entry, birth_date=profile.birth_date, sex=profile.sex, now=now, zone=zone)
    if not isinstance(found, SeriesDay):
        base = f"/series/{number}"
        faults = tuple(replace(fault, pointer=base + fault.pointer) for fault in found)
        return Appended(None, None, "rejected", faults=faults)
    if found.measure.data_class not in permit.classes:
        fault = Fault(f"/series/{number}/measure", "not-permitted", BEYOND)
        return Appended(found.measure.code, found.day, "rejected", faults=(fault,))
    if permit.owner and found.source.kind in STAFF_SOURCES:
        fault = source_of_staff(f"/series/{number}")
        return Appended(found.measure.code, found.day, "rejected", faults=(fault,))
    return found


def _load(
    connection: Connection, vault: Vault, permit: Permit, given: Sequence[SeriesDay]
) -> _Days:
    """What is stored of every day the call touches, one statement a measure."""
    wanted: dict[str, dict[date, SeriesDay]] = {}
    for entry in given:
        wanted.setdefault(entry.measure.code, {})[entry.day] = entry
    known: _Days = {}
    for code, entries in wanted.items():
        tag = vault.measure_tag(permit.subject, code)
        shifted = {day: vault.shift_day(permit.subject, day) for day in entries}
        stored = days.listed(connection, permit, tag, list(shifted.values()))
        for day, entry in entries.items():
            frames = stored.get(shifted[day], [])
            samples = opened(vault, permit, frames) if frames else EMPTY
            known[code, day] = _Day(entry.measure, day, shifted[day], frames, samples)
    return known


def _take(found: SeriesDay | Appended, known: _Days) -> Appended:
    if isinstance(found, Appended):
        return found
    held = known[found.measure.code, found.day]
    merged = merge(held.samples, found.samples)
    same = np.array_equal(merged.t, held.samples.t) and np.array_equal(merged.v, held.samples.v)
    status: Literal["created", "updated", "unchanged"] = "unchanged"
    if not same:
        status = "updated" if held.samples.t.size else "created"
        held.samples, held.touched = merged, True
    rev = held.before[0].rev if held.before else None
    return Appended(found.measure.code, found.day, status, rev, int(merged.t.size))


def _write(connection: Connection, vault: Vault, permit: Permit, known: _Days, rev: int) -> None:
    touched = [held for held in known.values() if held.touched]
    days.write(
        connection, permit, [frame for held in touched for frame in _seal(vault, permit, held, rev)]
    )
    for held in touched:
        frames = len(encode_frames(held.measure, held.samples))
        if frames < len(held.before):
            tag = vault.measure_tag(permit.subject, held.measure.code)
            days.remove_from(connection, permit, tag, held.shifted, frames)


def _seal(vault: Vault, permit: Permit, held: _Day, rev: int) -> list[Frame]:
    measure = held.measure
    texts = encode_frames(measure, held.samples)
    measure_tag = vault.measure_tag(permit.subject, measure.code)
    class_tag = vault.class_tag(permit.subject, measure.data_class)
    numbers = range(len(texts))
    bare = [Frame(measure_tag, held.shifted, number, class_tag, rev, b"") for number in numbers]
    places = [place_of(permit.subject, frame, len(texts)) for frame in bare]
    values = zip(places, texts, strict=True)
    sealed = vault.seal_many(permit, measure.data_class, values, frame=frame_bytes(measure))
    return [frame._replace(sealed=one.data) for frame, one in zip(bare, sealed, strict=True)]


def opened(vault: Vault, permit: Permit, frames: Sequence[Frame]) -> Columns:
    """The samples of one day, from all of its frames."""
    subject, count = permit.subject, len(frames)
    sealed = [Sealed(frame.sealed, place_of(subject, frame, count)) for frame in frames]
    return decode_frames(vault.open_many(sealed, permit))


def place_of(resident: UUID, frame: Frame, frames: int) -> Place:
    """How many frames the day has is part of the place: none can be taken away unnoticed."""
    return Place(
        "series_days",
        "sealed",
        resident,
        frames.to_bytes(8, "big") + frame.frame_no.to_bytes(8, "big"),
        frame.day,
        frame.class_tag,
        frame.measure_tag,
        frame.rev,
    )
