"""How a child grows stands where an adult has a level: WHO's own examples, and no level."""

from datetime import date, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from service.domain.care.growing import growth
from service.domain.care.situation import Situation
from tests.unit.care.room import TODAY, born, done, read, somebody


def measured(age_days: int, sex: str, ago: int = 0, **values: float) -> Situation:
    day = TODAY - timedelta(days=ago)
    return somebody(
        day - timedelta(days=age_days), sex=sex, deeds=(done(day, clinical=False, **values),)
    )


def z_of(who: Situation) -> dict[str, float]:
    found = growth(who)
    assert found is not None
    return {one["indicator"]: one["z"] for one in found["findings"]}


def test_the_worked_examples_of_the_tables() -> None:
    assert z_of(measured(365, "male", body_weight=9.6))["weight_for_age"] == -0.04
    tall = z_of(measured(730, "female", body_height=84.0))
    assert tall["length_height_for_age"] == -0.74


def test_the_age_is_that_of_the_day_of_measuring() -> None:
    assert z_of(measured(365, "male", ago=200, body_weight=9.6))["weight_for_age"] == -0.04


def test_a_schoolchild_is_judged_by_the_chinese_cut_offs_as_well() -> None:
    values = {"body_height": 150.0, "body_weight": 50.2}
    who = somebody(date(2013, 9, 10), readings=read(values, TODAY))
    found = growth(who)
    assert found is not None
    assert found["school_age"]["category"] == "overweight"
    assert "WS/T" in found["source"]
    assert found["grade"] == "B"


def test_measurements_of_different_days_are_not_one() -> None:
    readings = read({"body_height": 150.0}, TODAY - timedelta(days=40))
    readings |= read({"body_weight": 50.2}, TODAY)
    found = growth(somebody(date(2013, 9, 10), readings=readings))
    assert found is not None
    assert found["school_age"] is None


def test_adults_and_the_unmeasured_have_none() -> None:
    assert growth(somebody(born(18), readings=read({"body_weight": 60.0}, TODAY))) is None
    assert growth(somebody(born(17), readings=read({"body_weight": 60.0}, TODAY))) is not None
    assert growth(somebody(born(5))) is None


def test_what_is_not_plausible_is_not_judged() -> None:
    found = growth(measured(365, "male", body_weight=30.0))
    assert found is not None
    assert [one["category"] for one in found["findings"] if not one["plausible"]] == [None]
    assert "重新测量" in found["caveat"]["zh"]


@given(
    st.integers(0, 17),
    st.integers(0, 364),
    st.sampled_from(["female", "male"]),
    st.floats(45, 190),
    st.floats(2, 120),
)
def test_no_measurement_gives_a_child_a_level(
    years: int, days: int, sex: str, height: float, weight: float
) -> None:
    values: dict[str, Any] = {"body_height": height, "body_weight": weight}
    who = somebody(born(years, days=days), sex=sex, readings=read(values, TODAY))
    assert who.assessment.level is None
    assert who.assessment.reason is not None
    found = growth(who)
    assert found is not None
    assert found["findings"]
