"""Checks and screenings by stage of life: which are due, and when. Rows are `data/checks.toml`."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from consent.vocabulary import ALL_CLASSES, DataClass, Text
from service.domain.care.names import class_of
from service.domain.care.planned import Kind, Planned
from service.domain.care.screening import RULES
from service.domain.care.situation import Situation
from service.domain.care.sources import Source, read, source_of
from service.domain.days import months_after
from service.domain.life import Stage
from service.domain.risk.current import FRESH

LONGEST_MONTHS = 60
"""How far back a check may look for when it was done before."""
HIGH_LEVEL = 4


@dataclass(frozen=True, slots=True)
class Check:
    """One row: for whom, what it is made of, how often it comes again."""

    item: str
    kind: Kind
    name: Text
    ages: tuple[int, int]
    groups: tuple[tuple[str, ...], ...]
    source: Source
    months: int | None
    sooner: Mapping[str, int]
    longer: Mapping[str, int]
    conditions: frozenset[str]
    sex: str | None
    rule: str | None
    clinical: bool
    model: str | None
    questionnaire: str | None
    classes: frozenset[DataClass]
    """Of everything that shows it done."""
    readings_tell: bool
    """Whether readings that assessments look at are all that shows it done."""

    def judged(self, classes: Collection[DataClass], *, by_readings: bool) -> bool:
        """Whether these classes tell if it was done, or of them the readings at hand alone.

        To somebody who may not see them, a missing result says nothing.
        """
        return (self.readings_tell or not by_readings) and self.classes.issubset(classes)

    def concerns(self, who: Situation) -> bool:
        """Whether this person is invited at all."""
        return (
            self.ages[0] <= who.age < self.ages[1]
            and self.sex in (None, who.sex)
            and (not self.conditions or not self.conditions.isdisjoint(who.conditions))
            and (self.rule is None or RULES[self.rule](who))
        )

    def due(self, who: Situation) -> Planned | None:
        """When it is due; None for what was done and does not come again by itself."""
        found = [self._of_group(group, who) for group in self.groups]
        known = [one for one in found if one is not None]
        if len(known) < len(found):
            return self._planned(who.today, None)
        if self.months is None:
            return None
        on = min(due for due, _ in known)
        return self._planned(on, min(last for _, last in known))

    def _of_group(self, group: tuple[str, ...], who: Situation) -> tuple[date, date] | None:
        """When a group is due again and when it was done last; None if never."""
        every = self._months(who)
        found = [
            (months_after(last, self.longer.get(name, every)), last)
            for name in group
            if (last := who.last(name, clinical=self.clinical)) is not None
        ]
        return max(found, default=None)

    def _months(self, who: Situation) -> int:
        if self.months is None:
            return LONGEST_MONTHS
        if "high" in self.sooner and _at_high_risk(who):
            return self.sooner["high"]
        if "causes" in self.sooner and who.assessment.causes:
            return self.sooner["causes"]
        return self.months

    def _planned(self, on: date, last: date | None) -> Planned:
        return Planned(
            self.item,
            self.kind,
            self.name,
            on,
            last,
            self.source,
            model=self.model,
            questionnaire=self.questionnaire,
        )


def _at_high_risk(who: Situation) -> bool:
    """Ten-year risk in the category high, or a level that stands for no less."""
    level = who.assessment.level
    return (level is not None and level >= HIGH_LEVEL) or any(
        one["model"] == "china_par_10y" and one["category"] == "high"
        for one in who.assessment.models
    )


def parsed(row: Mapping[str, Any]) -> Check:
    """A check of one row; `Unsourced` for a row without a source."""
    source = source_of(row)
    names = {name for group in row["groups"] for name in group}
    clinical = row.get("clinical", False)
    return Check(
        item=row["item"],
        kind=row["kind"],
        name=Text(*row["name"]),
        ages=(row["ages"][0], row["ages"][1]),
        groups=tuple(tuple(group) for group in row["groups"]),
        source=source,
        months=row.get("months"),
        sooner=row.get("sooner", {}),
        longer=row.get("longer", {}),
        conditions=frozenset(row.get("conditions", ())),
        sex=row.get("sex"),
        rule=row.get("rule"),
        clinical=clinical,
        model=row.get("model"),
        questionnaire=row.get("questionnaire"),
        classes=frozenset(class_of(name) for name in names),
        readings_tell=not clinical and names <= FRESH.keys(),
    )


CHECKS = tuple(parsed(row) for row in read("checks")["check"])


def due_checks(
    who: Situation, classes: Collection[DataClass] = ALL_CLASSES, *, by_readings: bool = False
) -> list[Planned]:
    """What is due by age, sex, diagnosis and what is known; in pregnancy nothing of these.

    Only what `classes` can tell of; `by_readings` where the deeds of `who` were not looked for.
    """
    if who.stage is Stage.PREGNANT:
        return []
    found = (
        check.due(who)
        for check in CHECKS
        if check.judged(classes, by_readings=by_readings) and check.concerns(who)
    )
    return [one for one in found if one is not None]
