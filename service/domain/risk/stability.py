"""The level that is shown: it rises at once and falls only when two assessments agree.

`stability` of the five-level mapping: a fall needs two assessments at least fourteen days apart
that agree, with none in between that says otherwise. An alarming reading stands outside: it shows
the level of its row at once and is gone with a repeated normal reading. Without data there is no
level, at once. What is compared are unrounded values, because levels are made from those.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from .catalogue import MODELS

APART = timedelta(days=MODELS["five_level_mapping"].parameters["fall_apart_days"])


class Fall(NamedTuple):
    """The level that will be shown from an instant on, if assessments stay as they are."""

    level: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Steady:
    """The level held, and for lower levels since when every assessment was at most that level.

    `since` is sorted by level and holds levels below `level` only; a lower level never has an
    earlier instant than a higher one.
    """

    level: int | None = None
    since: tuple[tuple[int, datetime], ...] = ()

    @property
    def pending(self) -> Fall | None:
        """The next fall; of two on the same instant the deeper one."""
        falls = [Fall(level, instant + APART) for level, instant in self.since]
        return min(falls, key=lambda fall: (fall.at, fall.level), default=None)


def steadied(before: Steady, computed: int | None, now: datetime) -> Steady:
    """What is held after an assessment at `now` found `computed`; itself when nothing moved.

    Total: any level may follow any, and a clock that went back lets nothing fall earlier.
    """
    if computed is None or before.level is None or computed >= before.level:
        # Agreement with a lower level ends as soon as an assessment says the level itself.
        after = Steady(computed)
        return before if after == before else after
    known = dict(before.since)
    since = {level: known.get(level, now) for level in range(computed, before.level)}
    ripe = [level for level, instant in since.items() if now - instant >= APART]
    level = min(ripe, default=before.level)
    after = Steady(level, tuple((low, since[low]) for low in sorted(since) if low < level))
    return before if after == before else after
