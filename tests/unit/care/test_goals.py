"""Goals: what a record states, and how much of the way is done."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.care import goals
from service.domain.care.goals import AIMS, OWN, PATH, Goal, Point, Progress, from_path, stated
from service.domain.care.plan import aims
from service.domain.risk.person import Reading
from service.domain.vocabulary.codes import CODES
from service.domain.vocabulary.measures import MEASURES
from tests.unit.care.room import TODAY, born, read, somebody

SINCE = date(2026, 9, 1)
numbers = st.floats(0.5, 500, allow_nan=False)
directions = st.sampled_from(["at_most", "below", "at_least"])


def goal(direction: str, target: float, **more: object) -> Goal:
    return Goal("body_weight", direction, target, "resident", OWN, **more)  # type: ignore[arg-type]


def of(code: str, **values: float | str) -> list[Goal]:
    return stated(code, values, since=SINCE, record="r", by_practitioner=False)


@pytest.mark.parametrize(
    ("direction", "target", "baseline", "latest", "percent"),
    [
        ("at_most", 65, 75, 75, 0),
        ("at_most", 65, 75, 70, 50),
        ("at_most", 65, 75, 65.05, 99),
        ("at_most", 65, 75, 65, 100),
        ("at_most", 65, 75, 60, 100),
        ("at_most", 65, 75, 80, 0),
        ("at_most", 65, 60, 70, 0),
        ("below", 140, 160, 140, 99),
        ("below", 140, 160, 139, 100),
        ("at_least", 8000, 4000, 5000, 25),
        ("at_least", 8000, 4000, 8000, 100),
    ],
)
def test_progress_is_the_share_of_the_way(
    direction: str, target: float, baseline: float, latest: float, percent: int
) -> None:
    assert goal(direction, target).percent(baseline, latest) == percent


@given(directions, numbers, numbers, numbers)
def test_a_hundred_percent_is_exactly_when_the_goal_is_met(
    direction: str, target: float, baseline: float, latest: float
) -> None:
    aim = goal(direction, target)
    found = aim.percent(baseline, latest)
    assert 0 <= found <= 100
    assert (found == 100) is aim.met(latest)


@given(numbers, numbers, numbers, st.floats(0, 100))
def test_going_on_is_never_less_progress(
    target: float, baseline: float, latest: float, further: float
) -> None:
    aim = goal("at_most", target)
    assert aim.percent(baseline, latest - further) >= aim.percent(baseline, latest)
    up = goal("at_least", target)
    assert up.percent(baseline, latest + further) >= up.percent(baseline, latest)


def test_without_a_baseline_there_is_no_way_to_measure() -> None:
    assert goal("at_most", 65).percent(None, 70) == 0
    assert goal("at_most", 65).percent(None, 64) == 100


@pytest.mark.parametrize(
    ("latest", "met"), [(58.2, True), (58.19, False), (61.8, True), (61.81, False)]
)
def test_keeping_is_staying_within_three_percent(latest: float, met: bool) -> None:
    (keep,) = of("keep_weight", body_weight=60)
    assert keep.met(latest) is met
    assert keep.percent(60, latest) == (100 if met else 0)


def test_stopping_smoking_needs_no_number() -> None:
    (stop,) = of("stop_smoking")
    assert (stop.target, stop.source.id) == ("former", "tobacco")
    assert stop.met("former")
    assert stop.met("never")
    assert not stop.met("some days")


def test_a_goal_without_a_number_takes_the_guidelines_and_cites_it() -> None:
    (salt,) = of("less_salt")
    assert (salt.target, salt.source.id) == (5, "diet_2022")
    (own,) = of("less_salt", salt_intake=6)
    assert (own.target, own.source) == (6, OWN)


def test_a_goal_says_on_whose_authority() -> None:
    (mine,) = of("lower_weight", body_weight=65)
    assert (mine.authority, mine.since, mine.record) == ("resident", SINCE, "r")
    (doctors,) = stated(
        "lower_weight", {"body_weight": 65}, since=SINCE, record="r", by_practitioner=True
    )
    assert doctors.authority == "practitioner"


def test_both_pressures_of_a_goal_are_two_goals() -> None:
    found = of("lower_blood_pressure", systolic_bp=130, diastolic_bp=80)
    assert [one.measure for one in found] == ["systolic_bp", "diastolic_bp"]


def test_what_cannot_be_computed_is_no_progress() -> None:
    assert of("other_goal") == []
    assert of("lower_weight") == []
    assert of("lower_weight", systolic_bp=120) == []


def test_every_code_of_a_goal_but_the_open_one_has_measures() -> None:
    assert set(CODES["goal"]) - {"other_goal"} == set(AIMS)
    for aim in AIMS.values():
        assert set(aim.measures) <= set(MEASURES)
        assert set(aim.number) <= set(aim.measures)
        for name in aim.measures:
            coded = MEASURES[name].options is not None
            assert coded is (aim.direction == "become")


def test_a_path_is_a_suggestion_with_a_direction() -> None:
    changes = [
        {"measure": "systolic_bp", "from": 152, "to": 139},
        {"measure": "smoking_status", "from": "every day", "to": "former"},
        {"measure": "exercise_days_week", "from": None, "to": 3},
        {"measure": "moderate_activity_week", "from": 30, "to": 90},
    ]
    found = from_path([{"to_level": 3, "changes": changes}, {"to_level": 2, "changes": []}])
    directions_ = [one.direction for one in found]
    assert directions_ == ["at_most", "become", "at_least", "at_least"]
    assert {one.authority for one in found} == {"path"}
    assert {one.source for one in found} == {PATH}
    assert from_path(()) == []


def test_norm_and_guideline_stand_beside_each_other_and_before_the_path() -> None:
    readings = read({"systolic_bp": 158, "diastolic_bp": 96, "smoking_status": "every day"}, TODAY)
    who = somebody(born(60), readings=readings, conditions={"hypertension"})
    assert who.assessment.path
    mine = of("lower_weight", body_weight=65)
    found = aims(who, mine)
    assert found[0] is mine[0]
    systolic = [(one.authority, one.target) for one in found if one.measure == "systolic_bp"]
    assert systolic == [("norm", 140), ("guideline", 130)]
    assert {one.measure for one in found if one.authority == "path"} == {"smoking_status"}


def test_what_is_taken_on_is_suggested_no_more() -> None:
    readings = read({"systolic_bp": 158, "diastolic_bp": 96, "smoking_status": "every day"}, TODAY)
    who = somebody(born(60), readings=readings, conditions={"hypertension"})
    assert [one.authority for one in aims(who, []) if one.target == "former"] == ["path"]
    found = [one.authority for one in aims(who, of("stop_smoking")) if one.target == "former"]
    assert found == ["resident"]


def test_a_cholesterol_target_is_that_of_the_stratum_and_needs_a_value() -> None:
    def targets(readings: dict[str, list[Reading]]) -> list[tuple[float | str, str]]:
        who = somebody(born(60), readings=readings, conditions={"diabetes_type_2"})
        return [(one.target, one.authority) for one in aims(who, []) if one.measure == "ldl_c"]

    pressure = {"systolic_bp": 120.0, "diastolic_bp": 75.0}
    assert targets(read(pressure, TODAY)) == []
    # Diabetes from 40 years: below 1.8 mmol/L (cn_lipid_2023).
    assert targets(read({**pressure, "ldl_c": 3.0}, TODAY)) == [(1.8, "guideline")]


def test_progress_without_a_value_says_so() -> None:
    found = Progress(goal("at_most", 65), None, None).shown()
    assert (found["latest"], found["percent"], found["met"]) == (None, None, None)
    known = Progress(goal("at_most", 65), Point(75, SINCE), Point(70, TODAY)).shown()
    assert known["baseline"] == {"value": 75, "day": "2026-09-01"}
    assert (known["percent"], known["met"]) == (50, False)
    assert goals.RISING
