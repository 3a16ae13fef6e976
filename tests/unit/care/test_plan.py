"""A plan: follow-ups by visits and home readings, messages of the stage, lines with sources."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.care import followed, messages
from service.domain.care.goals import Point
from service.domain.care.norm import Disease
from service.domain.care.plan import due_list, plan
from service.domain.care.situation import Deed
from service.domain.life import Stage
from tests.unit.care.room import TODAY, born, done, read, somebody

ILL = {"hypertension"}


def nothing(measure: str, since: date | None) -> tuple[Point | None, Point | None]:
    return None, None


def follow_up(*deeds: Deed, home: dict[str, Any] | None = None, ago: int = 0) -> dict[str, Any]:
    readings = read(home or {}, TODAY - timedelta(days=ago))
    who = somebody(born(50), conditions=ILL, deeds=deeds, readings=readings)
    (found,) = followed.follow_ups(who)
    return found


def visit(ago: int, systolic: float, diastolic: float = 80) -> Deed:
    return done(TODAY - timedelta(days=ago), systolic_bp=systolic, diastolic_bp=diastolic)


def test_a_diagnosis_without_a_reading_is_due_today() -> None:
    found = follow_up()
    assert (found["control"], found["basis"], found["last"]) == (None, None, None)
    assert found["due"] == TODAY.isoformat()
    assert found["overdue"] is True


def test_nobody_is_followed_without_a_diagnosis() -> None:
    who = somebody(born(50), readings=read({"systolic_bp": 170, "diastolic_bp": 100}, TODAY))
    assert followed.follow_ups(who) == []


def test_two_bad_visits_are_a_referral() -> None:
    found = follow_up(visit(20, 150), visit(6, 148))
    assert found["control"]["class"] == "unsatisfied"
    assert found["referral"]["reason"] == "twice_unsatisfied"
    assert found["due"] == (TODAY + timedelta(days=8)).isoformat()
    assert found["basis"] == "visit"


def test_two_bad_days_at_home_are_no_referral() -> None:
    home = {"systolic_bp": 152, "diastolic_bp": 88}
    found = follow_up(done(TODAY, clinical=False, **home), home=home)
    assert found["referral"] is None
    assert found["basis"] == "home"
    assert found["visits_this_year"] == 0


def test_an_urgent_reading_at_home_calls_for_help() -> None:
    found = follow_up(home={"systolic_bp": 182, "diastolic_bp": 100})
    assert found["referral"]["reason"] == "urgent"


def test_a_good_day_at_home_takes_no_referral_back_and_puts_no_visit_off() -> None:
    found = follow_up(visit(20, 150), visit(6, 148), home={"systolic_bp": 120, "diastolic_bp": 70})
    assert found["control"]["class"] == "satisfied"
    assert found["referral"]["reason"] == "twice_unsatisfied"
    assert found["due"] == (TODAY + timedelta(days=8)).isoformat()


def test_a_bad_day_at_home_brings_the_visit_forward() -> None:
    found = follow_up(visit(6, 130), home={"systolic_bp": 150, "diastolic_bp": 80})
    assert found["due"] == (TODAY + timedelta(days=14)).isoformat()


def test_an_older_reading_at_home_says_nothing_after_a_visit() -> None:
    found = follow_up(visit(2, 130), home={"systolic_bp": 160, "diastolic_bp": 90}, ago=5)
    assert (found["basis"], found["control"]["class"]) == ("visit", "satisfied")


def test_readings_of_one_day_are_one_visit() -> None:
    found = follow_up(visit(6, 150), visit(6, 150))
    assert found["visits_this_year"] == 1
    assert found["referral"] is None


def test_visits_of_this_calendar_year_are_counted() -> None:
    new_year = (TODAY - date(2026, 1, 1)).days
    found = follow_up(visit(new_year, 130), visit(new_year + 1, 130), visit(3, 130))
    assert (found["visits_this_year"], found["visits_a_year"]) == (2, 4)


def test_norm_and_clinical_target_are_two_numbers_with_two_sources() -> None:
    found = follow_up(visit(3, 135))
    assert found["control"]["class"] == "satisfied"
    assert found["norm"] == {"systolic_bp": 140, "diastolic_bp": 90}
    assert found["target"]["below"] == {"systolic_bp": 130, "diastolic_bp": 80}
    assert found["target"]["source"] != found["source"]


def test_glucose_at_home_is_of_its_own_day() -> None:
    old, new = TODAY - timedelta(days=9), TODAY - timedelta(days=1)
    readings = read({"glucose_fasting": 9.0}, old) | read({"glucose_random": 8.0}, new)
    who = somebody(born(50), conditions={"diabetes_type_2"}, readings=readings)
    (found,) = followed.at_home(Disease.DIABETES, who)
    assert (found.day, found.fasting, found.random) == (new, None, 8.0)


def test_what_is_followed_is_not_due_a_second_time() -> None:
    ill = somebody(born(50), conditions=ILL)
    assert "blood_pressure" not in {one.item for one in due_list(ill)}
    assert "blood_pressure" in {one.item for one in due_list(somebody(born(50)))}


@pytest.mark.parametrize(
    ("years", "days", "expected"),
    [
        (2, 0, "active-under-3"),
        (3, 0, "active-3-to-5"),
        (6, 0, "active-6-to-17"),
        (18, 0, "active-adult"),
        (65, 0, "active-older"),
        (65, -1, "active-adult"),
        (18, -1, "active-6-to-17"),
        (3, -1, "active-under-3"),
    ],
)
def test_every_age_is_told_its_own_goal_of_activity(years: int, days: int, expected: str) -> None:
    who = somebody(born(years, days=days))
    told = [one["id"] for one in messages.messages(who) if one["id"].startswith("active")]
    assert told == [expected]


@given(st.dates(date(1916, 1, 1), TODAY), st.sampled_from(["female", "male"]), st.booleans())
def test_everybody_has_one_message_on_activity(birth_date: date, sex: str, pregnant: bool) -> None:
    who = somebody(birth_date, sex=sex, pregnant=pregnant and sex == "female")
    told = [one["id"] for one in messages.messages(who) if one["id"].startswith("active")]
    assert len(told) == 1
    assert (told == ["active-pregnant"]) is (who.stage is Stage.PREGNANT)


def test_what_is_urgent_comes_first() -> None:
    readings = read({"systolic_bp": 190, "diastolic_bp": 120}, TODAY)
    told = messages.messages(somebody(born(50), readings=readings))
    assert told[0]["id"] == "urgent-blood_pressure"


@given(st.dates(date(1916, 1, 1), TODAY), st.sampled_from(["female", "male"]), st.booleans())
def test_every_line_of_every_plan_is_sourced(birth_date: date, sex: str, ill: bool) -> None:
    readings = read({"systolic_bp": 158, "diastolic_bp": 96, "smoking_status": "every day"}, TODAY)
    who = somebody(birth_date, sex=sex, readings=readings, conditions=ILL if ill else frozenset())
    found = plan(who, [], nothing)
    lines = [line for part in found.values() if isinstance(part, list) for line in part]
    assert lines
    for line in (*lines, *(one["target"] for one in found["follow_ups"])):
        assert line["source"]
        assert line["grade"] in "ABCP"
        assert line["caveat"]["zh"]
        assert line["caveat"]["en"]


def test_a_plan_is_of_the_persons_own_day() -> None:
    found = plan(somebody(born(65)), [], nothing)
    assert found["day"] == TODAY.isoformat()
    assert found["life_stage"] == "older"
    assert datetime.fromisoformat(found["day"])
