"""Dense samples: is this a day of a series? And the columns and frames such a day becomes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from service.domain import life
from service.domain.vocabulary import units
from service.domain.vocabulary.faults import Faults, is_number
from service.domain.vocabulary.frames import (
    decode,
    decode_frames,
    encode,
    encode_frames,
    frame_bytes,
)
from service.domain.vocabulary.measures import MEASURES, Measure
from service.domain.vocabulary.record import Source
from service.domain.vocabulary.records import read_source
from service.domain.vocabulary.samples import (
    DAY_SECONDS,
    EMPTY,
    SCALE,
    Buckets,
    Columns,
    Resolution,
    columns,
    merge,
    ordered,
    resample,
)
from service.domain.vocabulary.times import CLOCK_SKEW, parse_day
from service.domain.vocabulary.varints import Damaged
from service.kit.errors import Fault

__all__ = [
    "Buckets",
    "Columns",
    "Damaged",
    "Resolution",
    "SeriesDay",
    "check",
    "columns",
    "decode",
    "decode_frames",
    "encode",
    "encode_frames",
    "frame_bytes",
    "merge",
    "resample",
]

MEMBERS = frozenset({"measure", "day", "source", "t", "v", "unit"})
MOST_SAMPLES = 100_000
"""Samples of one call (api.md)."""


@dataclass(frozen=True, slots=True)
class SeriesDay:
    """Checked samples of one measure on one day where the person lives."""

    measure: Measure
    day: date
    source: Source
    samples: Columns


def check(
    raw: Any,
    *,
    birth_date: date,
    sex: str,
    now: datetime,
    zone: ZoneInfo = life.CITY_ZONE,
) -> SeriesDay | list[Fault]:
    """The day that `raw` describes, or its faults with pointers relative to it.

    `unit` is optional and speaks for all of `v`. `now` is aware; `zone` decides what day it is.
    """
    faults = Faults()
    if not isinstance(raw, Mapping):
        faults.add("", "wrong-type")
        return list(faults)
    faults.add_unknown(raw, MEMBERS)
    measure = _read_measure(faults, raw.get("measure"), sex)
    day = _read_day(faults, raw.get("day"))
    source = read_source(faults, raw.get("source"))
    unit = raw.get("unit")
    if unit is not None and not isinstance(unit, str):
        faults.add("/unit", "wrong-type")
    if faults or measure is None or day is None:
        return list(faults)
    samples = _read_columns(faults, measure, raw.get("t"), raw.get("v"), unit)
    _check_day(faults, day, samples, birth_date=birth_date, now=now, zone=zone)
    return list(faults) if faults else SeriesDay(measure, day, source, samples)


def _read_measure(faults: Faults, raw: Any, sex: str) -> Measure | None:
    measure = MEASURES.get(raw) if isinstance(raw, str) else None
    if measure is None:
        faults.add("/measure", "required" if raw is None else "unknown-measure")
    elif measure.storage != "series":
        faults.add("/measure", "not-a-series")
    elif measure.sex is not None and measure.sex != sex:
        faults.add("/measure", "wrong-sex")
    return measure


def _read_day(faults: Faults, raw: Any) -> date | None:
    day = parse_day(raw)
    if day is None:
        faults.add("/day", "required" if raw is None else "bad-day")
    return day


def _read_columns(faults: Faults, measure: Measure, t: Any, v: Any, unit: str | None) -> Columns:
    """The columns a client sent, in the measure's unit; what is wrong goes to `faults`."""
    if not isinstance(t, list) or not isinstance(v, list):
        faults.add("/t" if not isinstance(t, list) else "/v", "wrong-type")
        return EMPTY
    if len(t) != len(v):
        faults.add("/v", "length-mismatch")
    if max(len(t), len(v)) > MOST_SAMPLES:
        faults.add("/t", "too-many")
    if faults:
        return EMPTY
    for number, second in enumerate(t):
        if type(second) is not int or not 0 <= second < DAY_SECONDS:
            faults.add(f"/t/{number}", "not-a-second")
            return EMPTY
    for number, value in enumerate(v):
        if not is_number(value):
            faults.add(f"/v/{number}", "not-a-number")
            return EMPTY
    return _checked_range(
        faults, measure, Columns(np.array(t, np.int64), np.array(v, np.float64)), unit
    )


def _checked_range(faults: Faults, measure: Measure, sent: Columns, unit: str | None) -> Columns:
    try:
        rule = units.conversion(measure, unit)
    except units.UnitFault:
        faults.add("/unit", "unknown-unit")
        return EMPTY
    with np.errstate(over="ignore"):
        values = np.rint((sent.v * rule.factor + rule.offset) * SCALE) / SCALE
    low, high = measure.plausible
    outside = np.zeros(values.size, bool)
    if low is not None:
        outside |= values < low
    if high is not None:
        outside |= values > high
    if outside.any():
        faults.add(f"/v/{int(np.argmax(outside))}", "out-of-range")
        return EMPTY
    return ordered(sent.t, values)


def _check_day(
    faults: Faults,
    day: date,
    samples: Columns,
    *,
    birth_date: date,
    now: datetime,
    zone: ZoneInfo = life.CITY_ZONE,
) -> None:
    """Samples lie neither before birth nor more than five minutes ahead of `now`."""
    if day < birth_date:
        faults.add("/day", "before-birth")
    local = (now + CLOCK_SKEW).astimezone(zone)
    seconds = local.hour * 3600 + local.minute * 60 + local.second
    if day > local.date():
        faults.add("/day", "future")
    elif day == local.date() and samples.t.size and int(samples.t[-1]) > seconds:
        faults.add("/t", "future")
