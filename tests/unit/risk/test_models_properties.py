"""Every model is total over whatever is asked, and moves the way its inputs push it."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.risk.inputs import DETAILS
from service.domain.risk.models import MODELS, InputsRejected, evaluate
from tests.unit.risk import questions

FEW = settings(max_examples=max(20, settings().max_examples // 5), deadline=None)
Answer = dict[str, Any]


def _assert_reasoned(model_id: str, refusal: InputsRejected) -> None:
    assert refusal.faults
    for fault in refusal.faults:
        assert fault.code in DETAILS
        place, _, name = fault.pointer.removeprefix("/").partition("/")
        assert place == "inputs"
        assert name == "" or name in MODELS[model_id].inputs


def answered(model_id: str, inputs: Answer) -> Answer | None:
    """The answer, checked for its promises; None for a refusal, checked for its reasons."""
    try:
        answer = evaluate(model_id, inputs)
    except InputsRejected as refusal:
        _assert_reasoned(model_id, refusal)
        return None
    # A not-a-number or an infinity would break the wire, and is no answer.
    json.dumps(answer, allow_nan=False)
    assert answer["grade"] == MODELS[model_id].grade
    assert answer["source"] == MODELS[model_id].citation
    assert answer["notes"][-1] == MODELS[model_id].caveat.both()
    if answer["outside"]:
        assert answer["valid"] is False
        assert all(
            any(name in note["en"] for note in answer["notes"]) for name in answer["outside"]
        )
    return answer


@pytest.mark.parametrize("model_id", sorted(MODELS))
@FEW
@given(data=st.data())
def test_any_combination_is_an_answer_or_a_refusal_with_a_reason(
    model_id: str, data: st.DataObject
) -> None:
    answered(model_id, data.draw(questions.any_question(model_id)))


@pytest.mark.parametrize("model_id", sorted(MODELS))
@FEW
@given(data=st.data())
def test_any_accepted_extreme_is_an_answer_or_a_refusal_with_a_reason(
    model_id: str, data: st.DataObject
) -> None:
    answer = answered(model_id, data.draw(questions.good_question(model_id)))
    categories = {entry["category"] for entry in MODELS[model_id].categories}
    if answer is not None and answer["category"] is not None and categories:
        assert answer["category"] in categories | {"unreachable", "reachable"}


@pytest.mark.parametrize("model_id", sorted(m for m in MODELS if MODELS[m].silent_outside))
@FEW
@given(data=st.data())
def test_no_number_is_given_outside_where_the_equation_is_not_defined(
    model_id: str, data: st.DataObject
) -> None:
    answer = answered(model_id, data.draw(questions.good_question(model_id)))
    if answer is None or not answer["outside"]:
        return
    value = answer["value"]
    assert value is None or set(value.values()) == {None}
    assert (answer["category"], answer["terms"]) == (None, {})


UP, DOWN = 1, -1
MOVES: list[tuple[str, str, int, str | None, Answer]] = [
    *(("china_par_10y", name, UP, "risk_10y_pct", {}) for name in ("sbp", "tc")),
    ("china_par_10y", "hdl", DOWN, "risk_10y_pct", {}),
    ("china_par_10y", "waist_cm", UP, "risk_10y_pct", {"sex": "female"}),
    ("china_par_10y", "waist_cm", DOWN, "risk_10y_pct", {"sex": "male"}),
    *(("china_par_10y", name, UP, "risk_10y_pct", {}) for name in ("diabetes", "north")),
    *(("ncdrs", name, UP, None, {}) for name in ("age", "bmi", "waist", "sbp", "fh")),
    *(("findrisc", name, UP, None, {}) for name in ("age", "bmi", "waist", "bp_meds", "glucose")),
    *(("findrisc", name, DOWN, None, {}) for name in ("active", "veg")),
    *(("egfr_ckd_epi_2021", name, DOWN, None, {}) for name in ("age", "scr_mg_dl")),
    *(("fib4", name, UP, None, {}) for name in ("age", "ast")),
    *(("fib4", name, DOWN, None, {}) for name in ("alt", "platelets")),
    *(("fli", name, UP, None, {}) for name in ("tg", "bmi", "ggt", "waist")),
    *(("amap_hcc", name, UP, "score", {}) for name in ("age", "male", "bilirubin")),
    *(("amap_hcc", name, DOWN, "score", {}) for name in ("albumin", "platelets")),
    ("apcs", "age", UP, None, {}),
    ("osta", "weight", UP, "index", {}),
    ("osta", "age", DOWN, "index", {}),
    *(("copd_ps", name, UP, None, {}) for name in ("age", "phlegm", "breathless_4w")),
    *(("sleep_isi", f"q{number}", UP, "isi", {}) for number in (1, 7)),
    *(("ftnd_packyears", f"q{number}", UP, None, {}) for number in (1, 6)),
    *(("audit_alcohol", f"q{number}", UP, "audit_c", {}) for number in (1, 3)),
    *(("score2_and_asia_pacific", name, UP, None, {}) for name in ("sbp", "tc", "smoker")),
    ("score2_and_asia_pacific", "hdl", DOWN, None, {}),
    *(("who_cvd_2019_east_asia", name, UP, "cvd", {"bmi": 24}) for name in ("sbp", "smoker")),
    ("prevent_base", "egfr", DOWN, "total_cvd_10", {}),
    *(("prevent_base", name, UP, "total_cvd_10", {}) for name in ("diabetes", "smoker")),
    ("five_level_mapping", "china_par_pct", UP, "level", {}),
    ("five_level_mapping", "composite", DOWN, "level", {}),
    ("cn_lung_screening", "pack_years", UP, None, {"current_smoker": 1}),
    ("cn_stroke_8_2", "n_of_8", UP, "rank", {}),
    ("cn_bp_grade_and_cv_stratification", "sbp", UP, "rank", {"dbp": 60}),
]
RANKS = {
    "cn_stroke_8_2": ["低危", "中危", "高危"],
    "cn_bp_grade_and_cv_stratification": ["正常血压", "正常高值", "1级", "2级", "3级"],
}


@pytest.mark.parametrize(("model_id", "name", "way", "output", "fixed"), MOVES)
@FEW
@given(data=st.data())
def test_more_of_an_input_moves_the_answer_one_way_only(
    model_id: str, name: str, way: int, output: str | None, fixed: Answer, data: st.DataObject
) -> None:
    base = {**data.draw(questions.inside_question(model_id)), **fixed}
    if "region" in base:
        base["model"] = "asia_pacific"
    rule = MODELS[model_id].inputs[name]
    drawn = sorted(data.draw(questions.accepted(rule, questions.derived(rule))) for _ in range(3))
    found = [_output(model_id, {**base, name: value}, output) for value in drawn]
    for before, after in pairwise(found):
        assert way * (after - before) >= 0


def _output(model_id: str, inputs: Answer, output: str | None) -> float:
    value = evaluate(model_id, inputs)["value"]
    if output == "rank":
        return RANKS[model_id].index(value if isinstance(value, str) else value["grade"])
    number = value if output is None else value[output]
    assert isinstance(number, int | float)
    return number
