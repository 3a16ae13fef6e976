"""Every column of every standard, for tests that must look at all of them."""

from collections.abc import Iterator
from typing import NamedTuple

from service.domain.fitness import adult_2003, adult_2023, student
from service.domain.fitness.ladder import Ladder
from service.domain.fitness.standard import Sex

SEXES: tuple[Sex, Sex] = ("female", "male")
GROUPS = [f"{age}-{age + 4}" for age in range(20, 60, 5)]


class Column(NamedTuple):
    standard: str
    item: str
    sex: Sex
    group: str
    ladder: Ladder


def columns() -> Iterator[Column]:
    for module, table in (
        (student, student.standard().table),
        (adult_2003, adult_2003.standard().table),
        (adult_2023, adult_2023.standard().table),
    ):
        for item, by_sex in table["tables"].items():
            for sex in SEXES:
                for group in by_sex.get(sex, ()):
                    yield Column(module.ID, item, sex, group, module.column(item, sex, group))


COLUMNS = list(columns())
