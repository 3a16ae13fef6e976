"""What a record says is told by no size: every answer takes the room of the longest."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from service.domain.vocabulary import widths
from service.domain.vocabulary.codes import CODES
from service.domain.vocabulary.measures import MEASURES
from service.domain.vocabulary.parts import canonical_json, split
from service.domain.vocabulary.record import STATUSES, Record

CHOICES = [code for code, one in MEASURES.items() if one.options and one.storage == "record"]
NUMBERS = [code for code, one in MEASURES.items() if not one.options and one.storage == "record"]


def rooms(**told: Any) -> list[int]:
    """Bytes of each part with what is left free in it."""
    record = Record(UUID(int=1), start=datetime(2026, 11, 20, tzinfo=UTC), **told)
    spare = widths.spare(record)
    return [len(canonical_json(part)) + spare[name] for name, part in split(record).items()]


@pytest.mark.parametrize("code", CHOICES)
def test_every_option_takes_the_same_room(code: str) -> None:
    options = MEASURES[code].options or {}
    assert len({tuple(rooms(kind="observation", values={code: one})) for one in options}) == 1


@pytest.mark.parametrize("code", NUMBERS)
def test_every_number_takes_the_same_room(code: str) -> None:
    """From end to end of the plausible range, with no decimals, one or two."""
    one = MEASURES[code]
    assert one.plausible.low is not None
    assert one.plausible.high is not None
    ends = (one.plausible.low, one.plausible.high)
    told = {
        round(low + part * (high - low), decimals)
        for low, high in [ends]
        for part in (0, 0.001, 0.013, 0.3, 0.77, 1)
        for decimals in range(min(one.decimals, 2) + 1)
    }
    assert len({tuple(rooms(kind="observation", values={code: value})) for value in told}) == 1


@pytest.mark.parametrize("kind", sorted(CODES))
def test_every_code_and_status_takes_the_same_room_in_its_class(kind: str) -> None:
    by_class: dict[str, set[int]] = {}
    for code, entry in CODES[kind].items():
        for status in STATUSES:
            (room,) = rooms(kind=kind, code=code, status=status)
            by_class.setdefault(entry.data_class, set()).add(room)
    assert all(len(found) == 1 for found in by_class.values())


def test_answers_take_the_same_room() -> None:
    told = [{"q1": 0, "q2": 10}, {"q1": 600, "q2": 3}]
    found = {tuple(rooms(kind="questionnaire", questionnaire="phq9", answers=one)) for one in told}
    assert len(found) == 1


def test_a_number_beyond_the_room_is_told_by_its_length() -> None:
    short, long = (
        rooms(kind="observation", values={"body_weight": value}) for value in (70.5, 70.123456789)
    )
    assert short != long
