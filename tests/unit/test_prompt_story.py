"""A day of history fits its frame, tells what was taken down, and loses what was erased."""

import zlib
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from consent.vocabulary import DataClass
from service.domain.risk.grounds import CAUSES, Grounds, grounds, sentence
from service.domain.risk.person import Person, Reading
from service.domain.risk.reasons import ORDER
from service.domain.vocabulary.codes import CODES
from service.prompts import story
from service.prompts.story import ROOM, Line, Story
from tests.unit.risk.people import NOW, Readings, people, readings

ID = UUID(int=7)
LEVELS = st.one_of(st.none(), st.integers(1, 5))


def told(person: Person, found: Readings, before: int | None = None) -> Line:
    kept = Story(ID, before, "assessed", grounds(person, found, NOW))
    return Line(NOW.isoformat(), 4, 61.5, kept)


@given(people(low=18), readings(), LEVELS)
def test_a_line_is_read_as_it_was_written(
    person: Person, found: Readings, before: int | None
) -> None:
    line = told(person, found, before)
    text = story.pack([line])
    assert len(text) <= ROOM
    (read,) = story.unpack(text)
    assert line.story is not None
    assert read.story is not None
    kept, sent = read.story.grounds, line.story.grounds
    assert replace(read, story=None) == replace(line, story=None)
    assert (kept.causes, kept.items, kept.actions) == (sent.causes, sent.items, sent.actions)
    assert [one[:2] for one in kept.readings] == [
        one[:2] for one in sent.readings[: len(kept.readings)]
    ]
    assert read.story.whole is (len(kept.readings) == len(sent.readings))


def test_what_does_not_fit_is_let_go_from_the_end() -> None:
    crowded = {
        f"condition:{code}": [Reading("active", NOW - timedelta(days=n))]
        for n, code in enumerate(CODES["condition"])
    }
    crowded |= {
        f"{kind}:{code}": [Reading(f"status-{n}-{code}", NOW - timedelta(minutes=n * 7919))]
        for kind in ("medication", "family_history")
        for n, code in enumerate(CODES[kind])
    }
    found = {"systolic_bp": [Reading(171, NOW)], "diastolic_bp": [Reading(99, NOW)], **crowded}
    text = story.pack([told(Person("male", NOW.date().replace(year=1960)), found)])
    assert len(text) <= ROOM
    (line,) = story.unpack(text)
    read = line.story
    assert read is not None
    assert not read.whole
    assert [one[:2] for one in read.grounds.readings[:2]] == [
        ("systolic_bp", 171),
        ("diastolic_bp", 99),
    ]


def test_a_line_from_before_stories_is_still_read() -> None:
    line = Line("2026-01-01T00:00:00+00:00", 3, 55.0)
    assert story.unpack(b'["2026-01-01T00:00:00+00:00", 3, 55.0]') == [line]
    alone = b'["2026-01-01T00:00:00+00:00",3,55.0,null]'
    assert story.unpack(b"z" + zlib.compress(alone)) == [line]


@given(st.lists(st.tuples(people(low=18), readings(), st.booleans()), max_size=12))
def test_a_crowded_day_fits_and_keeps_what_is_so_now(
    changes: list[tuple[Person, Readings, bool]],
) -> None:
    """However often somebody's level moves in a day, the row is the one of a quiet day."""
    lines: list[Line] = []
    for number, (person, found, explained) in enumerate(changes):
        at = (NOW + timedelta(minutes=number)).isoformat()
        line = replace(told(person, found), at=at)
        lines.append(line if explained else replace(line, story=None))
        text = story.pack(lines)
        assert len(text) <= ROOM
        lines = story.unpack(text)
        kept = lines[-1]
        assert (kept.at, kept.story is not None) == (at, explained)
        assert [one.at for one in lines] == sorted(one.at for one in lines)


def test_a_quiet_day_tells_nothing() -> None:
    assert story.unpack(story.NOTHING_TOLD) == []


def test_of_a_crowded_day_readings_go_before_moments_and_explanations_last() -> None:
    person = Person("male", NOW.date().replace(year=1960))
    found = {"systolic_bp": [Reading(171, NOW)], "smoking_status": [Reading("every day", NOW)]}
    explained = [replace(told(person, found), at=f"{n:03}") for n in range(4)]
    bare = [Line(f"{n:03}", 4, n / 7) for n in range(4, 400)]
    read = story.unpack(story.pack([*explained, *bare]))
    assert [line.at for line in read if line.story is not None] == ["000", "001", "002", "003"]
    assert read[-1] == bare[-1]
    assert not any(line.story.grounds.readings for line in read if line.story is not None)


def test_of_an_erased_class_nothing_is_told_any_more() -> None:
    found = {"systolic_bp": [Reading(171, NOW)], "smoking_status": [Reading("every day", NOW)]}
    line = told(Person("male", NOW.date().replace(year=1960)), found)
    kept = line.story
    assert kept is not None
    assert kept.without(DataClass.GENETIC) is kept
    bare = kept.without(DataClass.LIFESTYLE)
    assert bare.grounds == Grounds()
    assert (bare.id, bare.before, bare.erased, bare.whole) == (ID, None, True, False)
    # What was let go for want of room may have been of that class.
    assert replace(kept, whole=False).without(DataClass.GENETIC).erased


def test_every_cause_has_words_and_every_change_a_sentence() -> None:
    assert set(ORDER) == set(CAUSES)
    for before in (None, 1, 2, 3, 4, 5):
        for level in (None, 1, 2, 3, 4, 5):
            text = sentence(before, level, ["smoking"], "assessed")
            assert text.zh.endswith("。")
            assert text.en.endswith(".")
    rise = sentence(2, 4, ["blood_pressure", "smoking"], "assessed")
    assert rise.zh == "级别由2级（蓝）升为4级（橙），原因：血压、吸烟。"
    assert rise.en == (
        "The level rose from 2 (blue) to 4 (orange), because of blood pressure, smoking."
    )
    assert "14" in sentence(4, 2, [], "assessed").en
