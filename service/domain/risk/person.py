"""Who is assessed, and one reading of one measure."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple


class Reading(NamedTuple):
    """A value in the measure's own unit (or an option code), and the aware instant it was taken."""

    value: float | str
    at: datetime
    clinical: bool = False
    """Whether a practitioner entered it."""


@dataclass(frozen=True, slots=True)
class Person:
    """Standing facts. `conditions`, `medications` and `family_history` hold vocabulary codes."""

    sex: str
    birth_date: date
    north: bool = False
    urban: bool = False
    conditions: frozenset[str] = field(default_factory=frozenset)
    medications: frozenset[str] = field(default_factory=frozenset)
    family_history: frozenset[str] = field(default_factory=frozenset)
