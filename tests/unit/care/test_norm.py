"""The national follow-up norm: control classes, two strikes, intervals; targets stand apart."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.care import norm
from service.domain.care.norm import ControlClass, Disease, FollowUp, Referral, classify, step
from service.domain.days import months_after
from service.domain.risk.models import evaluate
from tests.unit.care.room import born

DAY = date(2026, 11, 20)
BORN = born(50, DAY)
PRESSURE, GLUCOSE = Disease.HYPERTENSION, Disease.DIABETES

# A diastolic pressure above 200 is a slip of the keyboard to the vocabulary and to the model.
pressures = st.integers(60, 260).flatmap(
    lambda systolic: st.tuples(st.just(systolic), st.integers(40, min(systolic - 1, 200)))
)
days = st.dates(date(2020, 1, 1), date(2030, 12, 31))


@pytest.mark.parametrize(
    ("years", "systolic", "diastolic", "expected"),
    [
        (50, 138, 88, "satisfied"),
        (50, 139, 89, "satisfied"),
        (50, 140, 80, "unsatisfied"),
        (50, 130, 90, "unsatisfied"),
        (64, 140, 80, "unsatisfied"),
        (65, 140, 80, "satisfied"),
        (70, 146, 88, "satisfied"),
        (65, 149, 89, "satisfied"),
        (65, 150, 80, "unsatisfied"),
        (60, 182, 95, "unsatisfied"),
    ],
)
def test_pressure_is_classified_by_the_norms_own_limits(
    years: int, systolic: float, diastolic: float, expected: str
) -> None:
    found = classify(PRESSURE, FollowUp(DAY, systolic, diastolic), born(years, DAY))
    assert found == expected


def test_the_65th_birthday_itself_widens_the_limit() -> None:
    birth_date = date(1961, 11, 20)
    visit = FollowUp(DAY, 145, 85)
    before = FollowUp(DAY - timedelta(days=1), 145, 85)
    assert classify(PRESSURE, visit, birth_date) is ControlClass.SATISFIED
    assert classify(PRESSURE, before, birth_date) is ControlClass.UNSATISFIED


def test_a_29_february_birthday_turns_65_on_1_march_of_a_common_year() -> None:
    birth_date = date(1960, 2, 29)
    eve, day = FollowUp(date(2025, 2, 28), 145, 85), FollowUp(date(2025, 3, 1), 145, 85)
    assert classify(PRESSURE, eve, birth_date) is ControlClass.UNSATISFIED
    assert classify(PRESSURE, day, birth_date) is ControlClass.SATISFIED


@pytest.mark.parametrize(
    ("fasting", "random", "expected"),
    [
        (6.9, None, "satisfied"),
        (7.0, None, "unsatisfied"),
        (None, 11.0, "satisfied"),
        (None, 11.1, "unsatisfied"),
        (6.0, 15.0, "satisfied"),
        (3.9, None, "unsatisfied"),
        (4.0, None, "satisfied"),
        (None, None, None),
    ],
)
def test_glucose_is_classified_by_the_norms_own_limits(
    fasting: float | None, random: float | None, expected: str | None
) -> None:
    assert classify(GLUCOSE, FollowUp(DAY, fasting=fasting, random=random), BORN) == expected


def test_the_most_severe_class_is_recorded() -> None:
    both = FollowUp(DAY, 150, 95, adverse_reaction=True, complication=True)
    assert classify(PRESSURE, both, BORN) is ControlClass.COMPLICATION
    reaction = FollowUp(DAY, 120, 75, adverse_reaction=True)
    assert classify(PRESSURE, reaction, BORN) is ControlClass.ADVERSE_REACTION


def test_a_diastolic_pressure_alone_shows_a_miss_and_never_control() -> None:
    assert classify(PRESSURE, FollowUp(DAY, diastolic=92), BORN) is ControlClass.UNSATISFIED
    assert classify(PRESSURE, FollowUp(DAY, diastolic=80), BORN) is None


@pytest.mark.parametrize(
    ("disease", "visit", "expected"),
    [
        (PRESSURE, FollowUp(DAY, 180, 80), Referral.URGENT),
        (PRESSURE, FollowUp(DAY, 179, 109), None),
        (PRESSURE, FollowUp(DAY, 150, 110), Referral.URGENT),
        (GLUCOSE, FollowUp(DAY, fasting=16.7), Referral.URGENT),
        (GLUCOSE, FollowUp(DAY, fasting=16.6), None),
        (GLUCOSE, FollowUp(DAY, random=3.9), Referral.URGENT),
        (GLUCOSE, FollowUp(DAY, 190, 100, fasting=6.0), None),
        (PRESSURE, FollowUp(DAY, 120, 70, complication=True), Referral.COMPLICATION),
        (PRESSURE, FollowUp(DAY, 120, 70, adverse_reaction=True), Referral.ADVERSE_REACTION),
    ],
)
def test_what_calls_for_a_referral_at_once(
    disease: Disease, visit: FollowUp, expected: Referral | None
) -> None:
    found = step(disease, [visit], BORN)
    assert found is not None
    assert found.referral is expected


def test_two_misses_running_are_a_referral_and_one_is_not() -> None:
    high, well = (DAY, 150, 95), (DAY - timedelta(days=14), 130, 80)
    first = step(PRESSURE, [FollowUp(*high), FollowUp(*well)], BORN)
    assert first is not None
    assert first.referral is None
    second = step(PRESSURE, [FollowUp(*high), FollowUp(well[0], 145, 80)], BORN)
    assert second is not None
    assert second.referral is Referral.TWICE_UNSATISFIED
    assert second.on == DAY + timedelta(days=14)


def test_a_follow_up_that_measured_nothing_breaks_no_row_of_misses() -> None:
    visits = [FollowUp(DAY, 150, 95), FollowUp(DAY, fasting=6.0), FollowUp(DAY, 148, 80)]
    found = step(PRESSURE, visits, BORN)
    assert found is not None
    assert found.referral is Referral.TWICE_UNSATISFIED


@pytest.mark.parametrize(
    ("day", "on"),
    [
        (date(2026, 11, 20), date(2027, 2, 20)),
        (date(2026, 11, 30), date(2027, 2, 28)),
        (date(2027, 11, 30), date(2028, 2, 29)),
        (date(2026, 12, 31), date(2027, 3, 31)),
    ],
)
def test_three_months_end_on_the_last_day_of_a_shorter_month(day: date, on: date) -> None:
    found = step(PRESSURE, [FollowUp(day, 120, 75)], BORN)
    assert found is not None
    assert found.on == on


def test_nothing_known_asks_for_nothing() -> None:
    assert step(PRESSURE, [], BORN) is None
    assert step(PRESSURE, [FollowUp(DAY)], BORN) is None


@given(pressures, st.integers(35, 100))
def test_the_class_is_the_models_own(pressure: tuple[int, int], years: int) -> None:
    """The stateless calculator and the follow-up never disagree."""
    systolic, diastolic = pressure
    told = evaluate(
        "cn_national_followup_control", {"age": years, "sbp": systolic, "dbp": diastolic}
    )
    visit = FollowUp(DAY, systolic, diastolic)
    assert classify(PRESSURE, visit, born(years, DAY)) == told["category"]
    assert norm.urgent(PRESSURE, visit) is told["terms"]["urgent"]


@given(pressures, days)
def test_the_next_follow_up_is_in_two_weeks_or_three_months(
    pressure: tuple[int, int], day: date
) -> None:
    found = step(PRESSURE, [FollowUp(day, *pressure)], BORN)
    assert found is not None
    if found.control is ControlClass.SATISFIED:
        assert found.on == months_after(day, 3)
        assert found.referral is None
    else:
        assert found.on == day + timedelta(days=14)
    assert found.referral in (None, Referral.URGENT)


@given(pressures)
def test_a_higher_pressure_is_never_better_controlled(pressure: tuple[int, int]) -> None:
    order = list(ControlClass)
    systolic, diastolic = pressure
    one = classify(PRESSURE, FollowUp(DAY, systolic, diastolic), BORN)
    more = classify(PRESSURE, FollowUp(DAY, systolic + 1, diastolic), BORN)
    assert one is not None
    assert more is not None
    assert order.index(more) >= order.index(one)


@pytest.mark.parametrize(
    ("years", "systolic", "diastolic"), [(40, 130, 80), (79, 130, 80), (80, 150, 90)]
)
def test_the_clinical_target_is_another_number_than_the_norm(
    years: int, systolic: float, diastolic: float
) -> None:
    found = norm.target(PRESSURE, years)
    assert found.below == {"systolic_bp": systolic, "diastolic_bp": diastolic}
    assert found.source is not norm.SOURCE


@given(st.integers(18, 120), st.sampled_from(list(Disease)))
def test_every_age_has_a_target_and_limits(years: int, disease: Disease) -> None:
    assert norm.target(disease, years).below
    assert norm.limits(disease, years)
