"""The head of a prompt: what the level is now, small enough to write with every record."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, NamedTuple
from uuid import UUID

from service.domain.risk.assess import LevelBrief
from service.domain.risk.stability import Steady, steadied
from service.kit.ids import new_id

Colour = Literal["green", "blue", "yellow", "orange", "red"]
COLOURS: dict[int, Colour] = {1: "green", 2: "blue", 3: "yellow", 4: "orange", 5: "red"}
"""The number and a word always stand beside the colour."""


@dataclass(frozen=True, slots=True)
class Head:
    """`level` None means not enough data, `index` None fewer than six of the eight sub-scores."""

    level: int | None = None
    index: float | None = None
    changed_at: str | None = None
    """When level or index last changed, RFC 3339."""
    explanation: UUID | None = None
    """Id of the line of history that tells why the level is this one; None before the first."""
    steady: Steady = field(default_factory=Steady)
    """What is held of the level while it waits to fall; an alarming reading stands outside."""

    def moved(self, found: LevelBrief, now: datetime) -> "Head":
        """The head after an assessment; itself when nothing changed."""
        steady = steadied(self.steady, found.lasting, now)
        shown = [level for level in (steady.level, found.alarm) if level is not None]
        level = max(shown, default=None)
        told = (level, found.index) == (self.level, self.index)
        if told and steady == self.steady:
            return self
        explanation = self.explanation if level == self.level else new_id()
        changed_at = self.changed_at if told else now.isoformat()
        return Head(level, found.index, changed_at, explanation, steady)

    def tells(self, before: "Head") -> bool:
        """Whether level or index are others than before."""
        return (self.level, self.index) != (before.level, before.index)


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


def spelled(steady: Steady) -> tuple[int | None, list[list[float]]]:
    """What is held, as JSON takes it."""
    return steady.level, [[level, at.timestamp()] for level, at in steady.since]


def steady_of(level: int | None, since: Iterable[tuple[int, float]]) -> Steady:
    """What `spelled` wrote down."""
    return Steady(level, tuple((low, datetime.fromtimestamp(at, UTC)) for low, at in since))


def pack(head: Head) -> bytes:
    explanation = None if head.explanation is None else head.explanation.hex
    values = [head.level, head.index, head.changed_at, explanation, *spelled(head.steady)]
    return json.dumps(values, separators=(",", ":")).encode()


def unpack(text: bytes) -> Head:
    if not text:
        return Head()
    level, index, changed_at, *more = json.loads(text)
    # Written before levels were held: what was shown then is what is held.
    explanation, held, since = more or (None, level, [])
    return Head(
        level,
        index,
        changed_at,
        None if explanation is None else UUID(explanation),
        steady_of(held, since),
    )
