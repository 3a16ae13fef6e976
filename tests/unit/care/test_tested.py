"""Fitness results carry the edition of their day, and a student without a grade has no score."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from service.domain.care import asked
from service.domain.care.situation import Deed, Situation
from service.domain.care.tested import MOST_DAYS, fitness
from service.domain.fitness import student
from service.domain.fitness.results import BODY
from tests.unit.care.room import TODAY, born, done, read, somebody

PUPIL: dict[str, Any] = {
    "bmi": 19.0,
    "vital_capacity": 2500,
    "run_50m": 9.0,
    "sit_and_reach": 8.3,
    "rope_skip_1min": 155,
    "situps_1min": 36,
    "shuttle_50x8": 112,
}
"""The worked example of grade 5 in the reference."""
ADULT: dict[str, Any] = {
    "bmi": 23.0,
    "body_fat_pct": 21.0,
    "vital_capacity": 3900,
    "vo2max": 44.0,
    "grip_strength": 46.5,
    "vertical_jump": 38.0,
    "push_ups": 25,
    "situps_1min": 30,
    "sit_and_reach": 9.0,
    "one_leg_stand": 30,
    "choice_reaction_time": 0.5,
}
"""The worked example of the 2023 revision, a man of 27: 80.5, good."""


def taker(birth: date, *tests: Deed, sex: str = "male", today: date = TODAY) -> Situation:
    return somebody(birth, sex=sex, today=today, deeds=tests)


def results(day: date = TODAY, **values: Any) -> Deed:
    return done(day, clinical=False, **values)


def editions(who: Situation) -> list[tuple[str, str]]:
    return [(one["day"], one["standard_id"]) for one in fitness(who)]


def graded(day: date = TODAY, grade: str = "5") -> Deed:
    return results(day, school_grade=grade)


VECTORS = json.loads(
    (Path(__file__).parents[2] / "golden" / "data" / "fitness_standards.json").read_text("utf-8")
)["vectors"]
STUDENTS = [vector for vector in VECTORS if vector["standard"] == "cn-nsphs-2014"]


@pytest.mark.parametrize("vector", STUDENTS)
def test_the_plan_scores_a_student_as_the_worked_examples_do(vector: dict[str, Any]) -> None:
    """Each stored as records of measures, so measures, weights and columns are proved with it."""
    items, sex, expected = student.standard().items, vector["sex"], vector["expected"]
    values = {
        BODY.get(name) or items[name].measure[sex]: value
        for name, value in vector["results"].items()
    }
    test = results(**values, school_grade=vector["grade"])
    (one,) = fitness(taker(born(14), test, sex=sex))
    assert {name: item["points"] for name, item in one["items"].items()} == expected["item_scores"]
    assert (one["total"], one["level"]) == (expected["total"], expected["level"])
    assert (one["school_grade"], one["state"], one["missing"]) == (vector["grade"], "complete", [])


def test_a_students_line_carries_its_edition_and_version() -> None:
    (one,) = fitness(taker(born(11), results(**PUPIL), graded()))
    assert (one["standard_id"], one["edition"]) == ("cn-nsphs-2014", "2014 revision")
    assert (one["version"], one["provisional"], one["measure"]) == (
        "1",
        False,
        "student_standard_score",
    )
    assert (one["standard"], one["bonus"], one["total"], one["level"]) == (84.4, 3, 87.4, "good")
    assert (one["grade"], one["source"][:7]) == ("B", student.standard().citation[:7])


@pytest.mark.parametrize(
    ("told", "tested", "known"),
    [
        (date(2025, 9, 1), date(2026, 8, 31), True),
        (date(2026, 8, 31), date(2025, 9, 1), True),
        (date(2026, 8, 31), date(2026, 9, 1), False),
        (date(2025, 8, 31), date(2026, 8, 31), False),
        (date(2026, 9, 1), date(2026, 8, 31), False),
        (date(2026, 9, 1), date(2026, 11, 20), True),
    ],
)
def test_a_grade_counts_from_1_september_to_31_august(
    told: date, tested: date, known: bool
) -> None:
    deeds = sorted(
        (results(tested, **PUPIL), graded(told)), key=lambda deed: deed.day, reverse=True
    )
    (one,) = fitness(taker(born(11), *deeds))
    assert (one["missing"] == []) is known
    assert one["school_grade"] == ("5" if known else None)
    if not known:
        assert (one["total"], one["items"]) == (None, {})
        asks_again = "earlier school year" in one["caveat"]["en"]
        assert asks_again is (told < tested)


def test_of_two_grades_of_a_school_year_the_one_of_the_day_counts() -> None:
    moved = (graded(date(2026, 11, 1), "6"), results(date(2026, 10, 1), **PUPIL))
    first = graded(date(2026, 9, 5), "5")
    (one,) = fitness(taker(born(11), *moved, first))
    assert one["school_grade"] == "5"
    (one,) = fitness(taker(born(11), *moved))
    assert one["school_grade"] == "6"


def test_a_grade_that_is_not_recorded_is_never_moved_up() -> None:
    last_year = graded(date(2026, 6, 1), "5")
    (one,) = fitness(taker(born(11), results(**PUPIL), last_year))
    assert (one["school_grade"], one["missing"]) == (None, ["grade"])
    assert "9月1日" in one["caveat"]["zh"]


def test_at_university_the_grade_decides_and_the_adults_tests_count_once_complete() -> None:
    shared = {"vital_capacity": 4300, "sit_and_reach": 15.0}
    test = results(**shared, school_grade="u34")
    (one,) = fitness(taker(born(21), test))
    assert (one["standard_id"], one["school_grade"]) == ("cn-nsphs-2014", "u34")
    assert one["state"] == "incomplete"
    both = fitness(taker(born(27), results(**ADULT, school_grade="u34")))
    assert [line["standard_id"] for line in both] == ["cn-nsphs-2014", "cn-npfs-2023"]


@pytest.mark.parametrize(("years", "lines"), [(18, 1), (19, 1), (20, 0)])
def test_an_old_grade_is_asked_again_until_the_adults_standard_begins(
    years: int, lines: int
) -> None:
    old = graded(date(2026, 5, 1), "12")
    found = fitness(taker(born(years), results(run_50m=8.0), old))
    assert len(found) == lines
    assert all(one["missing"] == ["grade"] for one in found)


@pytest.mark.parametrize(
    ("years", "days", "lines"), [(7, 0, 1), (7, -1, 0), (18, -1, 1), (18, 0, 0)]
)
def test_without_a_grade_nothing_is_derived_from_7_to_17(years: int, days: int, lines: int) -> None:
    found = fitness(taker(born(years, days=days), results(**PUPIL)))
    assert len(found) == lines
    for one in found:
        assert (one["missing"], one["items"], one["total"]) == (["grade"], {}, None)
        assert (one["standard_id"], one["edition"]) == ("cn-nsphs-2014", "2014 revision")
        assert one["measure"] == "student_standard_score"
        assert "grade" in one["caveat"]["en"]


def test_an_adult_is_scored_under_both_editions_and_told_which_is_provisional() -> None:
    new, old = fitness(taker(born(27), results(**ADULT)))
    assert (new["standard_id"], new["provisional"], new["grade"]) == ("cn-npfs-2023", True, "C")
    assert (new["total"], new["level"], new["measure"]) == (80.5, "good", "npfs_grade")
    assert (old["standard_id"], old["provisional"]) == ("cn-npfs-adult-2003", False)
    assert (old["state"], old["total"], old["level"]) == ("incomplete", None, None)
    assert set(old["missing"]) == {"step_index", "height_weight"}


def test_an_edition_does_not_score_the_days_before_it() -> None:
    today = date(2023, 6, 1)
    who = taker(
        date(1990, 1, 1),
        results(date(2023, 1, 1), grip_strength=46.5),
        results(date(2022, 12, 31), grip_strength=46.5),
        today=today,
    )
    assert editions(who) == [
        ("2023-01-01", "cn-npfs-2023"),
        ("2023-01-01", "cn-npfs-adult-2003"),
        ("2022-12-31", "cn-npfs-adult-2003"),
    ]


@pytest.mark.parametrize(
    ("years", "days", "lines"), [(20, -1, 0), (20, 0, 2), (60, -1, 2), (60, 0, 0)]
)
def test_ages_without_a_checked_table_have_no_score(years: int, days: int, lines: int) -> None:
    assert len(fitness(taker(born(years, days=days), results(grip_strength=40.0)))) == lines


def test_a_watch_alone_is_no_test_and_what_is_not_whole_is_missing() -> None:
    assert fitness(taker(born(27), results(vo2max=44.0))) == []
    new, _ = fitness(taker(born(27), results(push_ups=25.5, grip_strength=46.5)))
    assert new["items"].keys() == {"grip"}
    assert "pushup" in new["missing"]


def test_results_of_tomorrow_and_of_many_days_ago_are_not_shown() -> None:
    days = [results(TODAY - timedelta(days=n), grip_strength=40.0) for n in range(-1, 20)]
    found = [one["day"] for one in fitness(taker(born(27), *days))]
    assert found[0] == TODAY.isoformat()
    assert len(set(found)) == MOST_DAYS


def test_body_values_are_those_of_the_day_and_asked_only_beside_a_test() -> None:
    sizes = {"body_height": 175.0, "body_weight": 70.5}
    who = somebody(
        born(27),
        sex="male",
        readings=read(sizes, TODAY),
        deeds=(results(grip_strength=46.5), results(TODAY - timedelta(days=9), grip_strength=46.5)),
    )
    of_day = {one["day"]: one for one in fitness(who) if one["standard_id"].endswith("2003")}
    assert "height_weight" in of_day[TODAY.isoformat()]["items"]
    assert "height_weight" in of_day[(TODAY - timedelta(days=9)).isoformat()]["missing"]
    assert asked.beside_tests(somebody(born(27))) == []
    (wanted,) = asked.beside_tests(who)
    assert wanted.names == {"bmi", "body_height", "body_weight", "body_fat_pct"}
