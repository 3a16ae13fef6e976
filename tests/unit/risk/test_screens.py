"""Screens of a person: run only on what is known, told as an advised check, and never more."""

from datetime import timedelta
from typing import Any

import pytest

from service.domain.risk.advice import MESSAGES
from service.domain.risk.assess import Assessment, assess, what_if
from service.domain.risk.grounds import grounds, sentence
from service.domain.risk.models import evaluate
from service.domain.risk.person import Reading
from service.domain.risk.reasons import SCREENS
from tests.unit.risk.people import NOW
from tests.unit.risk.test_assess import born, told

FATTY = frozenset({"fatty_liver"})
HEPATITIS = frozenset({"chronic_hepatitis_b"})
LIVER = told(alt=30, ast=40, platelets=160)
MODELS = {"fib4": "fib4", "fli": "fli", "amap_hcc": "amap", "apcs": "apcs"} | {
    "cn_lung_screening": "lung_screening",
    "copd_ps": "copd_ps",
    "osta": "osta",
}


def entry(assessment: Assessment, model: str) -> dict[str, Any] | None:
    return next((one for one in assessment.models if one["model"] == model), None)


def value(assessment: Assessment, model: str) -> Any:
    found = entry(assessment, model)
    assert found is not None
    return found["value"]


def advised(assessment: Assessment) -> set[str]:
    return {action["id"] for action in assessment.actions}


# -- FIB-4 ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("conditions", [FATTY, HEPATITIS, frozenset({"diabetes_type_2"})])
def test_fib4_runs_with_a_liver_reason_and_equals_the_calculator(
    conditions: frozenset[str],
) -> None:
    assessment = assess(born(50, conditions=conditions), LIVER, NOW)
    alone = evaluate("fib4", {"age": 50, "ast": 40, "alt": 30, "platelets": 160})
    found = entry(assessment, "fib4")
    assert found is not None
    assert (found["value"], found["category"]) == (alone["value"], alone["category"])
    assert found["terms"].keys() == alone["terms"].keys()
    assert "Sterling" in found["source"]


@pytest.mark.parametrize("conditions", [frozenset(), frozenset({"hypertension"})])
def test_fib4_stays_silent_without_a_liver_reason(conditions: frozenset[str]) -> None:
    assessment = assess(born(50, conditions=conditions), LIVER, NOW)
    assert entry(assessment, "fib4") is None
    assert "liver" not in assessment.causes


@pytest.mark.parametrize("gone", ["alt", "ast", "platelets"])
def test_fib4_asks_for_what_it_misses_and_does_not_guess(gone: str) -> None:
    some = {code: known for code, known in LIVER.items() if code != gone}
    assessment = assess(born(50, conditions=FATTY), some, NOW)
    assert entry(assessment, "fib4") is None
    assert gone in assessment.missing
    assert gone not in assess(born(50), some, NOW).missing


@pytest.mark.parametrize(
    ("years", "platelets", "level"),
    # Index 1.6 between the cuts at 64, below the older one of 2.0 at 65; then above 2.67.
    [(64, 200, 3), (65, 203.125, None), (65, 150, 3), (64, 80, 4)],
)
def test_fib4_takes_the_older_lower_cut_from_65(
    years: int, platelets: float, level: int | None
) -> None:
    found = told(alt=64, ast=40, platelets=platelets)
    assert assess(born(years, conditions=FATTY), found, NOW).level == level


# -- the fatty liver index -----------------------------------------------------------------------

SIZES = told(triglycerides=2.6, ggt=80, bmi=29, waist_circumference=100)


def test_fli_equals_the_calculator_and_is_told_as_a_check() -> None:
    assessment = assess(born(45), SIZES, NOW)
    given_ = {"tg": 2.6, "tg_unit": "mmol/L", "bmi": 29, "ggt": 80, "waist": 100}
    assert value(assessment, "fli") == evaluate("fli", given_)["value"]
    assert assessment.level == 3
    assert set(assessment.causes) == {"liver", "body"}
    assert "liver-fli" in advised(assessment)


