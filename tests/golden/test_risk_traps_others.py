"""The traps of the comparison, liver, screening and lifestyle models, with the wrong answers."""

import json
import math
from typing import Any

import pytest

from service.domain.risk.inputs import InputsRejected
from service.domain.risk.models import evaluate
from tests.golden.vectors import OWN, asked


def first(model: str, number: int = 0) -> dict[str, Any]:
    """The inputs of a golden vector."""
    return asked(json.loads(OWN[model].read_text("utf-8"))["vectors"][number])


def said(answer: dict[str, Any], words: str) -> bool:
    return any(words in note["en"] for note in answer["notes"])


# -- terms ---------------------------------------------------------------------------------------


def test_terms_of_prevent_are_the_predictor_of_each_outcome() -> None:
    answer = evaluate("prevent_base", first("prevent_base"))
    for outcome, terms in answer["terms"].items():
        x = math.fsum(terms.values())
        assert 100 / (1 + math.exp(-x)) == pytest.approx(answer["value"][outcome], abs=0.0006)


def test_terms_of_the_liver_models_give_their_number() -> None:
    fib4 = evaluate("fib4", first("fib4"))
    assert math.prod(fib4["terms"].values()) == pytest.approx(fib4["value"], abs=0.006)
    fli = evaluate("fli", first("fli"))
    x = math.fsum(fli["terms"].values())
    assert 100 / (1 + math.exp(-x)) == pytest.approx(fli["value"], abs=0.06)
    amap = evaluate("amap_hcc", first("amap_hcc"))
    assert math.fsum(amap["terms"].values()) == pytest.approx(amap["value"]["score"], abs=0.0006)


def test_factors_of_the_filtration_give_it() -> None:
    answer = evaluate("egfr_ckd_epi_2021", first("egfr_ckd_epi_2021"))
    assert math.prod(answer["terms"].values()) == pytest.approx(answer["value"], abs=0.06)


@pytest.mark.parametrize("model", ["apcs", "findrisc", "copd_ps", "ftnd_packyears", "ncdrs"])
def test_points_add_up(model: str) -> None:
    for number in range(2):
        answer = evaluate(model, first(model, number))
        assert sum(answer["terms"].values()) == answer["value"]


# -- comparison equations ------------------------------------------------------------------------

PREVENT = {
    "age": 50,
    "sex": "female",
    "sbp": 160,
    "htn_meds": 1,
    "total_c": 200,
    "hdl_c": 45,
    "statin": 0,
    "diabetes": 1,
    "smoker": 0,
    "egfr": 90,
    "bmi": 35,
}


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("age", 79, 80),
        ("age", 30, 29),
        ("total_c", 320, 321),
        ("hdl_c", 20, 19),
        ("sbp", 200, 201),
        ("bmi", 39.99, 40),
        ("egfr", 15, 14),
    ],
)
def test_prevent_gives_no_number_outside_its_ranges(
    name: str, inside: float, outside: float
) -> None:
    assert evaluate("prevent_base", {**PREVENT, name: inside})["valid"] is True
    answer = evaluate("prevent_base", {**PREVENT, name: outside})
    assert set(answer["value"].values()) == {None}
    assert (answer["valid"], answer["outside"]) == (False, [name])
    assert said(answer, "no number is given")


def test_a_value_outside_is_named_and_not_repeated() -> None:
    answer = evaluate("prevent_base", {**PREVENT, "sbp": 243.625})
    assert "243" not in json.dumps(answer)


def test_thirty_year_risk_ends_with_the_sixtieth_birthday() -> None:
    last = evaluate("prevent_base", {**PREVENT, "age": 59})
    assert last["value"]["total_cvd_30"] is not None
    over = evaluate("prevent_base", {**PREVENT, "age": 60})
    assert over["value"]["total_cvd_30"] is None
    assert over["value"]["total_cvd_10"] is not None
    assert said(over, "30-year equations end at 59")


def test_prevent_converts_with_its_own_factor() -> None:
    in_mmol = {**PREVENT, "total_c": 200 * 0.02586, "hdl_c": 45 * 0.02586}
    answer = evaluate("prevent_base", {**in_mmol, "cholesterol_unit": "mmol/L"})
    assert answer["value"] == evaluate("prevent_base", PREVENT)["value"]


