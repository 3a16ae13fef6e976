"""When to try again, and how long to wait first. Pure: the dice are an argument."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

RETRIED_STATUS = frozenset({429, 502, 503, 504})


@dataclass(frozen=True)
class RetryPolicy:
    """Exponential waits with full jitter: `uniform(0, min(cap, base * 2**attempt))` seconds.

    A `Retry-After` header is a floor under the wait. Only requests that are safe to repeat are
    repeated: reads, and writes whose ids the client chose.
    """

    attempts: int = 4
    base: float = 0.2
    cap: float = 8.0
    longest: float = 60.0

    def wait(
        self,
        attempt: int,
        retry_after: float | None,
        dice: Callable[[float, float], float] = random.uniform,
    ) -> float | None:
        """Seconds before attempt number `attempt + 1` (from 0), or None to give up."""
        if attempt + 1 >= self.attempts:
            return None
        drawn = dice(0.0, min(self.cap, self.base * 2**attempt))
        if retry_after is None:
            return drawn
        return retry_after + drawn if retry_after <= self.longest else None


def retry_after_seconds(header: str | None, now: datetime | None = None) -> float | None:
    """Seconds from a `Retry-After` header in either of its forms, or None."""
    if not header:
        return None
    if header.strip().isdigit():
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())
