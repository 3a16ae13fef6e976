"""Stages of life change on birthdays, at local midnight."""

from datetime import UTC, date, datetime

import pytest

from service.domain.life import STAGES, Stage, age, age_at, school_year, stage

BORN = date(2008, 2, 29)


@pytest.mark.parametrize(
    ("day", "years", "expected"),
    [
        (date(2008, 2, 29), 0, Stage.CHILD),
        (date(2015, 2, 28), 6, Stage.CHILD),
        (date(2015, 3, 1), 7, Stage.YOUTH),
        (date(2026, 2, 28), 17, Stage.YOUTH),
        (date(2026, 3, 1), 18, Stage.ADULT),
        (date(2073, 2, 28), 64, Stage.ADULT),
        (date(2073, 3, 1), 65, Stage.OLDER),
    ],
)
def test_the_day_before_and_the_birthday(day: date, years: int, expected: Stage) -> None:
    assert age(BORN, day) == years
    assert stage(BORN, day) is expected


def test_midnight_is_where_the_person_lives() -> None:
    born = date(2008, 11, 22)
    assert age_at(born, datetime(2026, 11, 21, 15, 59, 59, tzinfo=UTC)) == 17
    assert age_at(born, datetime(2026, 11, 21, 16, 0, tzinfo=UTC)) == 18


def test_pregnancy_outweighs_age() -> None:
    assert stage(BORN, date(2026, 3, 1), pregnant=True) is Stage.PREGNANT


def test_every_stage_has_a_name() -> None:
    assert set(STAGES) == set(Stage)


@pytest.mark.parametrize(
    ("day", "year"),
    [
        (date(2026, 8, 31), 2025),
        (date(2026, 9, 1), 2026),
        (date(2026, 12, 31), 2026),
        (date(2027, 1, 1), 2026),
    ],
)
def test_a_school_year_begins_on_1_september(day: date, year: int) -> None:
    assert school_year(day) == year
