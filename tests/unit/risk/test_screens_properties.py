"""What holds of screens whoever the person is and whatever is known of them."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from service.domain.risk.advice import MESSAGES
from service.domain.risk.assess import assess, assess_level
from service.domain.risk.person import Person, Reading
from service.domain.risk.reasons import SCREENS
from tests.unit.risk.people import NOW, Readings, people, readings
from tests.unit.risk.test_assess_properties import _assert_never_lower, many
from tests.unit.risk.test_screens import advised, entry


@many
@given(people(low=18), readings())
def test_a_level_moved_by_a_screen_is_told_as_a_check(person: Person, found: Readings) -> None:
    assessment = assess(person, found, NOW, paths=False)
    for name in set(assessment.causes) & set(SCREENS):
        ids = {message["id"] for message in MESSAGES if message["factor"] == name}
        assert ids & advised(assessment)


@many
@given(people(low=18), readings())
def test_without_infectious_codes_nothing_tells_of_hepatitis(
    person: Person, found: Readings
) -> None:
    hidden = person.conditions - {"chronic_hepatitis", "chronic_hepatitis_b", "chronic_hepatitis_c"}
    known = Person(person.sex, person.birth_date, conditions=hidden)
    assessment = assess(known, found, NOW, paths=False)
    assert entry(assessment, "amap_hcc") is None
    assert not {one for one in advised(assessment) if one.startswith("liver-amap")}
    assert "albumin" not in assessment.missing


@many
@given(people(low=18), readings(), st.floats(1, 500))
def test_higher_liver_enzymes_never_lower_the_level(
    person: Person, found: Readings, more: float
) -> None:
    # ALT is left out: it stands under FIB-4's fraction.
    _assert_never_lower(person, found, {"ast": more, "ggt": more})


@many
@given(people(low=18), readings(), st.floats(0.1, 20))
def test_higher_triglycerides_and_bilirubin_never_lower_the_level(
    person: Person, found: Readings, more: float
) -> None:
    _assert_never_lower(person, found, {"triglycerides": more, "bilirubin_total": more})


@many
@given(people(low=18), readings())
def test_having_smoked_is_one_point_and_quitting_keeps_it(person: Person, found: Readings) -> None:
    scores: list[Any] = []
    for status in ("never", "former", "every day"):
        told_ = {**found, "smoking_status": [Reading(status, NOW)]}
        told_.pop("cigarettes_per_day", None)
        score = entry(assess(person, told_, NOW, paths=False), "apcs")
        scores.append(None if score is None else score["value"])
    assert scores[1] == scores[2]
    assert scores[0] is None or scores[0] == scores[1] - 1


@many
@given(people(low=18), readings(), st.sampled_from(["copd", "chronic_hepatitis_b", "fatty_liver"]))
def test_one_more_known_reason_to_look_never_lowers_the_level(
    person: Person, found: Readings, code: str
) -> None:
    more = Person(
        person.sex,
        person.birth_date,
        person.north,
        person.urban,
        person.conditions | {code},
        person.medications,
        person.family_history,
    )
    before, after = assess_level(person, found, NOW), assess_level(more, found, NOW)
    assert (after.level or 0) >= (before.level or 0)
