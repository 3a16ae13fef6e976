"""The categories of care that statistics count, at the edge of each, and what stays unknown."""

from datetime import date, timedelta

import pytest

from consent.vocabulary import ALL_CLASSES, DataClass
from service.domain.care import counted
from service.domain.care.situation import Deed, Situation
from service.domain.days import months_after
from tests.unit.care.room import TODAY, at, born, done, read, somebody
from tests.unit.care.test_tested import ADULT

A_YEAR_AGO = months_after(TODAY, -12)
HYPERTENSION = ("hypertension",)
DIABETES = ("diabetes_type_2",)


def told(
    who: Situation,
    metric: str,
    *,
    classes: frozenset[DataClass] = ALL_CLASSES,
    signed: bool = False,
) -> str:
    found = counted.categories(who, classes, signed=signed)
    assert found.keys() == counted.CATEGORIES.keys()
    assert all(word in (*counted.CATEGORIES[name], "unknown") for name, word in found.items())
    return found[metric]


def pressed(systolic: float, diastolic: float, day: date = TODAY) -> dict[str, list]:  # type: ignore[type-arg]
    return read({"systolic_bp": systolic, "diastolic_bp": diastolic}, day)


@pytest.mark.parametrize(
    ("age", "systolic", "diastolic", "word"),
    [
        (64, 139, 89, "controlled"),
        (64, 140, 89, "not_controlled"),
        (64, 139, 90, "not_controlled"),
        (65, 149, 89, "controlled"),
        (65, 150, 89, "not_controlled"),
    ],
)
def test_control_of_pressure_is_the_norms(
    age: int, systolic: float, diastolic: float, word: str
) -> None:
    who = somebody(born(age), readings=pressed(systolic, diastolic), conditions=HYPERTENSION)
    assert told(who, "pressure_control") == word


@pytest.mark.parametrize(
    ("systolic", "diastolic", "word"),
    [(139, 89, "no_hypertension"), (140, 80, "raised"), (120, 90, "raised")],
)
def test_without_a_diagnosis_pressure_is_raised_or_not(
    systolic: float, diastolic: float, word: str
) -> None:
    assert (
        told(somebody(born(50), readings=pressed(systolic, diastolic)), "pressure_control") == word
    )


def test_a_reading_counts_for_a_year_and_none_is_not_controlled() -> None:
    for day, word in (
        (A_YEAR_AGO + timedelta(days=1), "controlled"),
        (A_YEAR_AGO, "not_controlled"),
    ):
        who = somebody(born(50), readings=pressed(120, 70, day), conditions=HYPERTENSION)
        assert told(who, "pressure_control") == word
    assert told(somebody(born(50), conditions=HYPERTENSION), "pressure_control") == "not_controlled"
    assert told(somebody(born(50)), "pressure_control") == "unknown"


@pytest.mark.parametrize(
    ("fasting", "ill", "word"),
    [
        (6.9, DIABETES, "controlled"),
        (7.0, DIABETES, "not_controlled"),
        (6.9, (), "no_diabetes"),
        (7.0, (), "raised"),
    ],
)
def test_control_of_glucose_is_the_norms(fasting: float, ill: tuple[str, ...], word: str) -> None:
    who = somebody(born(50), readings=read({"glucose_fasting": fasting}, TODAY), conditions=ill)
    assert told(who, "glucose_control") == word


@pytest.mark.parametrize("missing", [DataClass.BODY, DataClass.CONDITIONS])
def test_what_may_not_be_read_is_unknown_and_never_none(missing: DataClass) -> None:
    classes = ALL_CLASSES - {missing}
    who = somebody(born(70), readings=pressed(120, 70), conditions=HYPERTENSION)
    assert told(who, "pressure_control", classes=classes) == "unknown"
    assert told(who, "follow_up", classes=classes, signed=True) == "unknown"


def visits(number: int, last: date = TODAY, **values: float) -> tuple[Deed, ...]:
    return tuple(done(last - timedelta(days=30 * n), **values) for n in range(number))


@pytest.mark.parametrize(
    ("ill", "pressures", "sugars", "word"),
    [
        (HYPERTENSION, 4, 0, "htn_met"),
        (HYPERTENSION, 3, 0, "htn_unmet"),
        (DIABETES, 0, 4, "dm_met"),
        (DIABETES, 4, 3, "dm_unmet"),
        (HYPERTENSION + DIABETES, 4, 4, "both_met"),
        (HYPERTENSION + DIABETES, 4, 3, "both_htn_only"),
        (HYPERTENSION + DIABETES, 3, 4, "both_dm_only"),
        (HYPERTENSION + DIABETES, 3, 3, "both_unmet"),
        ((), 4, 4, "not_managed"),
    ],
)
def test_four_days_of_follow_up_a_year_are_standard(
    ill: tuple[str, ...], pressures: int, sugars: int, word: str
) -> None:
    deeds = visits(pressures, systolic_bp=150.0, diastolic_bp=85.0)
    deeds += visits(sugars, TODAY - timedelta(days=1), glucose_fasting=8.0)
    who = somebody(born(60), conditions=ill, deeds=deeds)
    assert told(who, "follow_up", signed=True) == word
    assert told(who, "follow_up", signed=False) == "not_managed"


