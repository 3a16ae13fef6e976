"""One resident as their doctor may see them: profile, prompt, due work of the granted classes."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from consent.decision import Permit
from service.domain.care.plan import due_within
from service.domain.care.planned import Planned
from service.domain.care.situation import Situation, situation
from service.domain.regions import RegionTree
from service.domain.risk.assess import Assessment, assess_level, in_brief, unassessed, without_paths
from service.domain.risk.person import Person
from service.domain.risk.stability import Steady
from service.keys.vault import Vault
from service.kit.clock import city_day
from service.prompts import actions as prompts
from service.prompts.actions import Readings
from service.prompts.head import Head
from service.prompts.levels import SWITCHED_OFF, assessed, shown
from service.residents import actions as residents
from service.residents.actions import Profile

Look = Callable[[Person, Readings, datetime], Assessment]


@dataclass(frozen=True, slots=True)
class Seen:
    """What the readings of a permit's classes and days tell, and nothing beyond them."""

    profile: Profile
    person: Person
    readings: Readings
    due: tuple[Planned, ...]
    """What readings alone tell to be due, earliest first."""

    def head(self, held: Steady, now: datetime) -> Head:
        """The level that the granted classes carry, beside what is `held` of it; None when they
        carry none, or when the resident switched automated levels off."""
        found = SWITCHED_OFF
        if self.profile.automation:
            found = assess_level(self.person, self.readings, now)
        # An explanation is the owner's.
        return replace(Head(steady=held).moved(found, now), explanation=None)

    def prompt(self, held: Steady, now: datetime) -> dict[str, Any]:
        """The whole prompt on the granted classes alone, with the level held of them."""
        found = assessed(self.profile, self.person, self.readings, now)
        return shown(found, self.head(held, now), automation=self.profile.automation)

    def by_readings(self, permit: Permit, now: datetime) -> list[Planned]:
        """What is due as far as the readings at hand tell."""
        who = self._situation(in_brief if self.profile.automation else unassessed, now)
        return due_within(who, permit.classes, by_readings=True)

    def situation(self, now: datetime) -> Situation:
        """Whom the rules of care look at, without what was done."""
        return self._situation(without_paths if self.profile.automation else unassessed, now)

    def _situation(self, look: Look, now: datetime) -> Situation:
        return situation(
            self.person,
            self.readings,
            look(self.person, self.readings, now),
            birth_date=self.profile.birth_date,
            zone=ZoneInfo(self.profile.zone),
            now=now,
        )

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
    seen = Seen(profile, person, readings, ())
    return replace(seen, due=tuple(seen.by_readings(permit, now)))
