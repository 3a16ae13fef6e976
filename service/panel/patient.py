"""One resident as their doctor may see them: profile, prompt, due work of the granted classes."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection

from consent.decision import Permit
from service.domain.care.plan import due_within
from service.domain.care.planned import Planned
from service.domain.care.situation import Situation
from service.domain.regions import RegionTree
from service.domain.risk.assess import (
    LevelBrief,
    in_brief,
    unassessed,
    without_paths,
)
from service.domain.risk.person import Person
from service.domain.risk.stability import Steady
from service.keys.vault import Vault
from service.kit.clock import city_day
from service.prompts import actions as prompts
from service.prompts.actions import Readings
from service.prompts.head import Head
from service.prompts.levels import SWITCHED_OFF, assessed, shown, situated
from service.residents import actions as residents
from service.residents.actions import Profile


@dataclass(frozen=True, slots=True)
class Seen:
    """What the readings of a permit's classes and days tell at `now`, and nothing beyond them."""

    profile: Profile
    person: Person
    readings: Readings
    now: datetime
    level: LevelBrief
    """What the granted classes carry; nothing where automated levels are switched off."""
    due: tuple[Planned, ...]
    """What readings alone tell to be due, earliest first."""

    def head(self, held: Steady) -> Head:
        """The level that the granted classes carry, beside what is `held` of it; None when they
        carry none, or when the resident switched automated levels off."""
        # An explanation is the owner's.
        return replace(Head(steady=held).moved(self.level, self.now), explanation=None)

    def prompt(self, held: Steady) -> dict[str, Any]:
        """The whole prompt on the granted classes alone, with the level held of them."""
        found = assessed(self.profile, self.person, self.readings, self.now)
        return shown(found, self.head(held), automation=self.profile.automation)

    def situation(self) -> Situation:
        """Whom the rules of care look at, without what was done."""
        look = without_paths if self.profile.automation else unassessed
        found = look(self.person, self.readings, self.now)
        return situated(self.profile, self.person, self.readings, found, self.now)

    @property
    def last_seen(self) -> date | None:
        """The day of the newest reading."""
        days = [city_day(found[0].at) for found in self.readings.values() if found]
        return max(days, default=None)


def see(
    conn: Connection, vault: Vault, permit: Permit, *, regions: RegionTree, now: datetime
) -> Seen:
    """Open what `permit` allows of a resident; it must name the profile class."""
    profile = residents.profile(conn, vault, permit)
    person, readings = prompts.readings(conn, vault, permit, regions=regions, profile=profile)
    level, found = SWITCHED_OFF, None
    if profile.automation:
        # Level and due work rest on one assessment: a panel makes cards by the thousand.
        level, found = in_brief(person, readings, now)
    found = found or unassessed(person, readings, now)
    who = situated(profile, person, readings, found, now)
    due = due_within(who, permit.classes, by_readings=True)
    return Seen(profile, person, readings, now, level, tuple(due))
