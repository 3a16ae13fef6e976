"""How often somebody may come: token buckets of one process, a dict and an addition for each.

The generic cell rate algorithm: a bucket is one number, the time at which it would be full again.
Each worker process has buckets of its own, so a service of N workers lets N times as much pass;
what must not be multiplied, failed passwords, is counted in the database (`identity.attempts`).
"""

from typing import NamedTuple


class Limit(NamedTuple):
    """So many a second for long, and so many at once after a quiet while."""

    rate: float
    burst: int


LIMITS = {
    "subject": Limit(20, 200),
    "door": Limit(5, 100),
    "sign-up": Limit(0.5, 50),
    "code": Limit(2, 60),
    "export": Limit(1 / 60, 10),
}
"""By subject: every signed-in request, and exports, which read everything. By address: doors that
need no sign-in, sign-up, and codes. An address may be a whole clinic's, or a mobile network's, so
those are wide."""
ROUNDING = 1e-5
"""Seconds since 1970 as a float are good to a quarter of a microsecond; sums of them to less."""
REMEMBERED = 50_000
"""Buckets kept; beyond that the full ones are forgotten, which changes nothing for anybody."""


class Limits:
    """The buckets. Used on the event loop's thread alone, so it takes no lock."""

    def __init__(self, *, on: bool = True, limits: dict[str, Limit] | None = None) -> None:
        self._on = on
        # Seconds that one request costs, and how far ahead of now a bucket may stand.
        self._costs = {
            name: (1 / limit.rate, (limit.burst - 1) / limit.rate + ROUNDING)
            for name, limit in (limits or LIMITS).items()
        }
        self._full_again: dict[tuple[str, object], float] = {}

    def wait(self, name: str, who: object, now: float) -> float:
        """Zero, and one request is charged; or the seconds until one will pass, and none is."""
        if not self._on:
            return 0.0
        cost, room = self._costs[name]
        ahead = self._full_again.get((name, who), now) - now
        if ahead <= 0.0:
            ahead = 0.0
        elif ahead > room:
            return ahead - room
        self._full_again[name, who] = now + ahead + cost
        if len(self._full_again) > REMEMBERED:
            self._forget(now)
        return 0.0

    def _forget(self, now: float) -> None:
        kept = {who: full for who, full in self._full_again.items() if full > now}
        # A flood from more addresses than are remembered must not fill the memory either.
        self._full_again = {} if len(kept) > REMEMBERED // 2 else kept
