"""What a plan has to look for in the records of a person, and how far back, class by class.

Values that assessments look at are at hand already; this is the rest: what was done and by whom.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from consent.vocabulary import DataClass
from service.domain.care import colours, exercise, followed, tested, visits, youth
from service.domain.care.checks import CHECKS, LONGEST_MONTHS, Check
from service.domain.care.names import class_of
from service.domain.care.situation import Situation
from service.domain.life import Stage
from service.domain.risk.current import FRESH
from service.domain.vocabulary.codes import CODES
from service.domain.vocabulary.measures import MEASURES

YEAR = 12
"""Months that visits are looked back for: a year holds all that the norm counts."""

GRADE_MONTHS = 2 * YEAR
"""A grade told at the start of the school year of a test of a year ago; the one before is old."""

LIFE = 1560
"""Months: a diagnosis stands until it is said to be over, however old it is."""

ASSESSED = frozenset(MEASURES[code].data_class for code in FRESH) | {
    DataClass.CONDITIONS,
    DataClass.GENETIC,
}
"""Classes whose diagnoses come with the person already."""


class Wanted(NamedTuple):
    """Names to look for in one class, and how many months back; `every` day or the newest only.

    `clinical` where only what a clinic says is looked for.
    """

    data_class: DataClass
    names: frozenset[str]
    months: int
    every: bool
    clinical: bool = False


class Name(NamedTuple):
    """A measure, code or questionnaire to look for, as `Wanted` has it."""

    name: str
    months: int
    every: bool
    clinical: bool = False


def wanted(who: Situation) -> list[Wanted]:
    """What to look for; `who` needs no deeds for this."""
    return gathered(_names(who))


def beside_tests(who: Situation) -> list[Wanted]:
    """What was measured of the body, asked only of somebody who took a fitness test."""
    if not tested.days(who):
        return []
    return gathered(Name(name, YEAR, True) for name in tested.BODY_NAMES)


def gathered(names: Iterable[Name]) -> list[Wanted]:
    """Names of one class that are looked for alike; for a name twice the widest search is made."""
    widest: dict[tuple[str, bool, bool], Name] = {}
    for one in names:
        key = one.name, one.every, one.clinical
        widest[key] = max(widest.get(key, one), one, key=lambda name: name.months)
    groups: dict[tuple[DataClass, int, bool, bool], set[str]] = {}
    for one in widest.values():
        key_ = class_of(one.name), one.months, one.every, one.clinical
        groups.setdefault(key_, set()).add(one.name)
    return [
        Wanted(data_class, frozenset(names), months, every, clinical)
        for (data_class, months, every, clinical), names in sorted(groups.items())
    ]


def _names(who: Situation) -> Iterator[Name]:
    if who.stage is Stage.CHILD:
        yield from (Name(name, YEAR, True) for name in visits.GROWTH)
    yield from (Name(name, YEAR, True) for name in tested.NAMES)
    yield Name(tested.GRADE, GRADE_MONTHS, True)
    if youth.concerns(who):
        yield from (Name(name, YEAR, False) for name in youth.NAMES)
    if who.sex == "female":
        names = (*visits.ANTENATAL, *visits.DELIVERIES, "pregnancy_status")
        yield from (Name(name, YEAR, True) for name in names)
        yield Name("procedure:hysterectomy", LONGEST_MONTHS, False)
    yield from (Name(name, LIFE, False) for name in exercise.PROCEDURES)
    if who.stage is Stage.PREGNANT:
        yield from (Name(name, YEAR, True) for name in colours.NAMES)
    for one in followed.diseases(who):
        yield from (Name(name, YEAR, True, True) for name in followed.MEASURES[one.disease])
    for check in CHECKS:
        if check.ages[0] <= who.age < check.ages[1]:
            yield from of_check(check)
            # Diagnoses of classes that no assessment reads, such as infections, are looked for.
            for code in check.conditions:
                if CODES["condition"][code].data_class not in ASSESSED:
                    yield Name(f"condition:{code}", LIFE, False)


def of_check(check: Check) -> Iterator[Name]:
    """What tells when a check was done, where no assessment reads it already."""
    for group in check.groups:
        for name in group:
            if check.clinical or name not in FRESH:
                months = check.longer.get(name, check.months or LIFE)
                # A check may come sooner for some and never later, so its own months are enough.
                yield Name(name, months, False, check.clinical)
