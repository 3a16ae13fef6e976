"""Requests as bytes, made before the clock runs."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from service.kit.ids import new_id

SOURCE = {"kind": "device", "name": "Omron J750"}
Dice = np.random.Generator


def post(path: str, token: str, body: Any) -> bytes:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
    )
    return head.encode() + text


def get(path: str, token: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n".encode()


def pressure(dice: Dice, at: datetime) -> dict[str, Any]:
    """A blood pressure at home. Each is newer than the last, as real ones are: the older ones of
    a batch would leave the prompt alone and cost less."""
    return {
        "id": str(new_id()),
        "kind": "observation",
        "start": at.astimezone(UTC).isoformat(timespec="seconds"),
        "values": {
            "systolic_bp": int(dice.normal(126, 9)),
            "diastolic_bp": int(dice.normal(79, 6)),
            "resting_heart_rate": int(dice.normal(68, 5)),
        },
        "source": SOURCE,
    }


def pulse(dice: Dice, day: str, *, first: int = 0, step: int = 5, count: int) -> dict[str, Any]:
    """Heart rate as a watch tells it: a level that wanders, `count` samples `step` s apart."""
    level = 70 + np.cumsum(dice.normal(0, 0.6, count)) % 60
    return {
        "measure": "heart_rate",
        "day": day,
        "source": {"kind": "device", "name": "watch"},
        "t": list(range(first, first + count * step, step)),
        "v": np.rint(np.clip(level + dice.normal(0, 1, count), 40, 190)).astype(int).tolist(),
    }


def days_before(now: datetime) -> Iterator[str]:
    """Days of the calendar from the day before yesterday backwards."""
    day = now.date() - timedelta(days=2)
    while True:
        yield day.isoformat()
        day -= timedelta(days=1)
