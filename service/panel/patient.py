"""One resident as their doctor may see them: profile, prompt, due work of the granted classes."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection

from consent.decision import Permit
from service.domain.care.due import Due, due_work
from service.domain.regions import RegionTree
from service.domain.risk.assess import assess_level
from service.domain.risk.person import Person
from service.keys.vault import Vault
from service.kit.clock import age_on, city_day
from service.prompts import actions as prompts
from service.prompts.actions import Readings
from service.prompts.levels import assessed
from service.residents import actions as residents
from service.residents.actions import Profile


@dataclass(frozen=True, slots=True)
class Seen:
    """What the readings of a permit's classes and days tell, and nothing beyond them."""

    profile: Profile
    person: Person
    readings: Readings
    due: tuple[Due, ...]

    def level(self, now: datetime) -> int | None:
        """The level that the granted classes carry; None when they carry none, or when the
        resident switched automated levels off."""
        if not self.profile.automation:
            return None
        return assess_level(self.person, self.readings, now).level

    def prompt(self, now: datetime) -> dict[str, Any]:
        """The whole prompt on the granted classes alone, as they stand: nothing is held back."""
        found = assessed(self.profile, self.person, self.readings, now)
        return found.as_prompt() | {"automation": self.profile.automation}

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
    today = city_day(now)
    due = due_work(
        age=age_on(profile.birth_date, today),
        conditions=person.conditions,
        readings=readings,
        classes=permit.classes,
        today=today,
    )
    return Seen(profile, person, readings, tuple(due))
