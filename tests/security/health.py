"""What people of the cohorts report: values that differ as they do between such people.

Active or lying in bed, HIV positive or negative, swinging between extremes or steady: the same
measures at the same instants, in notes of the same lengths.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import uuid4

from service.kit.clock import CITY_ZONE


class Sort(NamedTuple):
    """Which cohorts somebody is of."""

    active: bool
    positive: bool
    swinging: bool


SORTS = tuple(Sort(*(bool(number & bit) for bit in (1, 2, 4))) for number in range(8))


@dataclass
class Body:
    """One resident's health: it drifts from visit to visit, or swings."""

    sort: Sort
    dice: random.Random
    device: str
    ill: float = field(init=False)
    """From 0 (well) to 1 (at the worst)."""

    def __post_init__(self) -> None:
        base = 0.15 if self.sort.active else 0.5
        self.ill = base + self.dice.uniform(-0.1, 0.1)
        self._visit = -1
        self._source = {"kind": "device", "name": self.device}

    def comes(self, visit: int) -> None:
        """Live on until a visit: the steady drift a little, the swinging change sides."""
        if visit <= self._visit:
            return
        self._visit = visit
        if self.sort.swinging:
            low, high = (0.0, 0.8) if self.sort.active else (0.2, 1.0)
            # Low for two visits: a level falls when the second one says so too.
            self.ill = low if visit % 3 else high
        else:
            self.ill = min(1.0, max(0.0, self.ill + self.dice.uniform(-0.04, 0.04)))

    def near(self, well: float, ill: float, spread: float) -> float:
        return well + (ill - well) * self.ill + self.dice.uniform(-spread, spread)

    def report(self, kind: str, note: int, at: datetime) -> dict[str, Any]:
        """A record as a client sends it."""
        start = at.astimezone(CITY_ZONE).isoformat()
        if kind == "illness":
            code = "asthma" if self.sort.active else "hypertension"
            told: dict[str, Any] = {"kind": "condition", "code": code, "status": "active"}
        else:
            told = {"kind": "observation", "values": self.values(kind), "source": self._source}
        words = "".join(self.dice.choice("天气心情好累早晚") for _ in range(note))
        return {"id": str(uuid4()), "start": start, "note": words} | told

    def values(self, kind: str) -> dict[str, Any]:
        if kind == "pressure":
            return {
                "systolic_bp": round(self.near(108, 185, 5)),
                "diastolic_bp": round(self.near(68, 112, 4)),
                "body_weight": round(self.near(58, 96, 1), 1),
                "body_height": 168,
            }
        if kind == "lipids":
            return {
                "ldl_c": round(self.near(1.8, 5.6, 0.3), 1),
                "hdl_c": round(self.near(1.7, 0.8, 0.1), 1),
                "total_cholesterol": round(self.near(3.9, 7.4, 0.3), 1),
            }
        if kind == "sugar":
            return {"glucose_fasting": round(self.near(4.7, 9.4, 0.3), 1)}
        if kind == "habits":
            return {
                "moderate_activity_week": 0
                if not self.sort.active
                else self.dice.randrange(90, 400),
                "sleep_duration": round(self.near(470, 330, 20)),
                "vegetable_intake": round(self.near(420, 90, 20)),
                "fruit_intake": round(self.near(260, 20, 15)),
                "salt_intake": round(self.near(4, 14, 1), 1),
                "smoking_status": "never" if self.ill < 0.6 else "every day",
            }
        told = "positive" if self.sort.positive else "negative"
        if kind == "screen":
            return {"hiv_screen": told}
        return {"hbsag": "negative", "hcv_antibody": told}

    def worn(self, last: date, days: int) -> Iterator[dict[str, Any]]:
        """Steps of every quarter of an hour and heart rates of every five minutes."""
        for back in range(days):
            day = (last - timedelta(days=back)).isoformat()
            quarters, fives = list(range(0, 86_400, 900)), list(range(0, 86_400, 300))
            walked = [self.dice.randrange(900) if self.sort.active else 0 for _ in quarters]
            rates = [58 + self.dice.randrange(90 if self.sort.active else 6) for _ in fives]
            yield {
                "measure": "steps",
                "day": day,
                "source": self._source,
                "t": quarters,
                "v": walked,
            }
            yield {
                "measure": "heart_rate",
                "day": day,
                "source": self._source,
                "t": fives,
                "v": rates,
            }