@pytest.mark.parametrize("gone", ["triglycerides", "ggt", "bmi", "waist_circumference"])
def test_fli_needs_all_of_its_inputs(gone: str) -> None:
    some = {code: known for code, known in SIZES.items() if code != gone}
    assert entry(assess(born(45), some, NOW), "fli") is None


def test_a_smaller_waist_is_a_way_out_of_the_fatty_liver_index() -> None:
    found = {**SIZES, **told(body_weight=84, body_height=170, systolic_bp=116)}
    del found["bmi"]
    assessment = assess(born(39, "female"), found, NOW)
    assert assessment.level == 3
    way = assessment.path[0]
    changes = {change["measure"]: change["to"] for change in way["changes"]}
    assert set(changes) == {"waist_circumference", "body_weight"}
    after = what_if(born(39, "female"), found, changes, NOW)
    assert value(after, "fli") < 60


# -- bowel ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("years", "sex", "smoking", "family", "score", "level"),
    [
        (49, "female", "never", (), 0, None),
        (50, "female", "never", (), 2, None),
        (69, "male", "never", (), 3, None),
        (70, "male", "never", (), 4, None),
        (45, "female", "never", ("colorectal_cancer",), 2, 2),
        (45, "male", "former", (), 2, 2),
        (50, "male", "former", (), 4, 3),
        (45, "male", "every day", ("colorectal_cancer",), 4, 3),
        (70, "male", "some days", ("colorectal_cancer",), 7, 3),
    ],
)
def test_bowel_score_of_a_person(
    years: int, sex: str, smoking: str, family: tuple[str, ...], score: int, level: int | None
) -> None:
    person = born(years, sex, family_history=frozenset(family))
    assessment = assess(person, told(smoking_status=smoking, systolic_bp=118), NOW)
    assert value(assessment, "apcs") == score
    # Blood pressure carries level 1, so only the screen can have moved it.
    expected = level or 1
    if smoking in ("never", "former"):
        assert assessment.level == expected
    # What is advised follows the score, whether or not it moved the level.
    assert (score >= 4) == ("bowel-high" in advised(assessment))


def test_bowel_score_needs_the_smoking_the_age_and_no_known_cancer() -> None:
    never = told(smoking_status="never")
    assert entry(assess(born(39), never, NOW), "apcs") is None
    assert entry(assess(born(55), told(systolic_bp=118), NOW), "apcs") is None
    known = born(55, conditions=frozenset({"colorectal_cancer"}))
    assert entry(assess(known, never, NOW), "apcs") is None
    assert value(assess(born(55), told(cigarettes_per_day=5), NOW), "apcs") == 4


def test_quitting_leaves_the_bowel_score_where_it_is() -> None:
    smoking = told(smoking_status="every day", systolic_bp=118, diastolic_bp=76)
    after = what_if(born(55), smoking, {"smoking_status": "former"}, NOW)
    assert value(after, "apcs") == value(assess(born(55), smoking, NOW), "apcs") == 4
    assert after.level == 3


# -- lung ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("years", "eligible"), [(49, False), (50, True), (74, True), (75, False)])
def test_lung_screening_is_advised_from_50_to_74_on_a_known_criterion(
    years: int, eligible: bool
) -> None:
    for person in (
        born(years, conditions=frozenset({"copd"})),
        born(years, family_history=frozenset({"lung_cancer"})),
    ):
        assessment = assess(person, told(systolic_bp=118), NOW)
        assert (entry(assessment, "cn_lung_screening") is not None) == eligible
        assert ("lung_screening" in assessment.causes) == eligible
        assert ("lung-ct" in advised(assessment)) == eligible
        assert assessment.level == (3 if eligible else 1)


def test_cigarettes_a_day_are_no_pack_years() -> None:
    found = told(smoking_status="every day", cigarettes_per_day=60)
    assert entry(assess(born(60), found, NOW), "cn_lung_screening") is None


