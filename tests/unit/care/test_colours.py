"""The five colours of a pregnancy: shown as a doctor entered them, and never computed."""

from datetime import date, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from service.domain.care import colours, names
from service.domain.care.situation import Deed
from service.domain.risk.assess import assess
from service.domain.risk.person import Person
from tests.unit.care.room import TODAY, at, done, read, somebody

BORN = date(1996, 5, 1)


def entered(colour: str, ago: int, *, status: str = "active", clinical: bool = True) -> Deed:
    told: dict[str, Any] = {f"condition:pregnancy_risk_{colour}": status}
    return done(TODAY - timedelta(days=ago), clinical=clinical, **told)


def shown(*deeds: Deed, pregnant: bool = True, **more: Any) -> list[str] | None:
    found = colours.pregnancy(somebody(BORN, pregnant=pregnant, deeds=deeds, **more))
    return None if found is None else [one["colour"] for one in found["colours"]]


def test_the_newest_colour_is_shown_with_its_day_and_source() -> None:
    who = somebody(BORN, pregnant=True, deeds=(entered("yellow", 40), entered("orange", 3)))
    found = colours.pregnancy(who)
    assert found is not None
    assert found["colours"] == [
        {
            "colour": "orange",
            "label": {
                "zh": "妊娠风险：橙色（较高风险）",
                "en": "Risk of the pregnancy: orange (raised)",
            },
            "entered": (TODAY - timedelta(days=3)).isoformat(),
        }
    ]
    assert "35号" in found["source"]


def test_purple_stands_beside_another_colour() -> None:
    assert shown(entered("green", 5), entered("purple", 30)) == ["green", "purple"]
    assert shown(entered("purple", 30)) == ["purple"]
    assert names.class_of("condition:pregnancy_risk_purple") == "infectious"
    assert names.class_of("condition:pregnancy_risk_red") == "reproductive"


def test_a_colour_that_is_over_gives_way_to_the_one_before() -> None:
    over = entered("red", 2, status="resolved")
    assert shown(entered("yellow", 40), entered("red", 10), over) == ["yellow"]


def test_nobody_gives_herself_a_colour() -> None:
    assert shown(entered("green", 1, clinical=False)) == []


def test_only_in_pregnancy() -> None:
    assert shown(entered("green", 1), pregnant=False) is None


@given(
    st.integers(90, 230),
    st.sampled_from(["never", "every day"]),
    st.sampled_from(["hypertension", "diabetes_type_1", "ckd_4"]),
)
def test_no_reading_makes_a_colour(systolic: int, smoking: str, ill: str) -> None:
    readings = read({"systolic_bp": systolic, "smoking_status": smoking}, TODAY)
    assert shown(readings=readings, conditions={ill}) == []


@given(st.sampled_from([*colours.GRADED, colours.BESIDE]))
def test_a_colour_moves_no_level(colour: str) -> None:
    readings = read({"systolic_bp": 112, "diastolic_bp": 70}, TODAY)
    plain = Person("female", BORN)
    coloured = Person("female", BORN, conditions=frozenset({f"pregnancy_risk_{colour}"}))
    now = at(TODAY, 12)
    assert assess(coloured, readings, now).level == assess(plain, readings, now).level
