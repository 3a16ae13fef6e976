"""Fitness results of a day under the editions of the national standards that hold on that day.

A score is never stored: it is made from the results when the plan is read, so that it cannot
outlive a result that was amended or erased, and it always carries its edition and version.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any

from consent.vocabulary import Text
from service.domain import life
from service.domain.care.situation import Situation
from service.domain.fitness import adult_2003, adult_2023, adults, catalogue, student
from service.domain.fitness.explain import number, shown
from service.domain.fitness.results import BODY
from service.domain.fitness.standard import Score, Sex, Standard
from service.domain.vocabulary.measures import MEASURES

GRADE = "school_grade"
TOTALS = {student.ID: "student_standard_score"}
COMPOSITE = "npfs_grade"
NAMES = frozenset(
    measure
    for standard in catalogue.STANDARDS.values()
    for item in standard.items.values()
    for measure in item.measure.values()
)
BODY_NAMES = frozenset(BODY.values())
TAKEN = frozenset(name for name in NAMES if "device" not in MEASURES[name].entered_by)
"""A day counts as a test by one of these: an oxygen uptake alone is a watch's reading."""
MOST_DAYS = 12

NO_GRADE = Text(
    "学生标准按年级而不是年龄评分，记录中没有本次测试所在学年的年级：请记录年级（school_grade）。",
    "The standard goes by school grade and not by age, and no record holds the grade of the school "
    "year of this test: record it as school_grade.",
)
OLD_GRADE = Text(
    "年级是在以前的学年记录的，每年9月1日起须重新记录，不会自动升级：请再记录一次年级（school_grade）。",
    "The grade was recorded in an earlier school year. From 1 September it has to be told again, "
    "it is never moved up by itself: record school_grade once more.",
)


def fitness(who: Situation) -> list[dict[str, Any]]:
    """A line for every day of a test and every edition that holds on it, newest day first."""
    return [line for day in days(who) for line in _of_day(who, day)]


def days(who: Situation) -> list[date]:
    """The days of fitness tests up to today, newest first."""
    found = {d.day for d in who.deeds if d.day <= who.today and not TAKEN.isdisjoint(d.told)}
    return sorted(found, reverse=True)[:MOST_DAYS]


def grade_on(who: Situation, day: date) -> str | None:
    """The school grade of the school year that a day lies in, None where none is recorded in it.

    The last one told up to the day, else the first one told later in the same school year: a
    grade lasts from 1 September to 31 August, and that of another year is never moved up or down.
    """
    year = life.school_year(day)
    told = [(one, grade) for one, grade in _grades(who) if life.school_year(one) == year]
    before = (grade for one, grade in told if one <= day)
    return next(before, told[-1][1] if told else None)


def _grades(who: Situation) -> Iterator[tuple[date, str]]:
    """Every recorded grade with its day, newest first."""
    for deed in who.deeds:
        grade = deed.told.get(GRADE)
        if isinstance(grade, str):
            yield deed.day, grade


def _was_told_earlier(who: Situation, day: date) -> bool:
    year = life.school_year(day)
    return any(life.school_year(one) < year for one, _ in _grades(who))


def _of_day(who: Situation, day: date) -> Iterator[dict[str, Any]]:
    for line in _lines_of_day(who, day):
        if line is not None and _holds(catalogue.STANDARDS[line["standard_id"]], day):
            yield line


def _lines_of_day(who: Situation, day: date) -> Iterator[dict[str, Any] | None]:
    age, grade = life.age(who.birth_date, day), grade_on(who, day)
    if grade is not None:
        yield _scored(who, day, student.ID, grade=grade)
    elif life.YOUTH_FROM <= age < adults.YOUNGEST:
        told_earlier = _was_told_earlier(who, day)
        # Of age and never said to be at school: nobody is asked for a grade.
        if age < life.ADULT_FROM or told_earlier:
            yield _ungraded(day, OLD_GRADE if told_earlier else NO_GRADE)
    if adults.YOUNGEST <= age <= adults.OLDEST:
        for one in (adult_2023.ID, adult_2003.ID):
            line = _scored(who, day, one, age=age)
            # The tests of a school are no half of the adults' tests.
            if grade is None or (line is not None and line["state"] == "complete"):
                yield line


def _holds(standard: Standard, day: date) -> bool:
    """Whether the edition is out. A superseded one stays: targets were written under it."""
    return int(standard.valid_from) <= day.year


def _scored(
    who: Situation,
    day: date,
    standard_id: str,
    *,
    age: int | None = None,
    grade: str | None = None,
) -> dict[str, Any] | None:
    """None where nothing that the edition asks for was measured on the day."""
    sex: Sex = "female" if who.sex == "female" else "male"
    standard = catalogue.STANDARDS[standard_id]
    results = _results(who, day, standard, sex, age=age, grade=grade)
    found = catalogue.score(standard_id, sex, results, age=age, grade=grade)
    if isinstance(found, list):
        refused = {fault.pointer.removeprefix("/results/") for fault in found}
        kept = {name: value for name, value in results.items() if name not in refused}
        found = catalogue.score(standard_id, sex, kept, age=age, grade=grade)
    if isinstance(found, list) or not found.items:
        return None
    return _line(day, found, grade)


def _results(
    who: Situation, day: date, standard: Standard, sex: Sex, *, age: int | None, grade: str | None
) -> dict[str, float]:
    """Results of that day alone, named as in the standard."""
    found = {}
    for name in catalogue.expected(standard.id, sex, age=age, grade=grade):
        measure = BODY.get(name) or standard.items[name].measure[sex]
        value = who.number_on(measure, day)
        if value is not None:
            found[name] = value
    return found


def _ungraded(day: date, why: Text) -> dict[str, Any]:
    standard = student.standard()
    return _line(day, Score(standard, "incomplete", missing=("grade",), notes=(why,)))


def _line(day: date, found: Score, school_grade: str | None = None) -> dict[str, Any]:
    standard, level = found.source, found.level
    return {
        "day": day.isoformat(),
        "standard_id": standard.id,
        "edition": standard.edition,
        "version": standard.version,
        "provisional": standard.status == "provisional",
        "school_grade": school_grade,
        "measure": TOTALS.get(standard.id, COMPOSITE),
        "state": found.state,
        "missing": list(found.missing),
        "items": {name: shown(standard, name, one) for name, one in found.items.items()},
        "standard": number(found.standard),
        "bonus": found.bonus,
        "total": number(found.total),
        "level": None if level is None else level.code,
        "level_name": None if level is None else level.name.both(),
        "source": standard.citation,
        "grade": standard.grade,
        "caveat": {
            "zh": "".join(note.zh for note in found.notes),
            "en": " ".join(note.en for note in found.notes),
        },
    }
