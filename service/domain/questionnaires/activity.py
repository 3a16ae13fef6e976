"""IPAQ short form: which answers make a week, and why a week is not scored."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from consent.vocabulary import Text
from service.domain.risk import activity

KINDS = {"vigorous": "vigorous", "moderate": "moderate", "walking": "walk"}
"""The kinds of activity as the form calls them, and as the calculator does."""

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


class Judged(NamedTuple):
    """Tenths of MET-minutes a week; `excluded` says why there are none."""

    excluded: Reason | None
    met_tenths: int = 0
    level: str = "low"
    parts: Mapping[str, int] = {}
    missing: tuple[str, ...] = ()


def judge(method: Mapping[str, Any], answers: Mapping[str, int]) -> Judged:
    """The week that answers tell of, by the rules of the calculator `physical_activity`."""
    missing: list[str] = []
    week: activity.Week = {}
    for kind, (days_item, minutes_item) in method["items"].items():
        days = answers.get(days_item)
        # Nobody is asked for the time of what they never did.
        minutes = 0 if days == 0 else answers.get(minutes_item)
        if days is None or minutes is None:
            missing += [name for name in (days_item, minutes_item) if name not in answers]
        else:
            week[KINDS[kind]] = activity.Bout(days, minutes)
    if missing:
        return Judged("missing", missing=tuple(missing))
    if activity.unusable(week):
        return Judged("too-long")
    kept = activity.truncated(activity.cleaned(week))
    tenths = activity.met_tenths(kept)
    parts = {kind: round(tenths[known]) for kind, known in KINDS.items()}
    return Judged(None, sum(parts.values()), activity.category(kept), parts)
