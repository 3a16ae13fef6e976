"""A resident's plan: made from the records when it is read, and stored nowhere."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from consent.decision import Permit
from service.domain.care import asked
from service.domain.care import plan as care
from service.domain.care.asked import Wanted
from service.domain.care.planned import Planned
from service.domain.care.situation import Situation
from service.domain.regions import RegionTree
from service.keys.vault import Vault
from service.plans import evidence
from service.plans.evidence import Reader
from service.plans.progress import Course
from service.prompts import actions as prompts
from service.prompts.levels import assessed, situated
from service.residents import actions as residents


def plan(
    connection: Connection, vault: Vault, permit: Permit, *, regions: RegionTree, now: datetime
) -> dict[str, Any]:
    """What is due, how follow-ups and goals stand, and what to do; by the owner's own calendar."""
    profile = residents.profile(connection, vault, permit)
    person, readings = prompts.readings(connection, vault, permit, regions=regions, profile=profile)
    assessment = assessed(profile, person, readings, now)
    who = situated(profile, person, readings, assessment, now)
    reader = Reader(connection, vault, permit, who.zone, who.today)
    who = with_deeds(reader, who, asked.wanted(who))
    own = evidence.stated(reader)
    course = Course(reader, care.aims(who, own))
    return care.plan(who, own, course.points)


def due(connection: Connection, vault: Vault, permit: Permit, who: Situation) -> list[Planned]:
    """All that is due and when, by what the permit's classes tell; what was done is looked for."""
    reader = Reader(connection, vault, permit, who.zone, who.today)
    return care.due_within(with_deeds(reader, who, asked.wanted(who)), permit.classes)


def with_deeds(reader: Reader, who: Situation, wanted: Iterable[Wanted]) -> Situation:
    """The same person with what their records tell of this, and of the body beside a test."""
    who = who.with_deeds(evidence.deeds(reader, wanted))
    beside = asked.beside_tests(who)
    if not beside:
        return who
    both = [*who.deeds, *evidence.deeds(reader, beside)]
    return who.with_deeds(sorted(both, key=lambda deed: deed.day, reverse=True))
