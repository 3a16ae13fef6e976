"""Why a level changed, as it was known when it changed, in the history of its day.

A day is one frame, whatever it tells: a line for each moment something changed, with its story at
a change of level. Most days tell nothing. What does not fit is let go: of the longest story first,
from its end, where the readings stand that are no cause.
"""

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from consent.vocabulary import DataClass
from service.domain.risk.grounds import Cause, Ground, Grounds
from service.domain.vocabulary.codes import CODES
from service.domain.vocabulary.measures import MEASURES

FRAME = 1024
"""Every day is of this size, so that none tells whether the level or the index moved."""
ROOM = FRAME - 4
DAY, ONE_LINE = b"d", b"z"
"""First byte: a day of lines, or (from before days were kept whole) one line."""


@dataclass(frozen=True, slots=True)
class Story:
    """A change of level from `before`. `whole` False: readings were let go for want of room, or
    with the class they belonged to (`erased`)."""

    id: UUID
    before: int | None
    cause: Cause
    grounds: Grounds
    whole: bool = True
    erased: bool = False

    def without(self, data_class: DataClass) -> "Story":
        """The story after a class was erased: nothing that rested on it is told any more."""
        rests = any(class_of(ground.name) is data_class for ground in self.grounds.readings)
        if self.erased or (self.whole and not rests):
            return self
        bare = Grounds(rule_pack=self.grounds.rule_pack)
        return replace(self, grounds=bare, whole=False, erased=True)


@dataclass(frozen=True, slots=True)
class Line:
    """From `at` (RFC 3339) on, level and index were these; a story where the level changed."""

    at: str
    level: int | None
    index: float | None
    story: Story | None = None


def class_of(name: str) -> DataClass:
    """The class of a ground: of a measure, or of the code of a history."""
    kind, colon, code = name.partition(":")
    return CODES[kind][code].data_class if colon else MEASURES[name].data_class


def pack(lines: Sequence[Line]) -> bytes:
    """The bytes to seal, at most `ROOM`; of a crowded day the oldest lines are let go last."""
    text = _packed(lines)
    while len(text) > ROOM:
        lines = _shorter(lines)
        text = _packed(lines)
    return text


def unpack(text: bytes) -> list[Line]:
    """The lines of a day, oldest first."""
    kind, rest = text[:1], text[1:]
    if kind == DAY:
        return [_line(*values) for values in json.loads(zlib.decompress(rest))]
    if kind == ONE_LINE:
        return [_line(*json.loads(zlib.decompress(rest)))]
    # From before levels were explained.
    return [_line(*json.loads(text))]


def _line(
    at: str, level: int | None, index: float | None, story: Sequence[Any] | None = None
) -> Line:
    return Line(at, level, index, None if story is None else _story(story))


def _packed(lines: Sequence[Line]) -> bytes:
    values = [
        [line.at, line.level, line.index, None if line.story is None else _spelled(line.story)]
        for line in lines
    ]
    spelled = json.dumps(values, separators=(",", ":"), ensure_ascii=False).encode()
    return DAY + zlib.compress(spelled, 9)


NOTHING_TOLD = _packed([])
"""A day on which nothing changed."""


def _shorter(lines: Sequence[Line]) -> list[Line]:
    """Something less: a reading of the longest story, then a line without one, then the oldest."""
    shorter = list(lines)
    at, longest = max(enumerate(lines), key=lambda found: _length(found[1]))
    if longest.story is not None and longest.story.grounds.readings:
        shorter[at] = replace(longest, story=_without_last(longest.story))
        return shorter
    # The newest line says what is so now.
    bare = (number for number, line in enumerate(lines[:-1]) if line.story is None)
    del shorter[next(bare, 0)]
    return shorter


def _length(line: Line) -> int:
    return 0 if line.story is None else len(line.story.grounds.readings)


def _without_last(story: Story) -> Story:
    grounds = story.grounds
    fewer = replace(grounds, readings=grounds.readings[:-1])
    return replace(story, grounds=fewer, whole=False)


def _spelled(story: Story) -> list[Any]:
    grounds = story.grounds
    return [
        story.id.hex,
        story.before,
        story.cause,
        story.whole,
        story.erased,
        grounds.rule_pack,
        grounds.causes,
        None if grounds.items is None else dict(grounds.items),
        [[ground.name, ground.value, int(ground.at.timestamp())] for ground in grounds.readings],
        grounds.actions,
    ]


def _story(values: Sequence[Any]) -> Story:
    id_, before, cause, whole, erased, rule_pack, causes, items, readings, actions = values
    grounds = Grounds(
        rule_pack,
        tuple(causes),
        items,
        tuple(Ground(name, value, datetime.fromtimestamp(at, UTC)) for name, value, at in readings),
        tuple(actions),
    )
    return Story(UUID(id_), before, cause, grounds, whole, erased)