# -- aMAP ----------------------------------------------------------------------------------------

HEPATIC = told(bilirubin_total=18, albumin=38, platelets=120)


@pytest.mark.parametrize(
    ("years", "group", "level"), [(25, "low", 2), (45, "medium", 3), (65, "high", 4)]
)
def test_amap_with_known_hepatitis_equals_the_calculator(
    years: int, group: str, level: int
) -> None:
    platelets = 220 if group == "low" else 120
    found = {**HEPATIC, **told(platelets=platelets, albumin=45 if group == "low" else 38)}
    assessment = assess(born(years, conditions=HEPATITIS), found, NOW)
    blood = {code: told_[0].value for code, told_ in found.items() if code != "bilirubin_total"}
    alone = evaluate("amap_hcc", {"age": years, "male": 1, "bilirubin": 18, **blood})
    assert value(assessment, "amap_hcc") == alone["value"]
    assert alone["category"] == group
    assert assessment.level == level
    assert assessment.causes == ("liver",)
    assert ("liver-amap-low" if group == "low" else "liver-amap") in advised(assessment)


@pytest.mark.parametrize("conditions", [FATTY, HEPATITIS | {"liver_cancer"}, frozenset()])
def test_amap_is_silent_for_everybody_else(conditions: frozenset[str]) -> None:
    assert entry(assess(born(45, conditions=conditions), HEPATIC, NOW), "amap_hcc") is None


# -- bones ---------------------------------------------------------------------------------------

WOMAN_OF_70 = born(70, "female")


@pytest.mark.parametrize(
    ("weight", "index", "group", "level", "message"),
    # The vectors of the reference at 70, and -1 and the tenth beside it at the edges.
    [
        (48, -4.4, "high", 3, "bone-high"),
        (50, -4.0, "medium", 2, "bone-medium"),
        (65, -1.0, "medium", 2, "bone-medium"),
        (65.1, -0.98, "low", 1, None),
    ],
)
def test_osta_moves_the_level_of_a_woman_past_the_menopause(
    weight: float, index: float, group: str, level: int, message: str | None
) -> None:
    found = told(post_menopausal="yes", body_weight=weight, systolic_bp=118)
    assessment = assess(WOMAN_OF_70, found, NOW)
    told_ = entry(assessment, "osta")
    assert told_ is not None
    assert (told_["value"]["index"], told_["category"]) == (index, group)
    alone = evaluate("osta", {"weight": weight, "age": 70, "sex": "female"})
    assert (told_["value"], told_["category"]) == (alone["value"], alone["category"])
    assert assessment.level == level
    assert assessment.causes == (("bone_density",) if level > 1 else ())
    bone = {one for one in advised(assessment) if one.startswith("bone-")}
    assert bone == ({message} if message else set())


@pytest.mark.parametrize(
    ("sex", "said", "weight"),
    [("female", {}, 48), ("female", {"post_menopausal": "no"}, 48), ("male", {}, 48),
     ("male", {"post_menopausal": "yes"}, 48), ("female", {"post_menopausal": "yes"}, None)],
)  # fmt: skip
def test_osta_needs_the_menopause_and_a_weight(
    sex: str, said: dict[str, Any], weight: float | None
) -> None:
    found = told(systolic_bp=118, **said, **({} if weight is None else {"body_weight": weight}))
    assessment = assess(born(70, sex), found, NOW)
    assert entry(assessment, "osta") is None
    assert assessment.level == 1


def test_a_menopause_told_long_ago_still_counts_and_a_newer_no_does_not_run() -> None:
    found = told(body_weight=48, systolic_bp=118)
    past = [Reading("yes", NOW - timedelta(days=365 * 30))]
    assert entry(assess(WOMAN_OF_70, {**found, "post_menopausal": past}, NOW), "osta") is not None
    newer = [Reading("no", NOW - timedelta(days=1)), *past]
    assert entry(assess(WOMAN_OF_70, {**found, "post_menopausal": newer}, NOW), "osta") is None


