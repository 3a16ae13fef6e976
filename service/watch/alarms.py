"""Which looks are unusual, by rules that are data: pure, from an entry and what came before it.

What an alarm says follows from the entries alone, so it is worked out whenever somebody reads them
and is kept nowhere: nobody who can hide an entry's alarm could not as well hide the entry.
"""

import tomllib
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.resources import files
from typing import Any, NamedTuple

from consent.vocabulary import ActorKind, Text
from service.kit.clock import CITY_ZONE, city_day


class Look(NamedTuple):
    """What an alarm needs to know of an entry."""

    seq: int
    at: datetime
    actor_kind: str
    actor_id: str
    decision: str
    rule: str


@dataclass(frozen=True, slots=True)
class Before:
    """What a resident's log held: each person's first permitted look, and the looks of a time.

    `looks` come in the order of their numbers and reach back at least a day before the entries that
    are judged.
    """

    firsts: Mapping[str, int]
    looks: Sequence[Look]

    def to(self, look: Look) -> Sequence[Look]:
        """The looks before this one."""
        return self.looks[: bisect_left(self.looks, look.seq, key=lambda one: one.seq)]


@dataclass(frozen=True, slots=True)
class Alarm:
    """A rule: `id` and `text` are shown; with `notice` the resident is also told by a notice."""

    id: str
    text: Text
    notice: bool
    actors: frozenset[ActorKind]
    holds: Callable[[Look, Before], bool]


REACH = timedelta(days=1, hours=1)
"""How far back of an entry the forms below look."""


def raised(look: Look, before: Before) -> list[Alarm]:
    """The alarms of one entry, in the order of their table."""
    return [one for one in ALARMS if look.actor_kind in one.actors and one.holds(look, before)]


def news(look: Look, before: Before) -> list[Alarm]:
    """Those to be told of: no earlier entry of that day and person raised the same."""
    found = [alarm for alarm in raised(look, before) if alarm.notice]
    if not found:
        return []
    day = city_day(look.at)
    known = {
        alarm.id
        for one in before.to(look)
        if one.actor_id == look.actor_id and city_day(one.at) == day
        for alarm in raised(one, before)
    }
    return [alarm for alarm in found if alarm.id not in known]


# -- the forms of rules --------------------------------------------------------------------------


def _first(row: Mapping[str, Any]) -> Callable[[Look, Before], bool]:
    return lambda look, before: (
        look.decision == "allow" and before.firsts.get(look.actor_id) == look.seq
    )


def _hours(row: Mapping[str, Any]) -> Callable[[Look, Before], bool]:
    start, end = int(row["from"]), int(row["to"])

    def holds(look: Look, before: Before) -> bool:
        hour = look.at.astimezone(CITY_ZONE).hour
        return look.decision == "allow" and (hour >= start or hour < end)

    return holds


def _many(row: Mapping[str, Any]) -> Callable[[Look, Before], bool]:
    looks = int(row["looks"])

    def holds(look: Look, before: Before) -> bool:
        if look.decision != "allow":
            return False
        day = city_day(look.at)
        earlier = sum(
            one.actor_id == look.actor_id and one.decision == "allow" and city_day(one.at) == day
            for one in before.to(look)
        )
        return earlier >= looks

    return holds


def _rules(row: Mapping[str, Any]) -> Callable[[Look, Before], bool]:
    rules = frozenset(row["rules"])
    return lambda look, before: look.decision == "allow" and look.rule in rules


def _refused(row: Mapping[str, Any]) -> Callable[[Look, Before], bool]:
    attempts, span = int(row["attempts"]), timedelta(minutes=row["minutes"])

    def holds(look: Look, before: Before) -> bool:
        if look.decision != "deny":
            return False
        earlier = sum(
            one.decision == "deny" and look.at - one.at <= span for one in before.to(look)
        )
        return earlier + 1 >= attempts

    return holds


_FORMS = {"first": _first, "hours": _hours, "many": _many, "rules": _rules, "refused": _refused}


def _read() -> tuple[Alarm, ...]:
    text = files("service.watch").joinpath("data", "alarms.toml").read_text("utf-8")
    return tuple(
        Alarm(
            id=row["id"],
            text=Text(row["zh"], row["en"]),
            notice=row["notice"],
            actors=frozenset(map(ActorKind, row["actors"])),
            holds=_FORMS[row["form"]](row),
        )
        for row in tomllib.loads(text)["alarm"]
    )


ALARMS = _read()


# -- a practitioner's day ------------------------------------------------------------------------

TIMES_USUAL = 3
FEW = 30
"""Patients a day that are usual for everybody; who has read for fewer days has no other measure."""
DAYS_KNOWN = 3


def usual(past_days: Sequence[int]) -> float:
    """How many patients a practitioner reads on a day, from the days on which they read any."""
    if len(past_days) < DAYS_KNOWN:
        return FEW
    return max(FEW, sum(past_days) / len(past_days))


def is_crossing(before: int, now: int, past_days: Sequence[int]) -> bool:
    """Whether just now three times the usual number of patients was passed."""
    limit = TIMES_USUAL * usual(past_days)
    return before <= limit < now
