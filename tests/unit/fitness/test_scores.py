"""The scorers: total over everything, exact at every edge, and never worse for doing better."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.fitness import adult_2003, catalogue, student
from service.domain.fitness.explain import explain
from service.domain.fitness.numbers import (
    bmi_floor,
    bmi_to_tenth,
    nearest_tenth,
    spelled,
    to_tenth,
)
from service.domain.fitness.results import BODY
from service.domain.fitness.standard import Score, Sex
from service.domain.vocabulary.measures import MEASURES
from tests.unit.fitness.columns import COLUMNS, SEXES, Column

sexes = st.sampled_from(SEXES)
STANDARDS = list(catalogue.STANDARDS)
GIRL = {"bmi": 22.3, "vc": 2550, "r50": 9.1, "sr": 12.0, "jump": 165, "situp": 53, "run": 238}


def scored(found: Any) -> Score:
    assert isinstance(found, Score), found
    return found


def plausible(standard: str, item: str, sex: Sex) -> tuple[float, float]:
    items = catalogue.STANDARDS[standard].items
    code = BODY[item] if item in BODY else items[item].measure[sex]
    low, high = MEASURES[code].plausible
    assert low is not None
    assert high is not None
    return low, high


@given(st.sampled_from(COLUMNS), st.data())
def test_doing_better_never_scores_lower(column: Column, data: st.DataObject) -> None:
    low, high = plausible(column.standard, column.item, column.sex)
    values = st.integers(round(low * 100), round(high * 100))
    worse, better = sorted((data.draw(values), data.draw(values)))
    if not column.ladder.higher:
        worse, better = better, worse
    assert column.ladder.at(worse).points <= column.ladder.at(better).points


@pytest.mark.parametrize("column", COLUMNS, ids=lambda c: f"{c.standard}-{c.item}-{c.group}")
def test_every_bound_is_met_exactly(column: Column) -> None:
    """At the bound, and one unit of the scale on either side of it."""
    ladder, item = column.ladder, catalogue.STANDARDS[column.standard].items[column.item]
    ahead = item.finest if ladder.higher else -item.finest
    for step in ladder.steps:
        reached = ladder.needed(step, item.finest)
        assert ladder.at(reached).points >= step.points
        assert ladder.at(reached - ahead).points < step.points or ladder.reached(
            step, reached - ahead
        )
        assert ladder.at(step.bound).points >= step.points or step.strict


def test_five_points_for_reaction_need_less_than_the_bound() -> None:
    def points(seconds: float) -> int:
        found = scored(adult_2003.score("male", 22, {"choice_reaction_time": seconds}))
        return found.items["choice_reaction_time"].points

    assert (points(0.39), points(0.38), points(0.43), points(0.44)) == (4, 5, 4, 3)


def test_a_timed_result_rounds_up() -> None:
    def stand(seconds: float) -> int:
        found = scored(adult_2003.score("male", 22, {"one_leg_eyes_closed": seconds}))
        return found.items["one_leg_eyes_closed"].result

    assert (stand(10.1), stand(10.11), stand(10.10)) == (1010, 1020, 1010)
    run = scored(student.score("male", "5", {"r50": 9.01}))
    assert run.items["r50"].result == 910


def test_height_is_floored_to_whole_centimetres() -> None:
    def points(height: float, weight: float) -> int:
        given = {"height": height, "weight": weight}
        return scored(adult_2003.score("male", 25, given)).items["height_weight"].points

    assert points(170.9, 72.1) == points(170, 72.1) == 5
    assert [points(170, kg) for kg in (51.9, 52.0, 55.7, 55.8, 72.1, 72.2, 76.8, 76.9)] == [
        1, 3, 3, 5, 5, 3, 3, 1,
    ]  # fmt: skip
    short = scored(adult_2003.score("male", 25, {"height": 143.9, "weight": 50}))
    assert "height_weight" in short.missing


def test_bonus_starts_beyond_the_hundred_point_line() -> None:
    best = student.column("rope", "male", "5").steps[-1].bound
    assert [student.bonus("rope", "male", "5", best + extra) for extra in (0, 100, 200, 4000, 9900)
            ] == [0, 0, 1, 20, 20]  # fmt: skip
    run = student.column("run", "female", "8").steps[-1].bound
    assert [student.bonus("run", "female", "8", run - s * 100) for s in (0, 4, 5, 50)] == [
        0, 0, 1, 10,
    ]  # fmt: skip
    assert student.bonus("situp", "male", "5", 99_900) == 0


def test_girls_have_a_line_of_their_own_for_rope() -> None:
    boys, girls = (student.column("rope", sex, "3").steps[-1].bound for sex in ("male", "female"))
    assert boys != girls
    assert student.bonus("rope", "female", "3", girls + 200) == 1


def test_bonus_is_capped_over_all_items() -> None:
    given = {"bmi": 20, "vc": 9999, "r50": 5.5, "sr": 40, "jump": 350, "pullup": 80, "run": 140}
    found = scored(student.score("male", "12", given))
    assert (found.standard, found.bonus, found.total) == (10000, 20, 12000)


@pytest.mark.parametrize(
    ("total", "level"),
    [(5990, "fail"), (6000, "pass"), (7990, "pass"), (8000, "good"), (8990, "good"),
     (9000, "excellent"), (12000, "excellent"), (0, "fail")],
)  # fmt: skip
def test_levels_of_students_at_their_edges(total: int, level: str) -> None:
    assert student._level(total).code == level


@pytest.mark.parametrize(
    ("age", "total", "level"),
    [(25, 34, "excellent"), (25, 33, "good"), (25, 30, "good"), (25, 29, "pass"),
     (25, 23, "pass"), (25, 22, "fail"), (39, 34, "excellent"), (40, 27, "excellent"),
     (40, 26, "good"), (40, 24, "good"), (59, 23, "pass"), (59, 18, "pass"), (59, 17, "fail")],
)  # fmt: skip
def test_levels_of_adults_in_2003_at_their_edges(age: int, total: int, level: str) -> None:
    assert adult_2003._level(age, total).code == level


def test_below_the_first_line_there_is_no_composite() -> None:
    given = {
        "height": 175, "weight": 70, "vital_capacity": 3800, "step_index": 55.2, "grip": 46.5,
        "pushup": 2, "vertical_jump": 35.5, "sit_reach": 8.5, "choice_reaction_time": 0.44,
        "one_leg_eyes_closed": 29,
    }  # fmt: skip
    found = scored(adult_2003.score("male", 28, given))
    assert found.items["pushup"].points == 0
    assert (found.state, found.total, found.level) == ("complete", None, None)


def test_what_is_missing_leaves_no_total() -> None:
    for name in GIRL:
        rest = {key: value for key, value in GIRL.items() if key != name}
        found = scored(student.score("female", "8", rest))
        assert (found.state, found.total, found.level) == ("incomplete", None, None)
        assert found.missing == (name,)


def test_exempt_is_no_zero() -> None:
    found = scored(student.score("female", "8", {}, exempt=True))
    assert (found.state, found.total, found.items) == ("exempt", None, {})


def test_floats_do_not_cost_a_tenth() -> None:
    assert to_tenth(8435) == 8440
    assert nearest_tenth(18.145) == 1810
    assert nearest_tenth(18.15) == 1820
    assert bmi_to_tenth(45.36, 150.0) == 2020
    assert bmi_floor(54, 150) == 2400
    assert bmi_floor(53.99, 150) == 2399
    assert (spelled(1330, 1), spelled(1200, 0), spelled(44, 2)) == ("13.3", "12", "0.44")


def test_every_score_carries_its_edition_and_what_is_uncertain() -> None:
    given = {"vital_capacity": 3900}
    old = scored(catalogue.score("cn-npfs-adult-2003", "male", given, age=27))
    new = scored(catalogue.score("cn-npfs-2023", "male", given, age=27))
    assert (old.source.edition, new.source.edition) == ("2003", "2023")
    assert (old.source.status, new.source.status) == ("official", "provisional")
    for found in (old, new):
        assert found.notes == found.source.caveats
        assert all(one.provisional for one in found.items.values() if one.grade == "C")
    seventh = scored(student.score("male", "7", {"vc": 3000}))
    assert seventh.items["vc"].grade == "C"
    assert seventh.items["vc"].provisional is not None
    assert scored(student.score("male", "5", {"vc": 3000})).items["vc"].provisional is None


def test_the_next_step_is_told() -> None:
    found = scored(student.score("female", "8", {"sr": 12}))
    one = found.items["sr"]
    text = explain(found.source.items["sr"], one)
    assert text is not None
    assert text.en == "12.0 cm = 74 points (next step 13.3 cm = 76)"
    assert "下一档 13.3厘米 = 76分" in text.zh


results = st.dictionaries(
    st.sampled_from(
        sorted({name for one in catalogue.STANDARDS.values() for name in one.items} | set(BODY))
    )
    | st.text(max_size=5),
    st.one_of(
        st.integers(),
        st.floats(),
        st.floats(min_value=0, max_value=5000),
        st.booleans(),
        st.none(),
        st.text(max_size=3),
    ),
    max_size=12,
)


@given(
    st.sampled_from(STANDARDS),
    sexes,
    results,
    st.none() | st.integers(-5, 120),
    st.none() | st.sampled_from(student.grades()) | st.text(max_size=3),
    st.booleans(),
)
def test_every_question_has_an_answer(
    standard: str, sex: Sex, given: dict[str, Any], age: Any, grade: Any, exempt: bool
) -> None:
    found = catalogue.score(standard, sex, given, age=age, grade=grade, exempt=exempt)
    if isinstance(found, list):
        assert found
        assert all(fault.pointer.split("/")[1] in {"results", "age", "grade", "exempt"}
                   for fault in found)  # fmt: skip
    else:
        assert (found.total is not None) <= (found.state == "complete")
        for one in found.items.values():
            assert 0 <= one.points <= 100


@given(sexes, st.sampled_from(student.grades()), st.data())
def test_a_whole_student_total_never_falls_by_doing_better(
    sex: Sex, grade: str, data: st.DataObject
) -> None:
    parts = student.weights(sex, grade)
    given: dict[str, float] = {"bmi": 18}
    for item in parts.keys() - {"bmi"}:
        low, high = plausible(student.ID, item, sex)
        given[item] = data.draw(st.integers(int(low) + 1, int(high)))
    item = data.draw(st.sampled_from(sorted(parts.keys() - {"bmi"})))
    low, high = plausible(student.ID, item, sex)
    other = data.draw(st.integers(int(low) + 1, int(high)))
    better = (
        max(other, given[item])
        if student.standard().items[item].higher
        else min(other, given[item])
    )
    before = scored(student.score(sex, grade, given)).total
    after = scored(student.score(sex, grade, {**given, item: better})).total
    assert before is not None
    assert after is not None
    assert before <= after <= 12000