def test_score2_names_no_region_by_itself_and_leaves_diabetes_to_others() -> None:
    given = first("score2_and_asia_pacific")
    without = {name: value for name, value in given.items() if name != "region"}
    with pytest.raises(InputsRejected) as refusal:
        evaluate("score2_and_asia_pacific", without)
    assert refusal.value.faults[0][:2] == ("/inputs/region", "required")
    answer = evaluate("score2_and_asia_pacific", {**given, "diabetes": 1})
    assert (answer["value"], answer["valid"]) == (None, False)
    assert said(answer, "not for people with diabetes")


def test_of_europe_only_the_low_risk_region_is_known() -> None:
    europe = {**first("score2_and_asia_pacific"), "model": "europe", "region": "high"}
    with pytest.raises(InputsRejected) as refusal:
        evaluate("score2_and_asia_pacific", europe)
    assert refusal.value.faults[0][:2] == ("/inputs/region", "unknown-choice")


@pytest.mark.parametrize(("age", "given"), [(39, False), (40, True), (69, True), (70, False)])
def test_score2_is_for_ages_40_to_69(age: int, given: bool) -> None:
    answer = evaluate("score2_and_asia_pacific", {**first("score2_and_asia_pacific"), "age": age})
    assert (answer["value"] is not None) is given


def test_who_without_lipids_stands_in_and_says_so() -> None:
    bare = {"sex": "male", "age": 45, "sbp": 130, "bmi": 24, "smoker": 0}
    answer = evaluate("who_cvd_2019_east_asia", bare)
    assert answer["value"]["cvd"] == pytest.approx(3.139, abs=0.0006)
    assert answer["terms"]["model"] == "nonlab"
    assert said(answer, "non-laboratory model")
    lab = evaluate("who_cvd_2019_east_asia", {**bare, "tc": 5.0})
    assert lab["terms"]["model"] == "lab"
    assert not said(lab, "non-laboratory model: lipids")


def test_who_counts_the_age_once() -> None:
    """The wrong package adds age a second time; here it is centred, so at 60 it is nothing."""
    answer = evaluate(
        "who_cvd_2019_east_asia", {"sex": "male", "age": 60, "sbp": 120, "bmi": 25, "smoker": 0}
    )
    assert answer["terms"]["chd"] == dict.fromkeys(answer["terms"]["chd"], 0.0)


def test_who_past_the_charts_is_said() -> None:
    old = {"sex": "female", "age": 76, "sbp": 130, "bmi": 24, "smoker": 0}
    assert said(evaluate("who_cvd_2019_east_asia", old), "charts end at 74")
    assert evaluate("who_cvd_2019_east_asia", {**old, "age": 81})["value"]["cvd"] is None


# -- liver ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ast", "index", "category"),
    [
        (25.8, 1.29, "low"),
        (26, 1.3, "indeterminate"),
        (29, 1.45, "indeterminate"),
        (53.4, 2.67, "indeterminate"),
        (53.6, 2.68, "high"),
    ],
)
def test_fib4_uses_the_cuts_of_1_30_and_2_67(ast: float, index: float, category: str) -> None:
    answer = evaluate("fib4", {"age": 50, "ast": ast, "alt": 25, "platelets": 200})
    assert (answer["value"], answer["category"]) == (index, category)


@pytest.mark.parametrize(
    ("model", "number", "category"),
    [
        ("prevent_base", 0, "intermediate"),
        ("prevent_base", 1, "low"),
        ("prevent_base", 2, "high"),
        ("score2_and_asia_pacific", 2, "high"),
        ("score2_and_asia_pacific", 5, "low_to_moderate"),
        ("score2_and_asia_pacific", 1, "very_high"),
        ("who_cvd_2019_east_asia", 0, "lt5"),
        ("who_cvd_2019_east_asia", 1, "10_20"),
        ("who_cvd_2019_east_asia", 3, "5_10"),
        ("fli", 0, "rules_in"),
        ("apcs", 1, "moderate"),
        ("findrisc", 2, "slightly_elevated"),
        ("copd_ps", 2, "below_cut"),
        ("copd_ps", 1, "spirometry_advised"),
    ],
)
def test_category_of_a_vector(model: str, number: int, category: str) -> None:
    assert evaluate(model, first(model, number))["category"] == category


@pytest.mark.parametrize(("age", "category"), [(49, "high"), (50, "low_to_moderate")])
def test_bands_of_score2_change_at_50(age: int, category: str) -> None:
    """Between 2.5 and 5 percent: high below 50, low to moderate from there."""
    given = {**first("score2_and_asia_pacific", 5), "age": age}
    answer = evaluate("score2_and_asia_pacific", given)
    assert 2.5 <= answer["value"] < 5
    assert answer["category"] == category


