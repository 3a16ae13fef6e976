"""Assess a person: the five-level prompt with its reasons, or the level alone for the write path.

Pure: the clock is an argument, nothing is stored. `assess_level` and `assess` share every step up
to the level, so they cannot disagree.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from consent.vocabulary import Text
from service.domain.life import CITY_ZONE, Stage, age_at, stage

from . import advice
from .catalogue import MODELS
from .categories import categories
from .current import Newest, Readings, facts_of
from .factors import Factor, factors
from .facts import Facts
from .instruments import Entry, instruments
from .judgement import Judgement, judge
from .missing import missing, provisional
from .paths import Values, imagined, overlay, path
from .person import Person, Reading
from .reasons import causes
from .rules import in_force

__all__ = ["Assessment", "LevelBrief", "Person", "Reading", "assess", "assess_level", "what_if"]

ADULT_FROM = 18
COLOURS: dict[int | None, str | None] = {
    entry["level"]: entry["colour"] for entry in MODELS["five_level_mapping"].parameters["levels"]
} | {None: None}


CAVEAT = MODELS["five_level_mapping"].caveat.both()
"""Of the level itself, which is a product rule (grade P)."""


class LevelBrief(NamedTuple):
    """The level, the composite index and the causes, without texts and paths."""

    level: int | None
    index: float | None  # type: ignore[assignment]  # The method of tuple of that name is unused.
    causes: tuple[str, ...]
    lasting: int | None = None
    """The level without alarming readings: it falls slowly (`service.domain.risk.stability`)."""
    alarm: int | None = None
    """The level of an alarming reading."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """One assessment at one moment; `as_prompt` is what the resident is shown."""

    level: int | None
    provisional: bool
    reason: Text | None
    assessed_at: datetime
    life_stage: Stage
    index: float | None
    rule_pack: str
    factors: tuple[Factor, ...]
    models: tuple[Entry, ...]
    causes: tuple[str, ...]
    actions: tuple[dict[str, Any], ...]
    path: tuple[dict[str, Any], ...]
    path_note: Text | None
    missing: tuple[str, ...]
    urgent: dict[str, Any] | None
    _categories: dict[str, str]

    @property
    def colour(self) -> str | None:
        return COLOURS[self.level]

    def categories(self) -> dict[str, str]:
        """One plain category a metric, `unknown` where nothing is known."""
        return dict(self._categories)

    def as_prompt(self) -> dict[str, Any]:
        return {
            "level": self.level,
            "colour": self.colour,
            "automation": True,
            "explanation": None,
            "pending": None,
            "review": None,
            "provisional": self.provisional,
            "reason": None if self.reason is None else self.reason.both(),
            "assessed_at": self.assessed_at.isoformat(),
            "life_stage": str(self.life_stage),
            "index": self.index,
            "rule_pack": self.rule_pack,
            "caveat": None if self.level is None else CAVEAT,
            "factors": [factor.as_prompt() for factor in self.factors],
            "models": list(self.models),
            "causes": list(self.causes),
            "actions": list(self.actions),
            "path": list(self.path),
            "path_note": None if self.path_note is None else self.path_note.both(),
            "missing": list(self.missing),
            "urgent": self.urgent,
        }


def assess_level(person: Person, readings: Readings, now: datetime) -> LevelBrief:
    """The level alone, for the write path: the same steps as `assess`, none of its texts."""
    age = age_at(person.birth_date, now)
    if age < ADULT_FROM:
        return LevelBrief(None, None, ())
    return _brief(facts_of(person, readings, now, age))


def _brief(facts: Facts) -> LevelBrief:
    found = judge(facts)
    why = causes(facts, found)
    return LevelBrief(found.level, found.composite, why, found.lasting, found.alarm)


def assess(person: Person, readings: Readings, now: datetime, *, paths: bool = True) -> Assessment:
    """Everything a prompt says. Without `paths` the search for a lower level is left out."""
    age = age_at(person.birth_date, now)
    facts = facts_of(person, readings, now, age)
    if age < ADULT_FROM:
        return _without_level(person, facts, Newest(readings, now), advice.REASONS["child"])
    found = judge(facts)
    ways, note = path(person, readings, facts, found, now) if paths else ((), None)
    return _assessment(person, facts, found, Newest(readings, now), ways, note)


def without_paths(person: Person, readings: Readings, now: datetime) -> Assessment:
    """`assess` for somebody who asks for no way to a lower level."""
    return assess(person, readings, now, paths=False)


def in_brief(person: Person, readings: Readings, now: datetime) -> tuple[LevelBrief, Assessment]:
    """`assess_level`, and the assessment with it but without models, factors and texts."""
    age = age_at(person.birth_date, now)
    facts = facts_of(person, readings, now, age)
    found = _without_level(person, facts, Newest(readings, now), advice.REASONS["child"])
    if age < ADULT_FROM:
        return LevelBrief(None, None, ()), found
    level = _brief(facts)
    return level, replace(
        found, level=level.level, index=level.index, reason=None, causes=level.causes
    )


def unassessed(person: Person, readings: Readings, now: datetime) -> Assessment:
    """The prompt of somebody who switched automated levels off: only what to do now is said."""
    facts = facts_of(person, readings, now, age_at(person.birth_date, now))
    return _without_level(person, facts, Newest(readings, now), advice.REASONS["switched_off"])


def what_if(person: Person, readings: Readings, values: Values, now: datetime) -> Assessment:
    """The assessment if `values` (measure code to value in the measure's unit) were measured now.

    Standing facts, the treated flag and for men the waist inside China-PAR stay as observed.
    """
    age = age_at(person.birth_date, now)
    observed = facts_of(person, readings, now, age)
    facts = imagined(person, readings, values, observed, now)
    changed = Newest(overlay(readings, values, observed, now), now)
    if age < ADULT_FROM:
        return _without_level(person, facts, changed, advice.REASONS["child"])
    return _assessment(person, facts, judge(facts), changed)


def _assessment(
    person: Person,
    facts: Facts,
    found: Judgement,
    newest: Newest,
    ways: tuple[dict[str, Any], ...] = (),
    note: Text | None = None,
) -> Assessment:
    why = causes(facts, found)
    unsure = provisional(facts, found)
    day = newest.now.astimezone(CITY_ZONE).date()
    return Assessment(
        level=found.level,
        provisional=unsure,
        reason=_reason(facts, found, unsure),
        assessed_at=newest.now,
        life_stage=stage(person.birth_date, day, pregnant=facts.pregnant),
        index=found.composite,
        rule_pack=in_force().pack,
        factors=factors(facts, found, newest),
        models=instruments(facts, found),
        causes=why,
        actions=advice.actions(facts, found, why),
        path=ways,
        path_note=note,
        missing=missing(facts, found),
        urgent=advice.urgent(facts),
        _categories=categories(facts, found, newest),
    )


def _reason(facts: Facts, found: Judgement, unsure: bool) -> Text | None:
    if facts.pregnant:
        return advice.REASONS["pregnant"]
    if found.level is None:
        return advice.REASONS["no_data"]
    return advice.REASONS["provisional"] if unsure else None


def _without_level(person: Person, facts: Facts, newest: Newest, reason: Text) -> Assessment:
    """No model speaks, for this reason; an alarming reading is still answered."""
    found = Judgement()
    day = newest.now.astimezone(CITY_ZONE).date()
    return Assessment(
        level=None,
        provisional=False,
        reason=reason,
        assessed_at=newest.now,
        life_stage=stage(person.birth_date, day, pregnant=facts.pregnant),
        index=None,
        rule_pack=in_force().pack,
        factors=(),
        models=(),
        causes=(),
        actions=(),
        path=(),
        path_note=None,
        missing=(),
        urgent=advice.urgent(facts),
        _categories=categories(None, found, newest),
    )
