"""The traps of the published models, each with the wrong answer it would give."""

import math
from contextlib import suppress
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.risk import china_par, composite
from service.domain.risk.inputs import InputsRejected
from service.domain.risk.models import MODELS, evaluate

MAN: dict[str, Any] = {
    "sex": "male",
    "age": 55,
    "north": 1,
    "urban": 1,
    "waist_cm": 92,
    "tc": 5.5,
    "hdl": 1.1,
    "sbp": 150,
    "dbp": 92,
    "bp_treated": 0,
    "diabetes": 0,
    "current_smoker": 1,
    "family_history_ascvd": 0,
}
WOMAN = {**MAN, "sex": "female"}
ANSWER = {
    "value",
    "unit",
    "category",
    "terms",
    "valid",
    "outside",
    "notes",
    "grade",
    "source",
}


def par(inputs: dict[str, Any]) -> float:
    value = evaluate("china_par_10y", inputs)["value"]["risk_10y_pct"]
    assert isinstance(value, float)
    return value


def test_china_par_terms_add_up_to_the_risk() -> None:
    answer = evaluate("china_par_10y", MAN)
    z = math.fsum(answer["terms"].values())
    assert 100 * (1 - math.exp(-math.exp(z))) == pytest.approx(
        answer["value"]["risk_10y_pct"], abs=0.005
    )


@pytest.mark.parametrize("sex", ["male", "female"])
def test_coefficients_round_to_the_printed_ones_but_are_not_those(sex: str) -> None:
    printed = {"male": 31.97, "female": 24.87}[sex]
    used = china_par.COEFFICIENTS[sex]["ln_age"]
    assert round(used, 2) == printed
    assert used != printed


def test_mmol_is_divided_by_0_0259() -> None:
    in_mg = {**MAN, "tc": 5.5 / 0.0259, "tc_unit": "mg/dL", "hdl": 1.1 / 0.0259}
    assert par({**in_mg, "hdl_unit": "mg/dL"}) == par(MAN)


def test_male_waist_is_negative_and_female_positive() -> None:
    assert par({**MAN, "waist_cm": 80}) > par(MAN)
    assert par({**WOMAN, "waist_cm": 80}) < par(WOMAN)


def test_smoking_of_old_men_is_shown_as_modelled_and_judged_as_no_protection() -> None:
    old = {**MAN, "age": 80}
    assert par(old) < par({**old, "current_smoker": 0})
    person = china_par.Input("male", 80, 150, False, 210, 45, 92, True, False, True, True, False)
    quit_ = replace(person, smoker=False)
    assert china_par.judged_pct(person) == pytest.approx(china_par.risk_pct(quit_))
    young = replace(person, age=55)
    assert china_par.judged_pct(young) == china_par.risk_pct(young)


def test_treatment_at_the_same_pressure_raises_the_male_risk_by_half_and_is_no_lever() -> None:
    """Confounding by indication: treated people had been worse before."""
    assert par({**MAN, "bp_treated": 1}) / par(MAN) == pytest.approx(1.5, abs=0.1)
    goals = {**MAN, "target_below_pct": 5}
    names = {"tc_unit", "hdl_unit"}
    asked = {name: value for name, value in goals.items() if name not in names}
    found = evaluate("counterfactual_red_to_green", asked)["value"]
    assert {lever for lever, *_ in found["single"]} == {"quit_smoking", "sbp", "tc"}


def test_diastolic_pressure_is_accepted_and_unused() -> None:
    assert par({**MAN, "dbp": 60}) == par(MAN)


def test_women_ignore_urban_and_family_history() -> None:
    assert par({**WOMAN, "urban": 0, "family_history_ascvd": 1}) == par(WOMAN)


def test_ldl_is_no_input_of_china_par() -> None:
    with pytest.raises(InputsRejected) as refusal:
        evaluate("china_par_10y", {**MAN, "ldl": 3.0})
    assert refusal.value.faults[0][:2] == ("/inputs/ldl", "unknown-field")


@pytest.mark.parametrize(("age", "valid"), [(34, False), (35, True), (74, True), (75, False)])
def test_outside_the_derivation_age_is_flagged(age: int, valid: bool) -> None:
    answer = evaluate("china_par_10y", {**MAN, "age": age})
    assert answer["valid"] is valid


@pytest.mark.parametrize(
    ("sbp", "dbp", "grade"),
    [
        (119, 79, "正常血压"),
        (120, 79, "正常高值"),
        (119, 80, "正常高值"),
        (139, 89, "正常高值"),
        (140, 89, "1级"),
        (139, 90, "1级"),
        (159, 100, "2级"),
        (179, 110, "3级"),
        (180, 60, "3级"),
    ],
)
def test_higher_of_the_two_pressures_decides_and_140_90_stays(
    sbp: int, dbp: int, grade: str
) -> None:
    answer = evaluate("cn_bp_grade_and_cv_stratification", {"sbp": sbp, "dbp": dbp})
    assert answer["value"]["grade"] == grade


def test_124_82_is_high_normal_and_outside_the_matrix() -> None:
    answer = evaluate("cn_bp_grade_and_cv_stratification", {"sbp": 124, "dbp": 82, "rf": 3})
    assert answer["value"] == {"grade": "正常高值", "stratum": None}