def test_fib4_of_the_old_says_the_other_cut_and_the_outside() -> None:
    answer = evaluate("fib4", {"age": 70, "ast": 30, "alt": 25, "platelets": 250})
    assert (answer["outside"], answer["valid"]) == (["age"], False)
    assert said(answer, "2.0 is often taken")
    assert said(answer, "a rough guide only")


def test_triglycerides_in_mmol_are_converted_with_88_57() -> None:
    given = first("fli")
    in_mmol = {**given, "tg": given["tg"] / 88.57, "tg_unit": "mmol/L"}
    assert evaluate("fli", in_mmol)["value"] == evaluate("fli", given)["value"]


def test_amap_is_banded_as_the_official_calculator_does() -> None:
    # 59.5 to 59.99 is shown as 60 there, and is high.
    given = {"age": 65, "male": 0, "bilirubin": 25, "albumin": 38, "platelets": 137}
    value = evaluate("amap_hcc", given)["value"]
    assert 59.5 <= value["score"] < 60
    assert (value["rounded_official"], value["group"]) == (60, "high")


# -- screening -----------------------------------------------------------------------------------

SMOKER = {"age": 60, "pack_years": 30, "current_smoker": False}


@pytest.mark.parametrize(
    ("given", "eligible"),
    [
        ({**SMOKER, "years_since_quit": 14.9}, True),
        ({**SMOKER, "years_since_quit": 15}, False),
        ({**SMOKER, "pack_years": 29.9, "current_smoker": True}, False),
        ({"age": 60, "passive_smoking_years_with_such_smoker": 20}, False),
        ({"age": 60, "passive_smoking_years_with_such_smoker": 20.5}, True),
        ({"age": 60, "occupational_exposure_years": 1}, True),
        ({"age": 49, "copd": True}, False),
        ({"age": 74.9, "copd": True}, True),
    ],
)
def test_lung_screening_is_that_of_2021(given: dict[str, Any], eligible: bool) -> None:
    assert evaluate("cn_lung_screening", given)["value"] is eligible


def test_unknown_years_since_quitting_are_said() -> None:
    answer = evaluate("cn_lung_screening", SMOKER)
    assert answer["value"] is False
    assert said(answer, "Years since quitting were not given")


@pytest.mark.parametrize(("sex", "age"), [("male", 50), ("female", 65), ("female", 34.9)])
def test_two_cancer_programme_is_for_women_of_35_to_64(sex: str, age: float) -> None:
    assert evaluate("cn_two_cancer", {"sex": sex, "age": age})["value"] is False


def test_findrisc_at_its_disputed_edges() -> None:
    given = {**first("findrisc"), "bmi": 30, "waist": 102}
    terms = evaluate("findrisc", given)["terms"]
    assert (terms["bmi"], terms["waist"]) == (1, 4)


def test_osta_is_not_truncated() -> None:
    answer = evaluate("osta", {"weight": 49.5, "age": 70})
    assert answer["value"] == {"index": -4.1, "level": "高"}


def test_osta_of_a_man_is_flagged() -> None:
    answer = evaluate("osta", {"weight": 60, "age": 70, "sex": "male"})
    assert answer["valid"] is False
    assert said(answer, "Derived in post-menopausal women")


def test_copd_screener_below_35_is_outside() -> None:
    given = {**first("copd_ps"), "age": 34}
    assert evaluate("copd_ps", given)["outside"] == ["age"]


# -- lifestyle -----------------------------------------------------------------------------------

IDLE = {"walk": [0, 0], "moderate": [0, 0], "vigorous": [0, 0]}


def test_vigorous_minutes_are_doubled_and_moderate_ones_are_not() -> None:
    vigorous = evaluate("physical_activity", {**IDLE, "vigorous": [3, 25]})["value"]
    moderate = evaluate("physical_activity", {**IDLE, "moderate": [3, 25]})["value"]
    assert vigorous["moderate_equivalent_min"] == 150
    assert moderate["moderate_equivalent_min"] == 75


def test_short_bouts_count_as_none() -> None:
    value = evaluate("physical_activity", {**IDLE, "walk": [7, 9.9]})["value"]
    assert (value["met_min"], value["category"]) == (0, "low")


