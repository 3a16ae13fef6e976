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
    "学生标准按年级而不是年龄，记录中没有年级，因此不评分；知道年级可在 /v1/standards 评分。",
    "The standard goes by school grade and not by age, and no record holds a grade: nothing is "
    "scored here. Whoever knows the grade can ask at /v1/standards.",
)


def fitness(who: Situation) -> list[dict[str, Any]]:
    """A line for every day of a test and every edition that holds on it, newest day first."""
    return [line for day in days(who) for line in _of_day(who, day)]


def days(who: Situation) -> list[date]:
    """The days of fitness tests up to today, newest first."""
    found = {d.day for d in who.deeds if d.day <= who.today and not TAKEN.isdisjoint(d.told)}
    return sorted(found, reverse=True)[:MOST_DAYS]


def _of_day(who: Situation, day: date) -> Iterator[dict[str, Any]]:
    age = life.age(who.birth_date, day)
    if life.YOUTH_FROM <= age < life.ADULT_FROM:
        lines: list[dict[str, Any] | None] = [_ungraded(day)]
    elif adults.YOUNGEST <= age <= adults.OLDEST:
        lines = [_scored(who, day, one, age) for one in (adult_2023.ID, adult_2003.ID)]
    else:
        return
    for line in lines:
        if line is not None and _holds(catalogue.STANDARDS[line["standard_id"]], day):
            yield line


def _holds(standard: Standard, day: date) -> bool:
    """Whether the edition is out. A superseded one stays: targets were written under it."""
    return int(standard.valid_from) <= day.year


def _scored(who: Situation, day: date, standard_id: str, age: int) -> dict[str, Any] | None:
    """None where nothing that the edition asks for was measured on the day."""
    sex: Sex = "female" if who.sex == "female" else "male"
    results = _results(who, day, catalogue.STANDARDS[standard_id], sex, age)
    found = catalogue.score(standard_id, sex, results, age=age)
    if isinstance(found, list):
        refused = {fault.pointer.removeprefix("/results/") for fault in found}
        kept = {name: value for name, value in results.items() if name not in refused}
        found = catalogue.score(standard_id, sex, kept, age=age)
    if isinstance(found, list) or not found.items:
        return None
    return _line(day, found)


def _results(who: Situation, day: date, standard: Standard, sex: Sex, age: int) -> dict[str, float]:
    """Results of that day alone, named as in the standard."""
    found = {}
    for name in catalogue.expected(standard.id, sex, age):
        measure = BODY.get(name) or standard.items[name].measure[sex]
        value = who.number_on(measure, day)
        if value is not None:
            found[name] = value
    return found


def _ungraded(day: date) -> dict[str, Any]:
    standard = student.standard()
    return _line(day, Score(standard, "incomplete", missing=("grade",), notes=(NO_GRADE,)))


def _line(day: date, found: Score) -> dict[str, Any]:
    standard, level = found.source, found.level
    return {
        "day": day.isoformat(),
        "standard_id": standard.id,
        "edition": standard.edition,
        "version": standard.version,
        "provisional": standard.status == "provisional",
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
