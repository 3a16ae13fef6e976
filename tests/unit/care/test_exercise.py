"""The exercise part of a plan: from the record to the rules, referring wherever something lacks."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.care import exercise
from service.domain.care.sources import read as table
from service.domain.exercise.rules import document, red_flags, rules
from service.domain.vocabulary.codes import CODES
from tests.unit.care.room import TODAY, born, done, read, somebody

PRESSURE = {"systolic_bp": 128.0, "diastolic_bp": 78.0}
NO = done(TODAY, clinical=False, parq_any_yes="no")


def shown(years: int, values: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    who = somebody(born(years), readings=read(values or {}, TODAY), **more)
    return exercise.exercise(who)


def ids(found: dict[str, Any]) -> set[str]:
    return {one["id"] for one in found["reasons"]}


def test_the_worked_example_of_the_rules() -> None:
    """68 years, hypertension and obesity: 5 days, 60-80 %, 40-60 minutes, 96-128 beats."""
    found = shown(
        68,
        {**PRESSURE, "body_weight": 80.0, "body_height": 160.0, "exercise_days_week": 3},
        conditions={"hypertension"},
        medications={"statin"},
        deeds=(NO,),
    )
    assert found["status"] == "prescribed"
    session = found["session"]
    assert session["days"] == {"low": 5, "high": 5}
    assert session["minutes"] == {"low": 40, "high": 60}
    assert found["target_heart_rate"]["low"] == 96


def test_a_healthy_adult_has_the_goal_of_their_age() -> None:
    found = shown(40, PRESSURE, deeds=(NO,))
    assert (found["status"], found["rules"]) == ("prescribed", ["base_18_64"])
    assert found["goal"]
    assert exercise.NOT_ASKED.zh not in found["caveat"]["zh"]


def test_questions_that_were_not_answered_are_said() -> None:
    assert exercise.NOT_ASKED.zh in shown(40, PRESSURE)["caveat"]["zh"]
    old = done(TODAY - timedelta(days=365), clinical=False, parq_any_yes="no")
    assert exercise.NOT_ASKED.en in shown(40, PRESSURE, deeds=(old,))["caveat"]["en"]
    fresh = done(TODAY - timedelta(days=364), clinical=False, parq_any_yes="no")
    assert exercise.NOT_ASKED.en not in shown(40, PRESSURE, deeds=(fresh,))["caveat"]["en"]


def test_a_yes_is_referred() -> None:
    yes = done(TODAY, clinical=False, parq_any_yes="yes")
    found = shown(40, PRESSURE, deeds=(yes,))
    assert (found["status"], found["session"]) == ("refer", {})


@pytest.mark.parametrize("code", ["stroke", "coronary_heart_disease", "aortic_disease", "ckd_4"])
def test_known_disease_without_clearance_is_referred(code: str) -> None:
    found = shown(60, PRESSURE, conditions={code}, deeds=(NO,))
    assert found["status"] == "refer"
    assert "clearance" in ids(found)


def test_a_stent_counts_as_the_disease_it_treats() -> None:
    stent = done(TODAY - timedelta(days=4000), "procedure:coronary_stent")
    assert shown(60, PRESSURE, deeds=(stent, NO))["status"] == "refer"


def test_a_pressure_that_stops_stops() -> None:
    found = shown(50, {"systolic_bp": 182.0, "diastolic_bp": 100.0}, deeds=(NO,))
    assert found["status"] == "refer"
    assert "sbp" in ids(found)


def test_medicines_that_are_not_recorded_are_not_known() -> None:
    ill = {"conditions": {"hypertension"}, "deeds": (NO,)}
    assert "missing-medication" in ids(shown(50, PRESSURE, **ill))
    known = shown(50, PRESSURE, medications={"antihypertensive"}, **ill)
    assert known["status"] == "prescribed"
    assert known["target_heart_rate"] is None
    assert known["instead"] is not None
    other = shown(50, PRESSURE, medications={"statin"}, **ill)
    assert other["target_heart_rate"] is not None


def test_pregnancy_needs_its_week_and_pressure() -> None:
    week = done(TODAY, gestational_age=20.0)
    known = shown(30, PRESSURE, pregnant=True, deeds=(week, NO))
    assert known["status"] == "prescribed"
    assert known["ceiling"] == "moderate"
    assert shown(30, PRESSURE, pregnant=True, deeds=(NO,))["status"] == "refer"
    raised = shown(
        30, PRESSURE, pregnant=True, conditions={"gestational_hypertension"}, deeds=(week, NO)
    )
    assert raised["status"] == "refer"


def test_words_are_the_rules_own_and_codes_the_vocabularys() -> None:
    words = {word for rule in rules() for word in rule.conditions or ()}
    words |= set(document()["diseases"]["conditions"]) | set(document()["no_heart_rate"]["when"])
    known = table("exercise")
    for part in ("conditions", "procedures", "body"):
        assert set(known[part].values()) <= words, part
    assert set(known["red_flags"].values()) <= set(red_flags())
    assert {f"takes_{word}" for word in known["medications"].values()} <= words
    assert set(known["conditions"]) | set(known["red_flags"]) <= set(CODES["condition"])
    assert set(known["procedures"]) <= set(CODES["procedure"])
    assert set(known["medications"]) <= set(CODES["medication"])


@given(
    st.integers(0, 100),
    st.sets(st.sampled_from(sorted(CODES["condition"])), max_size=4),
    st.sets(st.sampled_from(sorted(CODES["medication"])), max_size=2),
    st.booleans(),
)
def test_everybody_has_a_prescription_or_reasons(
    years: int, ill: set[str], medicines: set[str], pregnant: bool
) -> None:
    found = shown(
        years,
        PRESSURE,
        conditions=ill,
        medications=medicines,
        pregnant=pregnant and 15 <= years <= 50,
    )
    assert found["source"]
    assert found["grade"] in "ABC"
    assert found["caveat"]["zh"]
    if found["status"] == "refer":
        assert found["reasons"]
        assert not found["session"]
        assert not found["goal"]
    else:
        assert found["goal"]
        assert all(one["low"] <= one["high"] for one in found["session"].values())
