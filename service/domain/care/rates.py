"""The norm's two shares of a year: managed to the norm, and controlled (norm and control rates).

Definitions are `data/norm.toml` [rates]: managed to the norm means at least four face-to-face
follow-ups in the calendar year, controlled means that the last follow-up of the year is at target.
Both are shares of all who were under management in that year, so somebody without a follow-up
counts as not controlled.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from service.domain.care.norm import ControlClass, Disease, FollowUp, classify
from service.domain.care.sources import read, source_of

_RATES = read("norm")["rates"]
SOURCE = source_of(_RATES)
VISITS_A_YEAR: int = _RATES["visits_a_year"]


@dataclass(frozen=True, slots=True)
class Managed:
    """Somebody under management from `since` to `until`, both days included."""

    birth_date: date
    since: date
    visits: Sequence[FollowUp]
    until: date | None = None


class Rate(NamedTuple):
    """A share with what it is a share of; `value` is None while nobody is under management."""

    numerator: int
    denominator: int

    @property
    def value(self) -> float | None:
        return self.numerator / self.denominator if self.denominator else None


def under_management(person: Managed, year: int) -> bool:
    """Whether any day of the year is a day of management."""
    ended = person.until is not None and person.until < date(year, 1, 1)
    return person.since <= date(year, 12, 31) and not ended


def managed_to_norm(person: Managed, year: int) -> bool:
    """Enough days of the year with a follow-up face to face; two on one day are one."""
    days = {
        visit.day for visit in person.visits if visit.face_to_face and _counts(person, visit, year)
    }
    return len(days) >= VISITS_A_YEAR


def controlled(disease: Disease, person: Managed, year: int) -> bool:
    """Whether the last follow-up of the year that tells a control class tells a satisfied one."""
    told = [
        (visit.day, found)
        for visit in person.visits
        if _counts(person, visit, year)
        and (found := classify(disease, visit, person.birth_date)) is not None
    ]
    if not told:
        return False
    last = max(day for day, _ in told)
    return all(found is ControlClass.SATISFIED for day, found in told if day == last)


def norm_rate(people: Iterable[Managed], year: int) -> Rate:
    """The norm rate: managed to the norm, of all under management in the year."""
    return _rate(people, year, managed_to_norm)


def control_rate(disease: Disease, people: Iterable[Managed], year: int) -> Rate:
    """The control rate: controlled at the last follow-up, of all under management in the year."""
    return _rate(people, year, lambda person, year: controlled(disease, person, year))


def _rate(people: Iterable[Managed], year: int, holds: Callable[[Managed, int], bool]) -> Rate:
    managed = [person for person in people if under_management(person, year)]
    return Rate(sum(holds(person, year) for person in managed), len(managed))


def _counts(person: Managed, visit: FollowUp, year: int) -> bool:
    ended = person.until is not None and visit.day > person.until
    return visit.day.year == year and visit.day >= person.since and not ended
