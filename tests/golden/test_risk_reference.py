"""The project's own data say what the tables of reference say; skipped where those are not."""

import json
from typing import Any

import pytest

from service.domain.risk.models import MODELS
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
