"""The two shares of the norm: who is in the denominator, and what counts in the year."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.care.norm import Disease, FollowUp
from service.domain.care.rates import (
    VISITS_A_YEAR,
    Managed,
    Rate,
    control_rate,
    controlled,
    managed_to_norm,
    norm_rate,
    under_management,
)

BORN = date(1970, 5, 1)
PRESSURE = Disease.HYPERTENSION
QUARTERS = [date(2026, month, 10) for month in (2, 5, 8, 11)]


def managed(
    *visits: FollowUp, since: date = date(2025, 6, 1), until: date | None = None
) -> Managed:
    return Managed(BORN, since, visits, until)


def visits(*on: date, systolic: float = 130) -> list[FollowUp]:
    return [FollowUp(day, systolic, 80) for day in on]


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (date(2026, 12, 31), None, True),
        (date(2027, 1, 1), None, False),
        (date(2020, 1, 1), date(2026, 1, 1), True),
        (date(2020, 1, 1), date(2025, 12, 31), False),
    ],
)
def test_any_day_of_the_year_is_enough_to_be_counted(
    since: date, until: date | None, expected: bool
) -> None:
    assert under_management(managed(since=since, until=until), 2026) is expected


def test_four_face_to_face_follow_ups_are_the_norm() -> None:
    assert managed_to_norm(managed(*visits(*QUARTERS)), 2026)
    assert not managed_to_norm(managed(*visits(*QUARTERS[:3])), 2026)


def test_two_follow_ups_of_one_day_are_one() -> None:
    assert not managed_to_norm(managed(*visits(*QUARTERS[:3], QUARTERS[2])), 2026)


def test_a_telephone_call_is_no_face_to_face_follow_up() -> None:
    call = FollowUp(QUARTERS[3], 130, 80, face_to_face=False)
    assert not managed_to_norm(managed(*visits(*QUARTERS[:3]), call), 2026)


@pytest.mark.parametrize(
    ("day", "counts"),
    [
        (date(2025, 12, 31), False),
        (date(2026, 1, 1), True),
        (date(2026, 12, 31), True),
        (date(2027, 1, 1), False),
    ],
)
def test_the_year_is_the_calendars(day: date, counts: bool) -> None:
    assert managed_to_norm(managed(*visits(*QUARTERS[:3], day)), 2026) is counts


def test_follow_ups_outside_the_management_do_not_count() -> None:
    person = managed(*visits(*QUARTERS), since=QUARTERS[1], until=QUARTERS[2])
    assert not managed_to_norm(person, 2026)
    assert controlled(PRESSURE, person, 2026)


def test_the_last_reading_of_the_year_decides_control() -> None:
    high, well = visits(QUARTERS[0], systolic=150), visits(QUARTERS[3])
    assert controlled(PRESSURE, managed(*high, *well), 2026)
    later = visits(date(2026, 12, 1), systolic=150)
    assert not controlled(PRESSURE, managed(*later, *well), 2026)
    next_year = visits(date(2027, 1, 2), systolic=150)
    assert controlled(PRESSURE, managed(*well, *next_year), 2026)


def test_a_last_visit_without_a_reading_leaves_the_one_before() -> None:
    empty = FollowUp(date(2026, 12, 1))
    assert controlled(PRESSURE, managed(empty, *visits(QUARTERS[3])), 2026)


def test_nobody_seen_is_nobody_controlled_and_still_in_the_denominator() -> None:
    people = [managed(), managed(*visits(*QUARTERS))]
    assert control_rate(PRESSURE, people, 2026) == Rate(1, 2)
    assert norm_rate(people, 2026) == Rate(1, 2)


def test_no_denominator_is_no_rate() -> None:
    assert norm_rate([], 2026) == Rate(0, 0)
    assert norm_rate([], 2026).value is None
    assert norm_rate([managed(since=date(2027, 1, 1))], 2026).value is None


persons = st.builds(
    managed,
    st.builds(FollowUp, st.dates(date(2025, 10, 1), date(2027, 3, 1)), st.integers(90, 190)),
    st.builds(FollowUp, st.dates(date(2025, 10, 1), date(2027, 3, 1)), st.integers(90, 190)),
    since=st.dates(date(2024, 1, 1), date(2027, 3, 1)),
    until=st.none() | st.dates(date(2024, 1, 1), date(2027, 3, 1)),
)


@given(st.lists(persons, max_size=6), st.randoms())
def test_a_rate_is_a_share_and_knows_no_order(people: list[Managed], random: object) -> None:
    found = control_rate(PRESSURE, people, 2026)
    assert 0 <= found.numerator <= found.denominator <= len(people)
    assert found.denominator == sum(under_management(one, 2026) for one in people)
    shuffled = list(people)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert control_rate(PRESSURE, shuffled, 2026) == found


@given(persons)
def test_no_person_counts_without_enough_days(person: Managed) -> None:
    assert VISITS_A_YEAR == 4
    assert not managed_to_norm(person, 2026)
