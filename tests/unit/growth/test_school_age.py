"""WS/T 586-2018 and WS/T 456-2014: every half-year there, bounds included, stunting first."""

from datetime import date
from itertools import pairwise

import pytest

from service.domain.growth.school_age import (
    Row,
    _category,
    bmi_tenths,
    completed_months,
    half_years,
    judge,
    rows,
)
from service.domain.growth.tables import Sex

SEXES: tuple[Sex, Sex] = ("female", "male")


@pytest.mark.parametrize("sex", SEXES)
def test_every_half_year_is_there_and_ordered(sex: Sex) -> None:
    table = rows(sex)
    assert list(table) == list(range(12, 37))
    for half, row in table.items():
        assert row.severe_thin_to < row.mild_thin_to < row.overweight_from < row.obese_from
        assert (row.stunting_to is None) == (half == 35)
    for low, high in pairwise(table.values()):
        assert all(a <= b for a, b in zip(low[:4], high[:4], strict=True))
    stunting = [row.stunting_to for row in table.values() if row.stunting_to is not None]
    assert stunting == sorted(set(stunting))


def test_the_row_on_which_the_sources_differ_is_the_one_that_fits() -> None:
    row = rows("female")[26]
    assert (row.overweight_from, row.obese_from) == (222, 250)


@pytest.mark.parametrize("sex", SEXES)
def test_bounds_are_included(sex: Sex) -> None:
    for row in rows(sex).values():
        severe, mild = row.severe_thin_to, row.mild_thin_to
        edges = (severe, severe + 1, mild, mild + 1, row.overweight_from - 1, row.overweight_from,
                 row.obese_from - 1, row.obese_from)  # fmt: skip
        found = [_category(row, bmi, stunted=False) for bmi in edges]
        assert found == [
            "severely_thin", "mildly_thin", "mildly_thin", "normal", "normal", "overweight",
            "overweight", "obese",
        ]  # fmt: skip


def test_six_year_old_boys_as_the_standard_prints_them() -> None:
    row = rows("male")[12]
    assert row == Row(164, 177, 134, 132, 1063)
    assert [_category(row, bmi, stunted=False) for bmi in (132, 133, 134, 135)] == [
        "severely_thin", "mildly_thin", "mildly_thin", "normal",
    ]  # fmt: skip


def test_stunting_comes_before_thinness_and_after_overweight() -> None:
    row = rows("male")[12]
    assert _category(row, row.severe_thin_to, stunted=True) == "stunted"
    assert _category(row, row.obese_from, stunted=True) == "obese"
    assert judge("male", 72, 106.3, 15.0).stunted is True
    assert judge("male", 72, 106.4, 15.0).stunted is False
    assert judge("male", 210, 150.0, 40.0).stunted is None


def test_age_is_floored_to_the_half_year() -> None:
    assert [half_years(months) for months in (72, 77.9, 78, 215, 216)] == [12, 12, 13, 35, 36]
    for months in (71.9, 216.1):
        with pytest.raises(KeyError):
            judge("female", months, 120, 22)


def test_birthdays_count_by_the_calendar() -> None:
    born = date(2018, 8, 31)
    assert completed_months(born, date(2024, 8, 30)) == 71
    assert completed_months(born, date(2024, 8, 31)) == 72
    assert completed_months(born, date(2025, 2, 28)) == 77


def test_bmi_is_rounded_half_up_to_one_decimal() -> None:
    assert bmi_tenths(100, 18.145) == 181
    assert bmi_tenths(100, 18.15) == 182
    assert bmi_tenths(120, 23.616) == 164
