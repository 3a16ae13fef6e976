"""The standards under their ids, and one door to score results under any of them."""

from collections.abc import Mapping
from typing import Any

from service.domain.vocabulary.faults import Faults
from service.kit.errors import Fault

from . import adult_2003, adult_2023, student
from .standard import Score, Sex, Standard, load

STANDARDS: Mapping[str, Standard] = {
    standard_id: load(standard_id) for standard_id in (student.ID, adult_2003.ID, adult_2023.ID)
}


def score(
    standard_id: str,
    sex: Sex,
    results: Mapping[str, Any],
    *,
    age: int | None = None,
    grade: str | None = None,
    exempt: bool = False,
) -> Score | list[Fault]:
    """The score under one edition, or what is wrong with the question.

    Students are asked for their `grade`, adults for their `age` in completed years on the day of
    the test. Raises `KeyError` for an unknown standard.
    """
    faults = Faults()
    students = STANDARDS[standard_id].id == student.ID
    for name, given in (("age", age), ("grade", grade), ("exempt", exempt or None)):
        if given is not None and students is (name == "age"):
            faults.add(f"/{name}", "not-asked")
    if faults:
        return list(faults)
    if students:
        return student.score(sex, grade, results, exempt=exempt)
    scorer = adult_2003.score if standard_id == adult_2003.ID else adult_2023.score
    return scorer(sex, age, results)


SIZES = ("height", "weight")
"""What a body-mass index or the weight for a height is made of."""


def expected(
    standard_id: str, sex: Sex, *, age: int | None = None, grade: str | None = None
) -> tuple[str, ...]:
    """The results that somebody may be scored by; none without the age or grade it goes by."""
    if standard_id == student.ID:
        return () if grade is None else (*student.weights(sex, grade), *SIZES)
    if age is None:
        return ()
    if standard_id == adult_2003.ID:
        tests = (name for name in adult_2003.needed(sex, age) if name != "height_weight")
        return (*tests, *SIZES)
    return (*adult_2023.weights(age), *SIZES)
