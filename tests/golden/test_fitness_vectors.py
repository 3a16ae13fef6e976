"""Fitness standards, growth and questionnaires against examples worked by others or by hand."""

import json
from pathlib import Path
from typing import Any

import pytest

from service.domain.fitness import catalogue
from service.domain.fitness.numbers import step_index
from service.domain.fitness.standard import Score
from service.domain.growth import zscores
from service.domain.questionnaires.instruments import INSTRUMENTS
from service.domain.questionnaires.scoring import Result, score

FOLDER = Path(__file__).parent / "data"


def vectors(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((FOLDER / name).read_text("utf-8"))["vectors"]
    assert found
    return found


@pytest.mark.parametrize("vector", vectors("fitness_standards.json"))
def test_a_worked_example_of_a_standard_is_reproduced(vector: dict[str, Any]) -> None:
    found = catalogue.score(
        vector["standard"],
        vector["sex"],
        vector["results"],
        age=vector.get("age"),
        grade=vector.get("grade"),
    )
    assert isinstance(found, Score)
    expected = vector["expected"]
    assert {name: one.points for name, one in found.items.items()} == expected["item_scores"]
    assert found.total == round(expected["total"] * 100)
    assert found.level is not None
    assert found.level.code == expected["level"]
    if "bonus" in expected:
        assert (found.standard, found.bonus) == (
            round(expected["standard"] * 100),
            expected["bonus"],
        )


def test_step_index_counts_beats_a_minute() -> None:
    assert step_index(180, (60, 55, 50)) == 5450


@pytest.mark.parametrize("vector", vectors("growth_who.json"))
def test_a_z_score_of_who_is_reproduced(vector: dict[str, Any]) -> None:
    if "age_days" in vector:
        age, read = vector["age_days"], zscores.by_day
    else:
        age, read = vector["age_months"], zscores.by_month
    z = read(vector["indicator"], vector["sex"], age, vector["value"])
    assert z == pytest.approx(vector["z"], abs=0.0101)


@pytest.mark.parametrize("vector", vectors("questionnaires.json"))
def test_a_worked_example_of_a_questionnaire_is_reproduced(vector: dict[str, Any]) -> None:
    instrument, given, expected = (
        INSTRUMENTS[vector["questionnaire"]],
        vector["answers"],
        dict(vector["expected"]),
    )
    if instrument.method["kind"] == "entered":
        # Its items are not shown, so what comes in is the outcome of the seven or eight answers.
        total = sum(given) if instrument.id == "ais" else int(any(given))
        found = score(instrument, {}, total=total)
    else:
        answers = (
            given if isinstance(given, dict) else dict(zip(instrument.items, given, strict=False))
        )
        found = score(instrument, answers, sex=vector.get("sex"))
    assert found.state == "complete"
    assert reported(found, expected) == expected


def reported(found: Result, expected: dict[str, Any]) -> dict[str, Any]:
    """What was found, under the names the example uses."""
    said = {
        "total": found.total,
        "minutes": found.total,
        "met_min": found.total,
        "band": found.category,
        "level": found.category,
        "result": found.category,
        "positive": found.category == "Positive",
        "meets": found.category == "meets the guideline",
        "safety": found.crisis is not None,
        "note": expected.get("note"),
    }
    return {name: said[name] for name in expected}