def test_more_than_sixteen_hours_a_day_is_not_scored() -> None:
    long = {"walk": [7, 321], "moderate": [7, 320], "vigorous": [7, 320]}
    answer = evaluate("physical_activity", long)
    assert set(answer["value"].values()) == {None}
    assert answer["valid"] is False
    fits = evaluate("physical_activity", {**long, "walk": [7, 320]})
    assert fits["value"]["category"] == "high"


@pytest.mark.parametrize("week", [None, 30, [3], [3, 30, 1], [8, 30], [3, 1441], [2.5, 30], "3x30"])
def test_activity_is_days_and_minutes(week: object) -> None:
    with pytest.raises(InputsRejected) as refusal:
        evaluate("physical_activity", {**IDLE, "walk": week})
    assert [fault.pointer for fault in refusal.value.faults] == ["/inputs/walk"]


@pytest.mark.parametrize(
    ("sugar", "text"),
    [
        (24.9, "ok"),
        (25, "within <=50, at the better limit"),
        (50, "within <=50, above the better limit"),
        (50.1, "above"),
    ],
)
def test_sugar_has_two_limits(sugar: float, text: str) -> None:
    assert evaluate("cn_diet_2022", {"added_sugar_g": sugar})["value"] == text


def test_five_habits_are_counted_beside_the_amounts() -> None:
    given = {"salt_g": 6, "vegetables_g": 300, "fruit_g": 200, "fish_g_per_week": 200}
    answer = evaluate("cn_diet_2022", {**given, "red_meat_g": 75})
    assert answer["value"]["habits"] == 2
    assert answer["terms"]["red_meat"] is False
    assert answer["category"] == "above"


def test_audit_without_all_ten_answers_is_audit_c_alone() -> None:
    answer = evaluate("audit_alcohol", {"q1": 2, "q2": 1, "q3": 0, "sex": "female"})
    assert answer["value"] == {"audit": None, "audit_c": 3}
    assert said(answer, "reaches the screening cut")
    man = evaluate("audit_alcohol", {"q1": 2, "q2": 1, "q3": 0, "sex": "male"})
    assert not said(man, "reaches the screening cut")


@pytest.mark.parametrize(("sex", "over"), [("female", True), ("male", False)])
def test_daily_limit_of_alcohol_differs_by_sex(sex: str, over: bool) -> None:
    given = {"q1": 1, "q2": 0, "q3": 0, "sex": sex, "alcohol_g_per_day": 15}
    assert said(evaluate("audit_alcohol", given), "above the limit") is over


def test_last_items_of_audit_have_no_1_and_no_3() -> None:
    with pytest.raises(InputsRejected):
        evaluate("audit_alcohol", {"q1": 1, "q2": 0, "q3": 0, "q9": 1})


@pytest.mark.parametrize(("score", "band"), [(4, "low"), (5, "medium"), (6, "high"), (7, "high")])
def test_nicotine_dependence_has_five_bands(score: int, band: str) -> None:
    items = {"q1": 3, "q2": 0, "q3": 0, "q4": 0, "q5": 0, "q6": 0}
    for name in ("q2", "q4", "q4", "q4"):
        if sum(items.values()) < score:
            items[name] += 1
    answer = evaluate("ftnd_packyears", {**items, "cigarettes_per_day": 10, "years": 30})
    assert (answer["value"], answer["category"]) == (score, band)
    assert answer["terms"]["pack_years"] == 15


def test_no_wording_of_the_insomnia_index_is_published() -> None:
    answer = evaluate("sleep_isi", {**first("sleep_isi"), "sleep_hours": 9.5})
    assert answer["terms"]["sleep_duration_points"] == 90
    assert set(answer["terms"]) == {f"q{n}" for n in range(1, 8)} | {"sleep_duration_points"}


@pytest.mark.parametrize(
    ("model", "given"),
    [
        ("cn_body_size", {"bmi": 23, "age": 12}),
        ("cn_stroke_8_2", {"n_of_8": 1, "age": 39}),
        ("lifes_essential_8", {"bmi": 22, "sleep": 8, "age": 19}),
        ("cn_bp_grade_and_cv_stratification", {"sbp": 120, "dbp": 70, "age": 17}),
        ("cn_national_followup_control", {"sbp": 120, "dbp": 70, "age": 34}),
        ("china_par_10y", first("china_par_10y") | {"age": 34}),
        ("ncdrs", first("ncdrs") | {"age": 75}),
    ],
)
def test_age_outside_is_named(model: str, given: dict[str, Any]) -> None:
    answer = evaluate(model, given)
    assert (answer["outside"], answer["valid"]) == (["age"], False)
