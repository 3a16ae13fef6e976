"""Every reference vector of every model, through the public `evaluate`.

The vectors come from someone else's implementation, paper or hand; each file names its source.
China-PAR is held to 0.1 point against the official calculator and 0.35 against the paper's table 2
(paper and calculator themselves differ by up to 0.3).
"""

import json
from typing import Any

import pytest

from service.domain.risk.models import MODELS, evaluate
from tests.golden import vectors
from tests.golden.vectors import OWN, Vector, needs_reference

OWN_VECTORS = [
    pytest.param(model, vector, id=f"{model}-{number}")
    for model, path in sorted(OWN.items())
    for number, vector in enumerate(json.loads(path.read_text("utf-8"))["vectors"])
]


@pytest.mark.parametrize(("model", "vector"), OWN_VECTORS)
def test_reference_vector_is_reproduced(model: str, vector: Vector) -> None:
    _assert_reproduced(model, vector)


@needs_reference
@pytest.mark.parametrize("model", vectors.tables())
def test_every_vector_of_the_table_of_reference_is_reproduced(model: str) -> None:
    found = vectors.of_table(vectors.table(model))
    assert found
    for vector in found:
        _assert_reproduced(model, vector)


def _assert_reproduced(model: str, vector: Vector) -> None:
    value = evaluate(model, vectors.asked(vector))["value"]
    expected = vectors.expected(vector)
    if model == "china_par_10y":
        _assert_china_par(value, expected)
    elif model == "physical_activity":
        _assert_activity(value, expected)
    else:
        _assert_same(value, expected, 0.0006 if "expected_pct" in vector else 0.006)


def _assert_china_par(value: dict[str, Any], expected: dict[str, Any]) -> None:
    for name, number in expected.items():
        if name.endswith("lifetime_pct"):
            # The lifetime coefficients are not public: no number is better than a wrong one.
            assert value[name] is None
        elif name == "category":
            assert value[name] == number
        else:
            assert value[name] == pytest.approx(number, abs=0.1)


def _assert_activity(value: dict[str, Any], expected: dict[str, Any]) -> None:
    # The table names some of the outputs only, and explains a category in brackets or a note.
    for name, wanted in expected.items():
        if name == "category":
            assert value[name] == wanted.split(" ", 1)[0]
        elif name != "note":
            assert value[name] == pytest.approx(wanted, abs=0.05)


def _assert_same(value: Any, expected: Any, tolerance: float) -> None:
    if isinstance(expected, dict):
        assert set(value) == set(expected)
        for name in expected:
            _assert_same(value[name], expected[name], tolerance)
    elif isinstance(expected, list):
        assert len(value) == len(expected)
        for one, other in zip(value, expected, strict=True):
            _assert_same(one, other, tolerance)
    elif isinstance(expected, float):
        assert value == pytest.approx(expected, abs=tolerance)
    else:
        assert value == expected


def test_every_model_has_vectors() -> None:
    assert set(OWN) == set(MODELS)


@needs_reference
def test_every_table_of_reference_is_a_model_and_every_model_has_a_table() -> None:
    assert set(vectors.tables()) == set(MODELS)


@pytest.mark.parametrize("sex", ["men", "women"])
def test_china_par_agrees_with_table_2_of_the_paper(sex: str) -> None:
    golden = json.loads(OWN["china_par_10y"].read_text("utf-8"))
    for age, printed in golden["paper_table2"][sex].items():
        profile = {
            "sex": "male" if sex == "men" else "female",
            "age": int(age),
            "north": 1,
            "urban": 1,
            "waist_cm": 80,
            "tc": 210,
            "tc_unit": "mg/dL",
            "hdl": 55,
            "hdl_unit": "mg/dL",
            "sbp": 130,
            "bp_treated": 0,
            "diabetes": 1,
            "current_smoker": 0,
            "family_history_ascvd": 0,
        }
        found = evaluate("china_par_10y", profile)["value"]["risk_10y_pct"]
        assert found == pytest.approx(printed, abs=golden["paper_tolerance_pct_points"])
        own = golden["paper_table2"]["recommended_set_gives"][sex][age]
        assert found == pytest.approx(own, abs=0.006)