@pytest.mark.parametrize(("cell", "level"), [("中/高危", 4), ("高/很高危", 5)])
def test_range_cells_take_the_upper_level(cell: str, level: int) -> None:
    assert evaluate("five_level_mapping", {"bp_stratum": cell})["value"]["level"] == level


@pytest.mark.parametrize(
    ("fpg", "category"), [(5.6, "normal"), (6.0, "normal"), (6.1, "ifg"), (7.0, "diabetes_range")]
)
def test_impaired_fasting_glucose_starts_at_6_1(fpg: float, category: str) -> None:
    assert evaluate("cn_glucose_cutoffs", {"fpg": fpg})["category"] == category


@pytest.mark.parametrize(
    ("given", "urgent"),
    [
        ({"sbp": 179, "dbp": 109, "age": 60}, False),
        ({"sbp": 180, "dbp": 70, "age": 60}, True),
        ({"sbp": 120, "dbp": 110, "age": 60}, True),
        ({"fasting_glucose": 16.6}, False),
        ({"fasting_glucose": 16.7}, True),
        ({"random_glucose": 3.9}, True),
        ({"random_glucose": 4.0}, False),
    ],
)
def test_urgent_readings_of_the_follow_up_norm(given: dict[str, Any], urgent: bool) -> None:
    assert evaluate("cn_national_followup_control", given)["terms"]["urgent"] is urgent


@pytest.mark.parametrize(("age", "met"), [(64, False), (65, True)])
def test_the_norm_allows_150_from_65_years(age: int, met: bool) -> None:
    answer = evaluate("cn_national_followup_control", {"age": age, "sbp": 149, "dbp": 89})
    assert answer["terms"]["pressure_met"] is met


def test_diabetes_score_has_its_published_maximum_and_is_no_probability() -> None:
    worst = {"age": 70, "sex": "male", "bmi": 40, "waist": 120, "sbp": 180, "fh": 1}
    answer = evaluate("ncdrs", worst)
    assert (answer["value"], answer["unit"]) == (51, "{score}")
    assert answer["terms"]["bmi"] == 5


@pytest.mark.parametrize(
    ("bmi", "points"), [(18.4, None), (22.9, 100), (23, 75), (25, 50), (30, 25), (35, 0)]
)
def test_le8_uses_the_asian_row_and_scores_no_underweight(bmi: float, points: int | None) -> None:
    assert evaluate("lifes_essential_8", {"bmi": bmi})["terms"]["bmi"] == points


def test_le8_deductions_stop_at_zero() -> None:
    terms = evaluate(
        "lifes_essential_8", {"nicotine": "current + indoor smoker", "bp": "170/80 treated"}
    )["terms"]
    assert (terms["nicotine"], terms["bp"]) == (0, 0)


def test_nothing_evaluated_is_null_and_never_green() -> None:
    answer = evaluate("five_level_mapping", {})
    assert answer["value"] == {"level": None, "reasons": []}
    assert answer["valid"] is False


def test_composite_rounds_half_up() -> None:
    # 20.625 and 62.25: half-even would give 20.6 and 62.2.
    eight = dict.fromkeys(MODELS["composite_index"].inputs, 62)
    answer = evaluate("composite_index", {**eight, "diet": 64})
    assert answer["value"]["health_index"] == 62.3


@given(st.lists(st.one_of(st.none(), st.integers(0, 100)), min_size=8, max_size=8))
def test_fast_mean_is_the_decimal_mean(indices: list[int | None]) -> None:
    fast = composite.mean_of_whole(indices)
    assert fast == composite.mean(indices)
    known = [index for index in indices if index is not None]
    if len(known) >= 6:
        exact = Decimal(sum(known)) / len(known)
        assert fast == float(exact.quantize(Decimal("0.1"), ROUND_HALF_UP))


@pytest.mark.parametrize("flag", [True, False, 0, 1, 0.0, 1.0])
def test_flags_may_be_booleans_or_zero_and_one(flag: object) -> None:
    assert par({**MAN, "diabetes": flag}) == par({**MAN, "diabetes": int(bool(flag))})


@pytest.mark.parametrize("name", sorted(MAN))
@pytest.mark.parametrize(
    "value", [None, "x", [], {}, math.nan, math.inf, -math.inf, 10**400, -5, "mmol", 2.5e9]
)
def test_hostile_value_is_a_fault_at_its_place(name: str, value: object) -> None:
    with pytest.raises(InputsRejected) as refusal:
        evaluate("china_par_10y", {**MAN, name: value})
    assert [fault.pointer for fault in refusal.value.faults] == [f"/inputs/{name}"]


@pytest.mark.parametrize("name", ["age", "waist_cm", "tc", "hdl", "sbp", "dbp"])
def test_boolean_is_no_number(name: str) -> None:
    with pytest.raises(InputsRejected):
        evaluate("china_par_10y", {**MAN, name: True})


@given(
    st.sampled_from(sorted(MODELS)),
    st.dictionaries(
        st.text(max_size=12),
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
        max_size=5,
    ),
)
def test_evaluate_answers_or_rejects_whatever_arrives(
    model: str, inputs: dict[str, object]
) -> None:
    with suppress(InputsRejected):
        answer = evaluate(model, inputs)
        assert set(answer) == ANSWER