def test_only_a_clinics_visits_of_the_year_on_different_days_count() -> None:
    three = visits(3, systolic_bp=130.0)
    for fourth in (
        done(TODAY, systolic_bp=131.0),
        done(A_YEAR_AGO, systolic_bp=131.0),
        done(TODAY - timedelta(days=3), clinical=False, systolic_bp=131.0),
    ):
        who = somebody(born(60), conditions=HYPERTENSION, deeds=(*three, fourth))
        assert told(who, "follow_up", signed=True) == "htn_unmet"
    last = done(A_YEAR_AGO + timedelta(days=1), systolic_bp=131.0)
    who = somebody(born(60), conditions=HYPERTENSION, deeds=(*three, last))
    assert told(who, "follow_up", signed=True) == "htn_met"


EXAM = {
    "hemoglobin": 130.0,
    "urine_protein_strip": "negative",
    "alt": 20.0,
    "glucose_fasting": 5.0,
    "total_cholesterol": 4.0,
    "ecg_impression": "normal",
}


@pytest.mark.parametrize(
    ("age", "day", "more", "word"),
    [
        (64, TODAY, ("elder_selfcare_total",), "under_65"),
        (65, TODAY, (), "exam_only"),
        (65, TODAY, ("elder_selfcare_total",), "managed"),
        (65, A_YEAR_AGO + timedelta(days=1), (), "exam_only"),
        (65, A_YEAR_AGO, ("elder_selfcare_total",), "none"),
    ],
)
def test_the_yearly_check_from_65(age: int, day: date, more: tuple[str, ...], word: str) -> None:
    who = somebody(born(age), deeds=(done(day, *more, **EXAM),))
    assert told(who, "elder_check") == word


@pytest.mark.parametrize("part", EXAM)
def test_a_check_with_a_part_left_out_is_none(part: str) -> None:
    rest = {name: value for name, value in EXAM.items() if name != part}
    assert told(somebody(born(70), deeds=(done(TODAY, **rest),)), "elder_check") == "none"


def test_screening_is_due_until_every_one_that_invites_is_done() -> None:
    who = somebody(born(50), sex="female")
    assert told(who, "screening") == "due"
    fresh = {**pressed(120, 70), **read({"smoking_status": "never", "bmi": 22.0}, TODAY)}
    fresh |= read({"total_cholesterol": 4.0, "glucose_fasting": 5.0}, TODAY)
    tests = ("hpv_high_risk", "mammography")
    whole = somebody(born(50), sex="female", readings=fresh, deeds=(done(TODAY, *tests),))
    assert told(whole, "screening") == "up_to_date"
    without = somebody(born(50), sex="female", readings=fresh, deeds=(done(TODAY, tests[0]),))
    assert told(without, "screening") == "due"
    assert told(somebody(born(12)), "screening") == "not_invited"
    unknown = ALL_CLASSES - {DataClass.SCREENING}
    assert told(whole, "screening", classes=unknown) == "unknown"


@pytest.mark.parametrize(
    ("measure", "metric", "score", "word"),
    [
        (counted.LITERACY, "literacy", 80, "basic"),
        (counted.LITERACY, "literacy", 79, "below"),
        (counted.DEPRESSION, "depression_screen", 10, "positive"),
        (counted.DEPRESSION, "depression_screen", 9, "negative"),
    ],
)
def test_scores_of_the_last_answer_of_the_year(
    measure: str, metric: str, score: float, word: str
) -> None:
    def who(day: date) -> Situation:
        return somebody(born(40), deeds=(Deed(day, {measure: score}, False),))

    assert told(who(TODAY), metric) == word
    assert told(who(A_YEAR_AGO + timedelta(days=1)), metric) == word
    assert told(who(A_YEAR_AGO), metric) == "unknown"


@pytest.mark.parametrize(
    ("day", "left_out", "word"),
    [
        (TODAY, None, "good"),
        (A_YEAR_AGO + timedelta(days=1), None, "good"),
        (A_YEAR_AGO, None, "unknown"),
        (TODAY, "push_ups", "unknown"),
    ],
)
def test_fitness_is_the_grade_of_a_whole_test_under_the_edition_of_now(
    day: date, left_out: str | None, word: str
) -> None:
    results = {name: value for name, value in ADULT.items() if name != left_out}
    who = somebody(born(27), sex="male", deeds=(Deed(day, results, False),))
    assert told(who, "fitness") == word


def test_a_fitness_test_without_a_grade_is_unknown_at_any_age() -> None:
    for age in (10, 19, 60):
        who = somebody(born(age), sex="male", deeds=(Deed(TODAY, ADULT, False),))
        assert told(who, "fitness") == "unknown"


def test_a_contract_is_a_yes_or_a_no() -> None:
    assert told(somebody(born(40)), "contract", signed=True) == "yes"
    assert told(somebody(born(40)), "contract") == "no"


def test_noon_is_on_the_same_day() -> None:
    """The room's readings are of the day they are meant for."""
    assert at(TODAY).date() == TODAY
