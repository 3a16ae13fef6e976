"""Why a level changed, as it was known when it changed, in a line of history.

A line is one frame, whatever it tells: the moment, and at a change of level its story. What does
not fit is let go from the end, where the readings stand that are no cause.
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
"""Every line is of this size, so that none tells whether the level or the index moved."""
ROOM = FRAME - 4
PACKED = b"z"


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


def pack(line: Line) -> bytes:
    """The bytes to seal, at most `ROOM`."""
    text = _packed(line)
    while len(text) > ROOM and line.story is not None:
        line = replace(line, story=_shorter(line.story))
        text = _packed(line)
    return text


def unpack(text: bytes) -> Line:
    if text[:1] != PACKED:
        # From before levels were explained.
        at, level, index = json.loads(text)
        return Line(at, level, index)
    at, level, index, story = json.loads(zlib.decompress(text[1:]))
    return Line(at, level, index, None if story is None else _story(story))


def _packed(line: Line) -> bytes:
    story = None if line.story is None else _spelled(line.story)
    values = [line.at, line.level, line.index, story]
    spelled = json.dumps(values, separators=(",", ":"), ensure_ascii=False).encode()
    return PACKED + zlib.compress(spelled, 9)


def _shorter(story: Story) -> Story:
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
