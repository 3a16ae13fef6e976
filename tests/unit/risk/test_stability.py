"""The level that is shown rises at once and falls after two weeks of agreement, come what may."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from service.domain.risk.stability import APART, Fall, Steady, steadied

NOW = datetime(2026, 11, 20, 1, tzinfo=UTC)
LEVELS = st.one_of(st.none(), st.integers(1, 5))
HOURS = st.sampled_from([0, 1, 24, 24 * 6, 24 * 7, 24 * 14 - 1, 24 * 14, 24 * 15])
COURSES = st.lists(st.tuples(LEVELS, HOURS), max_size=25)
"""What each assessment found, and how long after the one before it was made."""


def made(course: Sequence[tuple[int | None, int]]) -> list[tuple[int | None, datetime]]:
    at, found = NOW, []
    for level, hours in course:
        at += timedelta(hours=hours)
        found.append((level, at))
    return found


def held(assessments: Sequence[tuple[int | None, datetime]]) -> list[Steady]:
    """What is held after each assessment."""
    steady, found = Steady(), []
    for level, at in assessments:
        steady = steadied(steady, level, at)
        found.append(steady)
    return found


def slowly(assessments: Sequence[tuple[int | None, datetime]]) -> list[int | None]:
    """The rule read word by word, from the whole course each time."""
    shown: int | None = None
    found: list[int | None] = []
    for last, (level, now) in enumerate(assessments):
        if level is None or shown is None or level >= shown:
            shown = level
        else:
            for lower in range(1, shown):
                if any(
                    now - at >= APART and agree(assessments[first : last + 1], lower)
                    for first, (_, at) in enumerate(assessments[: last + 1])
                ):
                    shown = lower
                    break
        found.append(shown)
    return found


def agree(assessments: Sequence[tuple[int | None, datetime]], lower: int) -> bool:
    return all(level is not None and level <= lower for level, _ in assessments)


def test_fourteen_days_are_those_of_the_mapping() -> None:
    assert timedelta(days=14) == APART


@given(COURSES)
def test_it_is_the_rule_read_word_by_word(course: list[tuple[int | None, int]]) -> None:
    assessments = made(course)
    assert [one.level for one in held(assessments)] == slowly(assessments)


@given(COURSES)
def test_it_rises_at_once_and_is_never_below_what_was_found(
    course: list[tuple[int | None, int]],
) -> None:
    assessments = made(course)
    before: int | None = None
    for (found, _), steady in zip(assessments, held(assessments), strict=True):
        if found is None or before is None or found >= before:
            assert steady.level == found
        else:
            assert steady.level is not None
            assert found <= steady.level <= before
        before = steady.level


@given(COURSES)
def test_the_fall_that_is_told_happens_on_its_instant_and_not_before(
    course: list[tuple[int | None, int]],
) -> None:
    assessments = made(course)
    for (found, at), steady in zip(assessments, held(assessments), strict=True):
        fall = steady.pending
        if fall is None:
            assert steady.level is None or found == steady.level
            continue
        assert at < fall.at <= at + APART
        early = steadied(steady, found, fall.at - timedelta(microseconds=1))
        assert early.level == steady.level
        assert steadied(steady, found, fall.at).level == fall.level


@given(COURSES, LEVELS)
def test_the_same_assessment_again_changes_nothing(
    course: list[tuple[int | None, int]], level: int | None
) -> None:
    assessments = made(course)
    before = held(assessments)[-1] if assessments else Steady()
    at = assessments[-1][1] if assessments else NOW
    once = steadied(before, level, at)
    assert steadied(once, level, at) is once


def test_one_good_day_is_not_enough_and_a_bad_one_begins_anew() -> None:
    def day(number: int) -> datetime:
        return NOW + timedelta(days=number)

    course = [(4, day(0)), (2, day(1)), (4, day(8)), (2, day(9)), (2, day(22)), (2, day(23))]
    assert [one.level for one in held(course)] == [4, 4, 4, 4, 4, 2]
    assert held(course)[4].pending == Fall(2, day(23))


def test_it_falls_as_far_as_all_agree() -> None:
    def day(number: int) -> datetime:
        return NOW + timedelta(days=number)

    course = [(5, day(0)), (4, day(1)), (2, day(8)), (2, day(15)), (2, day(22))]
    found = held(course)
    assert [one.level for one in found] == [5, 5, 5, 4, 2]
    assert found[2].pending == Fall(4, day(15))
    assert found[3].pending == Fall(2, day(22))


def test_without_data_there_is_no_level_at_once() -> None:
    assert steadied(Steady(3), None, NOW) == Steady()
