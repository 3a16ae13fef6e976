"""IPAQ short form: MET-minutes a week and the three categories, cleaned before they are summed."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from consent.vocabulary import Text

Reason = Literal["missing", "too-long"]
WHY: Mapping[Reason, Text] = {
    "missing": Text(
        "天数或时间未填，按规则不计分。", "A number of days or a time is missing: not scored."
    ),
    "too-long": Text(
        "三类活动合计每天超过960分钟，按规则不计分。",
        "The three kinds together exceed 960 minutes a day: not scored.",
    ),
}


class Week(NamedTuple):
    """Days a week and minutes on one of them, cleaned."""

    days: int
    minutes: int


class Judged(NamedTuple):
    """Tenths of MET-minutes a week; `excluded` says why there are none."""

    excluded: Reason | None
    met_tenths: int = 0
    level: str = "low"
    parts: Mapping[str, int] = {}
    missing: tuple[str, ...] = ()


def judge(method: Mapping[str, Any], answers: Mapping[str, int]) -> Judged:
    missing, raw = [], {}
    for kind, (days_item, minutes_item) in method["items"].items():
        days = answers.get(days_item)
        # Nobody is asked for the time of what they never did.
        minutes = 0 if days == 0 else answers.get(minutes_item)
        if days is None or minutes is None:
            missing += [name for name in (days_item, minutes_item) if name not in answers]
        else:
            raw[kind] = Week(days, minutes)
    if missing:
        return Judged("missing", missing=tuple(missing))
    if sum(week.minutes for week in raw.values()) > method["longest_day_min"]:
        return Judged("too-long")
    weeks = {kind: _cleaned(method, week) for kind, week in raw.items()}
    parts = {
        kind: method["met_tenths"][kind] * week.days * week.minutes for kind, week in weeks.items()
    }
    total = sum(parts.values())
    return Judged(None, total, _level(weeks, total, parts["vigorous"]), parts)


def _cleaned(method: Mapping[str, Any], week: Week) -> Week:
    """Too short a time counts as none, on no day; too long a time is cut."""
    if week.minutes < method["least_min"]:
        return Week(0, 0)
    return Week(week.days, min(week.minutes, method["most_min"]))


def _level(weeks: Mapping[str, Week], met_tenths: int, vigorous_tenths: int) -> str:
    """The 1500 MET-minutes are those of vigorous activity alone, as in the calculator."""
    vigorous, moderate, walking = (weeks[kind] for kind in ("vigorous", "moderate", "walking"))
    days = vigorous.days + moderate.days + walking.days
    if (vigorous.days >= 3 and vigorous_tenths >= 15_000) or (days >= 7 and met_tenths >= 30_000):
        return "high"
    half_hours = sum(week.days for week in (moderate, walking) if week.minutes >= 30)
    if (
        (vigorous.days >= 3 and vigorous.minutes >= 20)
        or half_hours >= 5
        or (days >= 5 and met_tenths >= 6_000)
    ):
        return "moderate"
    return "low"
