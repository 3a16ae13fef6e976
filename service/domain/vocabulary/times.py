"""Instants and days as people send them."""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from service.domain.vocabulary.faults import Faults

CLOCK_SKEW = timedelta(minutes=5)
"""How far a phone's clock may run ahead of ours."""

_RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class Times(NamedTuple):
    """When a record began and, where it lasted, ended. Both are aware."""

    start: datetime
    end: datetime | None


def parse_instant(raw: object) -> datetime | None:
    """An RFC 3339 instant with an explicit offset, or None."""
    if not isinstance(raw, str) or not _RFC3339.fullmatch(raw):
        return None
    try:
        instant = datetime.fromisoformat(raw.upper())
    except ValueError:
        return None
    # Far ends of the calendar overflow when they are moved to another zone.
    return instant if 2 <= instant.year <= 9998 else None


def parse_day(raw: object) -> date | None:
    """A calendar day written YYYY-MM-DD, or None."""
    if not isinstance(raw, str) or not _DAY.fullmatch(raw):
        return None
    try:
        return date.fromisoformat(raw)
    except ValueError:
        return None


def read_times(
    faults: Faults, raw: Mapping[str, Any], *, birth_date: date, now: datetime, zone: ZoneInfo
) -> Times | None:
    """`start` and `end` of a record: neither in the future nor before birth, in this order."""
    if raw.get("start") is None:
        faults.add("/start", "required")
        return None
    start = _read_instant(faults, "/start", raw["start"], now)
    end = None
    if raw.get("end") is not None:
        end = _read_instant(faults, "/end", raw["end"], now)
    if start is None:
        return None
    if start.astimezone(zone).date() < birth_date:
        faults.add("/start", "before-birth")
    if end is not None and end < start:
        faults.add("/end", "end-before-start")
    return Times(start, end)


def _read_instant(faults: Faults, pointer: str, raw: Any, now: datetime) -> datetime | None:
    instant = parse_instant(raw)
    if instant is None:
        faults.add(pointer, "bad-time")
    elif instant > now + CLOCK_SKEW:
        faults.add(pointer, "future")
    return instant