def test_known_osteoporosis_keeps_the_level_and_asks_for_no_screening() -> None:
    found = told(post_menopausal="yes", body_weight=48)
    known = born(70, "female", conditions=frozenset({"osteoporosis"}))
    assessment = assess(known, found, NOW)
    assert assessment.level == 3
    assert {one for one in advised(assessment) if one.startswith("bone-")} == {"bone-followed"}


def test_what_osta_rests_on_is_told_once() -> None:
    found = told(post_menopausal="yes", body_weight=48, body_height=160)
    kept = grounds(WOMAN_OF_70, found, NOW)
    assert kept.items == {"osta": 3}
    assert [one.name for one in kept.readings] == ["post_menopausal", "body_weight", "body_height"]


# -- COPD-PS -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("years", "total", "level"),
    [(35, 5, 3), (35, 4, 1), (34, 10, 1), (60, 10, 3), (60, 0, 1)],
)
def test_a_recorded_total_of_copd_ps_moves_the_level_from_35(
    years: int, total: float, level: int
) -> None:
    found = told(copd_ps_total=total, systolic_bp=118)
    assessment = assess(born(years), found, NOW)
    assert assessment.level == level
    assert ("lung-function" in advised(assessment)) is (level == 3)
    assert (entry(assessment, "copd_ps") is not None) is (years >= 35)
    if level == 3:
        assert assessment.causes == ("lung_function",)
        assert [one.name for one in grounds(born(years), found, NOW).readings][:1] == [
            "copd_ps_total"
        ]


def test_known_copd_is_asked_for_no_lung_function_by_the_score() -> None:
    known = born(40, conditions=frozenset({"copd"}))
    assessment = assess(known, told(copd_ps_total=7), NOW)
    assert assessment.level == 3
    assert {"lung-function-followed"} == {
        one for one in advised(assessment) if one.startswith("lung-")
    }


# -- all of them ---------------------------------------------------------------------------------


def test_messages_of_screens_advise_a_check_and_say_nothing_of_illness() -> None:
    told_ = [message for message in MESSAGES if message["factor"] in SCREENS]
    assert {message["factor"] for message in told_} == set(SCREENS)
    for message in told_:
        assert message["zh"].startswith("建议检查")
        assert "患有" not in message["zh"]
        assert message["en"].startswith("A check is advised")
        assert message["citation"]


def test_a_change_of_level_by_a_screen_is_explained_as_a_check_with_its_readings() -> None:
    kept = grounds(born(45), SIZES, NOW)
    assert kept.items == {"fli": 3}
    assert [one.name for one in kept.readings[:2]] == ["ggt", "triglycerides"]
    assert "liver-fli" in kept.actions
    assert "建议检查肝脏" in sentence(1, 3, kept.causes, "assessed").zh


def test_screen_that_advises_nothing_makes_nobody_green() -> None:
    found = {**told(smoking_status="never"), **LIVER, **told(platelets=400)}
    assessment = assess(born(45, "female", conditions=FATTY), found, NOW)
    assert value(assessment, "apcs") == 0
    assert value(assessment, "fib4") < 1.3
    assert assessment.level is None


def test_pregnancy_runs_no_screen() -> None:
    found = {**SIZES, **HEPATIC, **LIVER, **told(smoking_status="former", copd_ps_total=6)}
    found |= told(post_menopausal="yes", body_weight=40)
    pregnant = {**found, **told(pregnancy_status="pregnant")}
    woman = born(42, "female", conditions=HEPATITIS)
    run = {one["model"] for one in assess(woman, found, NOW).models}
    assert {"fib4", "fli", "amap_hcc", "apcs", "copd_ps", "osta"} <= run
    after = assess(woman, pregnant, NOW)
    assert {one["model"] for one in after.models}.isdisjoint(MODELS)
    assert {"alt", "albumin"}.isdisjoint(after.missing)
