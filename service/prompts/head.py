"""The head of a prompt: what the level is now, small enough to write with every record."""

import json
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import NamedTuple

COLOURS = {1: "green", 2: "blue", 3: "yellow", 4: "orange", 5: "red"}
"""The number and a word always stand beside the colour."""


@dataclass(frozen=True, slots=True)
class Head:
    """`level` None means not enough data, `index` None fewer than six of the eight sub-scores."""

    level: int | None = None
    index: float | None = None
    changed_at: str | None = None
    """When level or index last changed, RFC 3339."""

    def moved(self, level: int | None, index: float | None, now: datetime) -> "Head":
        """The head after an assessment; itself when nothing changed."""
        if (level, index) == (self.level, self.index):
            return self
        return Head(level, index, now.isoformat())


class Brief(NamedTuple):
    """What is said of the prompt beside the results of a write."""

    level: int | None
    colour: str | None
    changed: bool

    def as_answer(self) -> dict[str, int | str | bool | None]:
        return self._asdict()


def brief(head: Head, before: Head) -> Brief:
    colour = None if head.level is None else COLOURS[head.level]
    return Brief(head.level, colour, head.level != before.level)


def pack(head: Head) -> bytes:
    return json.dumps(astuple(head), separators=(",", ":")).encode()


def unpack(text: bytes) -> Head:
    return Head(*json.loads(text)) if text else Head()
