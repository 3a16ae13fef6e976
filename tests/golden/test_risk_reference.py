"""The project's own data say what the tables of reference say; skipped where those are not."""

import json
from typing import Any

import pytest

from service.domain.risk.models import MODELS, evaluate
from tests.golden import vectors
from tests.golden.vectors import OWN, needs_reference

pytestmark = needs_reference

Place = tuple[str, ...]
SAME: dict[str, dict[Place, Place]] = {
    "china_par_10y": {
        ("coefficients_recommended", "male"): ("coefficients", "male"),
        ("coefficients_recommended", "female"): ("coefficients", "female"),
    },
    "ncdrs": {
        ("points", name): ("points", name)
        for name in ("age", "bmi", "waist_male", "waist_female", "sbp")
    },
    "prevent_base": {("coefficients",): ("coefficients",)},
    "score2_and_asia_pacific": {
        ("coefficients",): ("coefficients",),
        ("scales_asia_pacific",): ("scales", "asia_pacific"),
    },
    "who_cvd_2019_east_asia": {
        ("centring",): ("centring",),
        ("coefficients",): ("coefficients",),
        ("recalibration_east_asia_2017",): ("recalibration",),
    },
    "lifes_essential_8": {
        ("tables", name): (name,)
        for name in (
            "diet_mepa",
            "diet_percentile",
            "pa_min_week",
            "sleep_h",
            "bmi_general",
            "bmi_asian_pacific",
            "non_hdl_mg_dl",
            "glucose_diabetes_hba1c",
        )
    },
    "apcs": {("points",): ("points",)},
    "findrisc": {("points", "age"): ("age",), ("points", "family_history"): ("fh",)},
    "cn_diet_2022": {("limits",): ("limits_as_printed",)},
    "cn_two_cancer": {("content",): ("content",), ("interval",): ("interval",)},
}
"""Tables that both write in the same form: place there, place here."""
IN_RULES = {
    "amap_hcc": {"low": "<50", "medium": "50-<60", "high": ">=60"},
    "fib4": {"low": "<1.30", "indeterminate": "1.30-2.67", "high": ">2.67"},
    "fli": {"rules out": "<30", "indeterminate": "30-<60", "rules in": ">=60"},
}


def at(entry: Any, place: Place) -> Any:
    for step in place:
        entry = entry[step]
    return entry


@pytest.mark.parametrize("model", sorted(MODELS))
def test_vectors_kept_here_are_those_of_the_table(model: str) -> None:
    own = json.loads(OWN[model].read_text("utf-8"))["vectors"]
    theirs = vectors.of_table(vectors.table(model))
    assert [(vectors.asked(one), vectors.expected(one)) for one in own] == [
        (vectors.asked(one), vectors.expected(one)) for one in theirs
    ]


@pytest.mark.parametrize("model", sorted(MODELS))
def test_grade_is_that_of_the_table(model: str) -> None:
    verified = vectors.table(model)["verified"]
    product = "PRODUCT-DEFINED" in verified
    assert MODELS[model].grade == ("P" if product else verified[0])


@pytest.mark.parametrize("model", sorted(MODELS))
def test_citation_is_that_of_the_table(model: str) -> None:
    theirs = vectors.table(model).get("citation")
    if theirs is None:
        assert MODELS[model].grade == "P", "only what the product defines cites nobody"
    else:
        assert MODELS[model].citation == theirs


@pytest.mark.parametrize("model", sorted(SAME))
def test_every_number_of_the_table_is_computed_with(model: str) -> None:
    for there, here in SAME[model].items():
        assert at(MODELS[model].parameters, here) == at(vectors.table(model), there)


@pytest.mark.parametrize("model", sorted(IN_RULES))
def test_bands_are_those_of_the_table(model: str) -> None:
    theirs = {entry["label"]: entry["rule"] for entry in vectors.table(model)["categories"]}
    assert theirs == IN_RULES[model]
    assert [entry["rule"] for entry in MODELS[model].categories] == list(theirs.values())


# -- tables that the two write differently, cell by cell through the models ------------------------

LIPID_COLUMNS = ({"ldl": 1.8}, {"ldl": 2.6}, {"ldl": 3.4}, {"tc": 3.1}, {"tc": 4.1}, {"tc": 5.2})
RISKS = ({"smoking": 1}, {"hdl": 0.9}, {"age": 50})
"""The three that are counted; 50 is past a man's 45. Each test person has the first so many."""


@pytest.mark.parametrize("column", range(6))
@pytest.mark.parametrize("count", range(4))
@pytest.mark.parametrize("pressure", ["no_hypertension", "hypertension"])
def test_every_cell_of_the_lipid_table(pressure: str, count: int, column: int) -> None:
    rows = vectors.table("cn_lipid_2023")["table"][pressure]
    cells = rows.get(str(count)) or rows["0-1"]
    person: dict[str, Any] = {"sex": "male", "age": 40, "hdl": 1.3}
    person |= {"htn": pressure == "hypertension"} | LIPID_COLUMNS[column]
    for risk in RISKS[:count]:
        person |= risk
    answer = evaluate("cn_lipid_2023", person)
    wanted = cells[column % 3]
    # Younger than 55, with two of a further list, a moderate one counts as high (lifetime risk).
    lifetime = wanted == "moderate" and count >= 2
    assert answer["category"] == ("high" if lifetime else wanted)


PRESSURES = (
    (130, 80),
    (145, 80),
    (165, 80),
    (185, 80),
    (120, 85),
    (120, 95),
    (120, 105),
    (120, 115),
)
HEALTH: tuple[tuple[dict[str, Any], ...], ...] = (
    ({},),
    ({"rf": 1}, {"rf": 2}),
    (
        {"rf": 3},
        {"target_organ_damage": 1},
        {"ckd_stage": "3"},
        {"diabetes": "without_complications"},
    ),
    ({"clinical_disease": 1}, {"ckd_stage": ">=4"}, {"diabetes": "with_complications"}),
)


@pytest.mark.parametrize(
    ("row", "health"), [(n, one) for n, ones in enumerate(HEALTH) for one in ones]
)
def test_every_cell_of_the_blood_pressure_matrix(row: int, health: dict[str, Any]) -> None:
    cells = vectors.table("cn_bp_grade_and_cv_stratification")["stratification_rows"][row]["cells"]
    for number, (sbp, dbp) in enumerate(PRESSURES):
        given = {"sbp": sbp, "dbp": dbp, **health}
        found = evaluate("cn_bp_grade_and_cv_stratification", given)["value"]["stratum"]
        wanted = cells[number % 4]
        assert found == (None if wanted.startswith("-") else wanted)


def test_levels_of_every_category_are_those_of_the_table() -> None:
    for item in vectors.table("five_level_mapping")["items"]:
        if not isinstance(item["map"], dict):
            continue
        for category, level in item["map"].items():
            answer = evaluate("five_level_mapping", {item["key"]: category})
            assert answer["value"]["level"] == level


@pytest.mark.parametrize("sex", ["female", "male"])
def test_filtration_constants_are_those_of_the_table(sex: str) -> None:
    theirs = vectors.table("egfr_ckd_epi_2021")["coefficients"][sex]
    assert MODELS["egfr_ckd_epi_2021"].parameters[sex][:2] == [theirs["k"], theirs["a"]]
