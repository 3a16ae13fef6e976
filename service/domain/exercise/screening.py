"""Screening before exercise: how hard somebody may exercise without asking a doctor first."""

from dataclasses import dataclass
from typing import Literal

from consent.vocabulary import Text

from .rules import Reason, document, red_flags, stop_values

Ceiling = Literal["none", "moderate", "vigorous"]
FROM_MEMORY = "acsm_mem"
SEE_A_DOCTOR = Reason(
    "clearance",
    Text(
        "已知心血管、代谢或肾脏疾病且未规律运动：运动前请先就医评估。",
        "A known cardiovascular, metabolic or renal disease without regular exercise: medical "
        "clearance comes first.",
    ),
    FROM_MEMORY,
)
CLEARED_MODERATE = Reason(
    "cleared-moderate",
    Text("已获医生许可：低至中等强度。", "Cleared by a doctor: light to moderate intensity."),
    FROM_MEMORY,
)
BEFORE_VIGOROUS = Reason(
    "before-vigorous",
    Text(
        "可继续中等强度；做高强度运动前须取得12个月内的医生许可。",
        "Moderate exercise may go on; vigorous exercise needs clearance of the last 12 months.",
    ),
    FROM_MEMORY,
)
GRADUALLY = Reason(
    "gradually",
    Text("从低至中等强度开始，逐步增加。", "Begin light to moderate and progress gradually."),
    FROM_MEMORY,
)


@dataclass(frozen=True, slots=True)
class Person:
    """What is known of somebody who wants to exercise. None: not asked or not measured.

    `conditions` and `red_flags` are words of the rule table; `medications` knows `beta_blocker`
    and `non_dhp_ccb`, and an empty set says that somebody asked. Pressures are mm[Hg] at rest,
    `spo2` is percent; `other` names further inputs that are at hand (`foot_check` ...).
    """

    age: int
    conditions: frozenset[str] = frozenset()
    medications: frozenset[str] | None = None
    red_flags: frozenset[str] = frozenset()
    exercises: bool = False
    doctor_clearance: bool = False
    sbp: float | None = None
    dbp: float | None = None
    spo2: float | None = None
    safe_upper_hr: int | None = None
    other: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Screening:
    """The highest intensity allowed, and every reason. `none` means a doctor comes first."""

    ceiling: Ceiling
    reasons: tuple[Reason, ...]


def screen(person: Person) -> Screening:
    """A red flag or a stop value forbids exercise whatever else is true, clearance included."""
    stops = (*_flags(person), *_readings(person))
    if stops:
        return Screening("none", stops)
    if not person.conditions & frozenset(document()["diseases"]["conditions"]):
        return Screening("vigorous", () if person.exercises else (GRADUALLY,))
    if person.exercises:
        if person.doctor_clearance:
            return Screening("vigorous", ())
        return Screening("moderate", (BEFORE_VIGOROUS,))
    if person.doctor_clearance:
        return Screening("moderate", (CLEARED_MODERATE,))
    return Screening("none", (SEE_A_DOCTOR,))


def _flags(person: Person) -> tuple[Reason, ...]:
    unknown = Text("未知的警示症状，请就医。", "An unknown warning sign: please see a doctor.")
    # A sign that the table does not know is no less of a sign.
    return tuple(
        red_flags().get(name, Reason("unknown", unknown, FROM_MEMORY))
        for name in sorted(person.red_flags)
    )


def _readings(person: Person) -> tuple[Reason, ...]:
    values = {"sbp": person.sbp, "dbp": person.dbp, "spo2": person.spo2}
    found: dict[str, Reason] = {}
    for stop in stop_values():
        value = values[stop.input]
        if value is not None and stop.holds(value):
            # The table lists the higher bound first: one reason a reading is enough.
            found.setdefault(stop.input, stop.reason)
    return tuple(found.values())
