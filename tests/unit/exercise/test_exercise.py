"""Exercise: a red flag stops everything, a prescription is inside every rule it comes from."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.exercise import heart_rate
from service.domain.exercise.prescription import Prescription, merged, prescribe, vigorous_from
from service.domain.exercise.rules import Interval, document, red_flags, rules
from service.domain.exercise.screening import Person, screen

CONDITIONS = sorted(
    {name for rule in rules() for name in rule.conditions or ()}
    | set(document()["diseases"]["conditions"])
)
NEEDED = frozenset({name for rule in rules() for name in rule.needs})
people = st.builds(
    Person,
    age=st.integers(0, 110),
    conditions=st.frozensets(st.sampled_from(CONDITIONS), max_size=3),
    medications=st.none() | st.frozensets(st.sampled_from(["beta_blocker", "non_dhp_ccb"])),
    red_flags=st.frozensets(st.sampled_from(sorted(red_flags())), max_size=1),
    exercises=st.booleans(),
    doctor_clearance=st.booleans(),
    sbp=st.none() | st.floats(80, 230),
    dbp=st.none() | st.floats(40, 130),
    spo2=st.none() | st.floats(70, 100),
    safe_upper_hr=st.none() | st.integers(90, 150),
    other=st.just(NEEDED) | st.just(frozenset()),
)


def person(age: int, *conditions: str, **more: Any) -> Person:
    """Somebody of whom everything that rules need is known."""
    known: dict[str, Any] = {
        "medications": frozenset(), "sbp": 130, "dbp": 80, "spo2": 98, "other": NEEDED,
        "doctor_clearance": True,
    }  # fmt: skip
    return Person(age, frozenset(conditions), **(known | more))


def test_every_rule_of_the_reference_is_there() -> None:
    assert len(rules()) == 19
    assert len({rule.id for rule in rules()}) == 19
    for rule in rules():
        assert all(not interval.empty for interval in rule.intervals.values()), rule.id
        assert set(rule.sources) <= set(document()["sources"])


def test_the_worked_example() -> None:
    found = prescribe(person(68, "hypertension", "obesity", doctor_clearance=False))
    assert found.status == "prescribed"
    assert found.intervals["days"] == (5, 5)
    assert found.intervals["pct_hrmax"] == (60, 80)
    assert found.intervals["minutes"] == (40, 60)
    assert found.intervals["resistance_reps"] == (10, 15)
    assert found.intervals["resistance_days"] == (3, 3)
    assert heart_rate.highest(68) == 1604
    assert found.target_hr == (96, 128)


def test_heart_rate_formulas() -> None:
    assert (heart_rate.highest(40), heart_rate.highest(65)) == (1800, 1625)
    assert heart_rate.karvonen(25, 50, 85) == 1694
    assert heart_rate.target(40, Interval(65, 65)) == (117, 117)


@pytest.mark.parametrize("flag", sorted(red_flags()))
def test_each_red_flag_stops_even_the_fit_and_cleared(flag: str) -> None:
    found = prescribe(person(30, exercises=True, red_flags=frozenset({flag})))
    assert (found.status, found.ceiling, found.vigorous) == ("refer", "none", False)
    assert found.reasons[0].id == flag


def test_a_sign_nobody_knows_stops_as_well() -> None:
    assert screen(person(30, red_flags=frozenset({"no such sign"}))).ceiling == "none"


@pytest.mark.parametrize(
    ("reading", "ceiling"),
    [({"sbp": 179}, "vigorous"), ({"sbp": 180}, "none"), ({"sbp": 200}, "none"),
     ({"dbp": 109}, "vigorous"), ({"dbp": 110}, "none"), ({"dbp": 115}, "none"),
     ({"spo2": 90}, "vigorous"), ({"spo2": 89.9}, "none"), ({"spo2": 84}, "none")],
)  # fmt: skip
def test_stop_values_at_their_edges(reading: dict[str, float], ceiling: str) -> None:
    assert screen(person(40, **reading)).ceiling == ceiling


def test_the_two_pressure_floors_name_their_sources() -> None:
    assert [reason.source for reason in screen(person(40, sbp=200)).reasons] == ["nasm7"]
    assert [reason.source for reason in screen(person(40, sbp=185)).reasons] == ["acsm_mem"]


@pytest.mark.parametrize(
    ("disease", "exercises", "cleared", "ceiling"),
    [(False, False, False, "vigorous"), (False, True, False, "vigorous"),
     (True, False, False, "none"), (True, False, True, "moderate"),
     (True, True, False, "moderate"), (True, True, True, "vigorous")],
)  # fmt: skip
def test_the_branches_of_screening(
    disease: bool, exercises: bool, cleared: bool, ceiling: str
) -> None:
    conditions = ("type2_diabetes",) if disease else ()
    one = person(50, *conditions, exercises=exercises, doctor_clearance=cleared)
    assert screen(one).ceiling == ceiling


@pytest.mark.parametrize(
    "more",
    [{"medications": frozenset({"beta_blocker"})}, {"medications": frozenset({"non_dhp_ccb"})}],
)
def test_no_heart_rate_with_a_drug_that_changes_it(more: dict[str, Any]) -> None:
    found = prescribe(person(60, "hypertension", **more))
    assert found.status == "prescribed"
    assert found.target_hr is None
    assert found.instead is not None


@pytest.mark.parametrize(
    "condition", ["coronary_heart_disease", "atrial_fibrillation", "pacemaker"]
)
def test_no_heart_rate_with_a_heart_that_no_formula_fits(condition: str) -> None:
    one = person(60, condition, "hypertension", safe_upper_hr=115, exercises=True)
    found = prescribe(one)
    assert found.status == "prescribed"
    assert (found.target_hr, found.doctor_upper_hr) == (None, 115)


@pytest.mark.parametrize(
    ("condition", "unknown"),
    [("hypertension", "sbp"), ("hypertension", "medications"), ("pregnant", "dbp"),
     ("copd", "spo2"), ("coronary_heart_disease", "safe_upper_hr")],
)  # fmt: skip
def test_a_rule_with_limits_needs_what_it_needs(condition: str, unknown: str) -> None:
    known = person(40, condition, safe_upper_hr=110)
    assert prescribe(known).status == "prescribed"
    blind = person(40, condition, **{"safe_upper_hr": 110, unknown: None})
    found = prescribe(blind)
    assert found.status == "refer"
    assert any(reason.id.startswith("missing-") for reason in found.reasons)


def test_cancer_needs_clearance() -> None:
    assert prescribe(person(50, "cancer_treatment", doctor_clearance=False)).status == "refer"
    found = prescribe(person(50, "cancer_treatment"))
    assert (found.status, found.vigorous) == ("prescribed", False)


def test_an_empty_intersection_is_referred() -> None:
    """Obesity asks for 40 minutes and more, cancer for 30 and less."""
    found = prescribe(person(50, "obesity", "cancer_survivor"))
    assert found.status == "refer"
    assert "empty-minutes" in {reason.id for reason in found.reasons}


@pytest.mark.parametrize("condition", ["pregnant", "copd", "osteoporosis", "arthritis"])
def test_no_vigorous_goal_beside_a_gentle_session(condition: str) -> None:
    found = prescribe(person(30, condition, exercises=True))
    assert (found.status, found.ceiling, found.vigorous) == ("prescribed", "moderate", False)


@given(people)
def test_everybody_gets_a_prescription_or_a_reason(one: Person) -> None:
    found = prescribe(one)
    if found.status == "refer":
        assert found.reasons
        assert (found.intervals, found.target_hr, found.goal) == ({}, None, {})
    else:
        assert found.goal
        assert found.notes


@given(people)
def test_a_red_flag_never_gives_vigorous_exercise(one: Person) -> None:
    found = prescribe(one)
    if one.red_flags or (one.sbp or 0) >= 180 or (one.dbp or 0) >= 110 or (one.spo2 or 99) < 90:
        assert (found.status, found.ceiling, found.vigorous) == ("refer", "none", False)
    assert not (found.vigorous and found.ceiling != "vigorous")


@given(people)
def test_the_merged_interval_is_inside_each(one: Person) -> None:
    found = prescribe(one)
    for rule in rules():
        if rule.id in found.rules:
            for key, interval in found.intervals.items():
                if key in rule.intervals:
                    outer = rule.intervals[key]
                    assert outer.low <= interval.low <= interval.high <= outer.high


@given(people)
def test_a_number_for_the_heart_only_where_a_formula_may_be_used(one: Person) -> None:
    found: Prescription = prescribe(one)
    if one.medications or one.conditions & {"coronary_heart_disease", "heart_failure"}:
        assert found.target_hr is None
    if found.target_hr is not None:
        assert found.instead is None
        assert found.target_hr.high <= heart_rate.highest(one.age) // 10


@given(st.lists(st.sampled_from([rule for rule in rules() if rule.intervals])))
def test_a_lower_ceiling_only_takes_away(sessions: list[Any]) -> None:
    all_of_it, less = merged(sessions, "vigorous"), merged(sessions, "moderate")
    assert set(less) <= set(all_of_it)
    if "pct_hrmax" in less:
        assert less["pct_hrmax"].high < vigorous_from()
