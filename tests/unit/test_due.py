"""When a check is due again: the national norm for the ill, the completeness rule for the rest."""

from collections.abc import Collection
from datetime import UTC, date, datetime

import pytest

from consent.vocabulary import ALL_CLASSES, DataClass
from service.domain.care.due import checks, due_work
from service.domain.risk.person import Reading
from service.domain.vocabulary.codes import CODES
from service.domain.vocabulary.measures import MEASURES

TODAY = date(2026, 11, 20)
AT = datetime(2026, 1, 31, 4, 0, tzinfo=UTC)


def due(
    readings: dict[str, float],
    *,
    age: int = 50,
    conditions: Collection[str] = (),
    classes: Collection[DataClass] = ALL_CLASSES,
    at: datetime = AT,
) -> dict[str, date]:
    found = due_work(
        age=age,
        conditions=conditions,
        readings={code: [Reading(value, at)] for code, value in readings.items()},
        classes=classes,
        today=TODAY,
    )
    assert [one.on for one in found] == sorted(one.on for one in found)
    return {one.item: one.on for one in found}


def test_what_was_never_measured_is_due_today() -> None:
    assert due({}) == {"blood_pressure": TODAY, "glucose": TODAY}


@pytest.mark.parametrize(
    ("systolic", "diastolic", "age", "ill", "on"),
    [
        (128, 82, 50, False, date(2027, 1, 31)),
        (180, 120, 50, False, date(2027, 1, 31)),
        (138, 88, 50, True, date(2026, 4, 30)),
        (140, 80, 64, True, date(2026, 2, 14)),
        (146, 88, 70, True, date(2026, 4, 30)),
        (150, 88, 70, True, date(2026, 2, 14)),
        (146, 90, 70, True, date(2026, 2, 14)),
    ],
)
def test_blood_pressure_comes_again_by_diagnosis_and_control(
    systolic: float, diastolic: float, age: int, ill: bool, on: date
) -> None:
    """Control limits and intervals of the norm's own vectors (cn_national_followup_control)."""
    conditions = {"hypertension"} if ill else set()
    readings = {"systolic_bp": systolic, "diastolic_bp": diastolic}
    assert due(readings, age=age, conditions=conditions)["blood_pressure"] == on


@pytest.mark.parametrize(
    ("measure", "value", "ill", "on"),
    [
        ("glucose_fasting", 6.9, True, date(2026, 4, 30)),
        ("glucose_fasting", 7.0, True, date(2026, 2, 14)),
        ("glucose_random", 11.0, True, date(2026, 4, 30)),
        ("glucose_random", 11.1, True, date(2026, 2, 14)),
        ("glucose_fasting", 5.0, False, date(2028, 1, 31)),
    ],
)
def test_glucose_comes_again_by_diagnosis_and_control(
    measure: str, value: float, ill: bool, on: date
) -> None:
    conditions = {"diabetes_type_2"} if ill else set()
    assert due({measure: value}, conditions=conditions)["glucose"] == on


def test_a_class_that_is_closed_says_nothing_about_being_due() -> None:
    assert due({}, classes={DataClass.BODY}) == {"blood_pressure": TODAY}
    assert due({}, classes={DataClass.CONDITIONS}) == {}


def test_children_have_a_schedule_of_their_own() -> None:
    assert due({}, age=17) == {}


def test_the_day_of_a_reading_is_the_citys() -> None:
    evening = datetime(2026, 1, 30, 17, 0, tzinfo=UTC)
    assert due({"systolic_bp": 120}, at=evening)["blood_pressure"] == date(2027, 1, 31)


def test_every_check_names_conditions_and_measures_of_the_vocabulary() -> None:
    for check in checks().values():
        assert check.conditions <= set(CODES["condition"])
        assert {MEASURES[code].data_class for code in check.measures} == {check.data_class}
