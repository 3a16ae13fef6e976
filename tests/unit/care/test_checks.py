"""Checks and screenings by stage of life: for whom, from which day, and that none moves a level."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.care import asked, names, screening
from service.domain.care.checks import CHECKS, due_checks
from service.domain.care.plan import due_list
from service.domain.care.planned import Planned
from service.domain.days import months_after
from service.domain.questionnaires.instruments import INSTRUMENTS
from service.domain.risk.catalogue import MODELS
from service.domain.vocabulary.codes import CODES
from service.domain.vocabulary.measures import MEASURES
from tests.unit.care.room import TODAY, born, done, read, somebody

ELDER = {
    "elder_yearly_check",
    "elder_selfcare",
    "elder_tcm",
    "elder_falls",
    "elder_frailty",
    "elder_cognition",
}
DAY = timedelta(days=1)


def due(birth_date: date, **more: object) -> dict[str, Planned]:
    return {one.item: one for one in due_checks(somebody(birth_date, **more))}  # type: ignore[arg-type]


def test_65_begins_on_the_birthday_itself() -> None:
    assert ELDER.isdisjoint(due(born(65) + DAY))
    assert due(born(65)).keys() >= ELDER


@pytest.mark.parametrize(("today", "older"), [(date(2025, 2, 28), False), (date(2025, 3, 1), True)])
def test_somebody_of_29_february_is_65_on_1_march(today: date, older: bool) -> None:
    assert (due(date(1960, 2, 29), today=today).keys() >= ELDER) is older


@pytest.mark.parametrize(
    ("item", "sex", "first", "last"),
    [
        ("school_check", "male", 7, 17),
        ("student_fitness", "female", 7, 17),
        ("cervical_hpv", "female", 35, 64),
        ("breast_screening", "female", 35, 64),
        ("stroke_card", "male", 40, None),
        ("colorectal_questions", "male", 50, None),
    ],
)
def test_ages_are_completed_years_with_both_ends(
    item: str, sex: str, first: int, last: int | None
) -> None:
    assert item not in due(born(first) + DAY, sex=sex)
    assert item in due(born(first), sex=sex)
    if last is not None:
        assert item in due(born(last + 1) + DAY, sex=sex)
        assert item not in due(born(last + 1), sex=sex)


def test_men_are_not_invited_to_womens_screenings() -> None:
    assert {"cervical_hpv", "breast_screening", "bone_density"}.isdisjoint(
        due(born(55), sex="male", readings=read({"body_weight": 40.0}, TODAY))
    )


def test_a_yearly_check_comes_again_on_the_same_day_of_the_next_year() -> None:
    seen = done(date(2026, 2, 28), elder_selfcare_total=2)
    found = due(born(70), deeds=(seen,))["elder_selfcare"]
    assert (found.on, found.last) == (date(2027, 2, 28), date(2026, 2, 28))
    leap = due(born(70), today=date(2028, 6, 1), deeds=(done(date(2028, 2, 29), frail_total=0),))
    assert leap["elder_frailty"].on == date(2029, 2, 28)


def test_answers_count_as_much_as_a_total() -> None:
    answered = done(TODAY, "questionnaire:elder_selfcare", clinical=False)
    assert due(born(70), deeds=(answered,))["elder_selfcare"].on > TODAY


def test_a_check_of_several_parts_is_done_when_the_last_part_is() -> None:
    parts = {"hemoglobin": 130, "urine_protein_strip": "neg", "alt": 20, "ecg_impression": "normal"}
    blood = read({"glucose_fasting": 5.2, "total_cholesterol": 4.6}, date(2026, 3, 1))
    deeds = [done(date(2026, 5, 1), **parts)]
    found = due(born(70), deeds=tuple(deeds), readings=blood)["elder_yearly_check"]
    assert (found.on, found.last) == (date(2027, 3, 1), date(2026, 3, 1))
    deeds = [done(date(2026, 5, 1), **{k: v for k, v in parts.items() if k != "alt"})]
    found = due(born(70), deeds=tuple(deeds), readings=blood)["elder_yearly_check"]
    assert (found.on, found.last) == (TODAY, None)


def test_a_check_of_a_clinic_is_not_done_at_home() -> None:
    weighed = {"body_weight": 70, "waist_circumference": 90}
    ill = {"conditions": {"hypertension"}}
    at_home = due(born(50), deeds=(done(TODAY, clinical=False, **weighed),), **ill)
    assert at_home["chronic_yearly_check"].last is None
    at_clinic = due(born(50), deeds=(done(TODAY, **weighed),), **ill)
    assert at_clinic["chronic_yearly_check"].last == TODAY
    assert "chronic_yearly_check" not in due(born(50))


def test_what_lies_in_the_future_was_not_done() -> None:
    seen = done(TODAY + DAY, frail_total=0)
    assert due(born(70), deeds=(seen,))["elder_frailty"].last is None


def test_hpv_lasts_longer_than_cytology() -> None:
    day = date(2024, 1, 15)
    hpv = due(born(40), deeds=(done(day, hpv_high_risk="negative"),))["cervical_hpv"]
    smear = due(born(40), deeds=(done(day, cervical_cytology="NILM"),))["cervical_hpv"]
    both = due(
        born(40),
        deeds=(done(day, hpv_high_risk="negative"), done(TODAY, cervical_cytology="NILM")),
    )["cervical_hpv"]
    assert hpv.on == months_after(day, 60)
    assert smear.on == months_after(day, 36)
    assert both.on == months_after(TODAY, 36)


def test_a_screening_without_an_interval_does_not_come_again_by_itself() -> None:
    assert "breast_screening" in due(born(40))
    assert "breast_screening" not in due(born(40), deeds=(done(TODAY, breast_ultrasound="1"),))


@pytest.mark.parametrize(
    ("birth", "sex", "smoking", "family", "advised"),
    [
        (49, "male", "every day", False, False),
        (49, "male", "every day", True, True),
        (50, "male", "every day", False, True),
        (50, "male", "never", False, False),
        (69, "female", "former", False, False),
        (70, "female", "former", False, True),
        (70, "female", "never", False, False),
    ],
)
def test_colonoscopy_is_advised_from_a_score_of_4(
    birth: int, sex: str, smoking: str, family: bool, advised: bool
) -> None:
    """APCS: 50 years 2 points, 70 years 3, male 1, family 2, smoking 1."""
    found = due(
        born(birth),
        sex=sex,
        readings=read({"smoking_status": smoking}, TODAY),
        family_history={"colorectal_cancer"} if family else set(),
    )
    assert ("colorectal_screening" in found) is advised


def test_a_colonoscopy_that_was_done_is_not_advised_again_by_the_score() -> None:
    smokes = read({"smoking_status": "every day"}, TODAY)
    deed = done(date(2023, 5, 1), "procedure:colonoscopy")
    assert "colorectal_screening" not in due(born(60), sex="male", readings=smokes, deeds=(deed,))


@pytest.mark.parametrize(
    ("years", "ill", "family", "eligible"),
    [
        (49, {"copd"}, set(), False),
        (50, {"copd"}, set(), True),
        (74, set(), {"lung_cancer"}, True),
        (75, set(), {"lung_cancer"}, False),
        (60, set(), set(), False),
        (60, {"copd", "lung_cancer"}, set(), False),
    ],
)
def test_lung_screening_needs_age_and_a_risk(
    years: int, ill: set[str], family: set[str], eligible: bool
) -> None:
    found = due(born(years), conditions=ill, family_history=family)
    assert ("lung_screening" in found) is eligible


def test_lung_screening_is_yearly() -> None:
    scan = done(date(2026, 1, 31), "procedure:low_dose_ct_chest")
    found = due(born(60), conditions={"copd"}, deeds=(scan,))["lung_screening"]
    assert found.on == date(2027, 1, 31)


@pytest.mark.parametrize(("smoking", "asked_"), [("former", True), ("never", False)])
def test_smoke_leads_to_questions_and_not_to_a_scan(smoking: str, asked_: bool) -> None:
    found = due(born(60), readings=read({"smoking_status": smoking}, TODAY))
    assert ("lung_questions" in found) is asked_
    assert ("copd_questions" in found) is asked_
    assert "lung_screening" not in found


@pytest.mark.parametrize(("weight", "advised"), [(55.0, True), (55.1, False), (40.0, True)])
def test_bone_density_is_advised_from_the_models_own_edge(weight: float, advised: bool) -> None:
    found = due(born(60), readings=read({"body_weight": weight}, TODAY))
    assert ("bone_density" in found) is advised


@pytest.mark.parametrize(
    ("years", "said", "months_ago", "advised"),
    [
        (49, None, 0, False),
        (50, None, 0, True),
        (40, "yes", 0, True),
        (40, "yes", 300, True),
        (52, "no", 0, False),
        (52, "no", 23, False),
        (52, "no", 24, True),
        (49, "no", 24, False),
    ],
)
def test_bone_density_goes_by_what_a_woman_says_of_the_menopause(
    years: int, said: str | None, months_ago: int, advised: bool
) -> None:
    readings = read({"body_weight": 34.0}, TODAY)
    if said is not None:
        readings |= read({"post_menopausal": said}, months_after(TODAY, -months_ago))
    assert ("bone_density" in due(born(years), readings=readings)) is advised


@pytest.mark.parametrize(("total", "asked_"), [(4, False), (5, True)])
def test_a_total_of_copd_ps_answers_the_questions_and_asks_for_lung_function_from_5(
    total: int, asked_: bool
) -> None:
    told = read({"smoking_status": "former", "copd_ps_total": total}, TODAY)
    found = due(born(60), readings=told)
    assert "copd_questions" not in found
    assert ("copd_spirometry" in found) is asked_
    assert "copd_spirometry" not in due(born(60), readings=told, deeds=(done(TODAY, "fev1"),))
    assert "copd_spirometry" not in due(born(60), readings=told, conditions={"copd"})


def test_chronic_hepatitis_is_found_in_a_class_that_no_assessment_reads() -> None:
    who = somebody(born(40))
    assert any("condition:chronic_hepatitis_b" in one.names for one in asked.wanted(who))
    told = done(TODAY, **{"condition:chronic_hepatitis_b": "active"})
    over = done(TODAY + DAY, **{"condition:chronic_hepatitis_b": "resolved"})
    assert "liver_cancer_risk" in due(born(40), deeds=(told,))
    assert "liver_cancer_risk" not in due(born(40), deeds=(over, told))
    assert "liver_cancer_risk" not in due(born(40))


def test_high_risk_and_causes_bring_the_risk_check_forward() -> None:
    day = date(2026, 11, 1)
    lipids = {"total_cholesterol": 4.2, "hdl_c": 1.6}
    well = read({**lipids, "systolic_bp": 112, "diastolic_bp": 70}, day)
    caused = read({**lipids, "systolic_bp": 142, "diastolic_bp": 85}, day)
    high = read({**lipids, "systolic_bp": 182, "diastolic_bp": 112}, day)
    found = [due(born(45), readings=one)["cardiovascular_risk"].on for one in (well, caused, high)]
    assert found == [months_after(day, 36), months_after(day, 24), months_after(day, 12)]
    young = due(born(30), readings=well)["cardiovascular_risk"]
    assert young.on == months_after(day, 60)


def test_in_pregnancy_no_check_of_the_others_is_asked_for() -> None:
    assert due(born(36), pregnant=True) == {}


def test_children_are_asked_for_nothing_of_adults() -> None:
    assert {one.item for one in due_list(somebody(born(6)))} == {"child_visit_6_years"}
    assert {one.item for one in due_list(somebody(born(17)))} == {"school_check", "student_fitness"}


@given(st.dates(date(1920, 1, 1), date(2026, 11, 20)), st.sampled_from(["female", "male"]))
def test_age_and_sex_alone_never_carry_a_level(birth_date: date, sex: str) -> None:
    """Whatever somebody is invited to by age, nothing known is no level."""
    who = somebody(birth_date, sex=sex)
    assert who.assessment.level is None
    assert who.assessment.causes == ()


@given(st.integers(19, 95), st.sampled_from(["female", "male"]))
def test_what_is_due_moves_no_level(years: int, sex: str) -> None:
    """The day an invitation comes, whoever is well stays green."""
    well = read({"systolic_bp": 112, "diastolic_bp": 70, "smoking_status": "never"}, TODAY - DAY)
    before = somebody(born(years) + DAY, sex=sex, readings=well)
    after = somebody(born(years), sex=sex, readings=well)
    assert before.assessment.level == after.assessment.level == 1


@given(st.dates(date(1920, 1, 1), date(2026, 11, 20)), st.sampled_from(["female", "male"]))
def test_a_plan_is_in_order_and_names_nothing_twice(birth_date: date, sex: str) -> None:
    found = due_list(somebody(birth_date, sex=sex))
    assert [one.on for one in found] == sorted(one.on for one in found)
    assert len({one.item for one in found}) == len(found)


def test_rows_name_what_exists() -> None:
    assert {check.rule for check in CHECKS if check.rule} == screening.RULES.keys()
    for check in CHECKS:
        for group in check.groups:
            for name in group:
                assert names.class_of(name)
                assert name in MEASURES or ":" in name
        assert check.model is None or check.model in MODELS
        assert check.questionnaire is None or check.questionnaire in INSTRUMENTS
        assert check.conditions <= set(CODES["condition"])
        assert set(check.longer) <= {name for group in check.groups for name in group}
        # A check that comes sooner for some looks back far enough for all.
        assert all(months <= (check.months or 0) for months in check.sooner.values())
