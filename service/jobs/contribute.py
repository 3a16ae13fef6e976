"""The one-way valve: each consenting resident's state becomes one sealed contribution.

What goes through is a category a metric, the region, sex and year of birth; no name, no number,
no value. Whoever no longer agrees is taken out in the same run.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from consent.decision import Permit
from consent.vocabulary import DataClass
from service.contracts import store as contracts
from service.contributions import actions as contributions
from service.contributions.blob import Contribution
from service.counted import grounds
from service.counted.grounds import Ground
from service.domain.anonymity import specification
from service.domain.care import counted, lasting
from service.domain.risk import change
from service.domain.risk.assess import Assessment, LevelBrief, assess
from service.domain.risk.categories import UNKNOWN
from service.domain.risk.rules import in_force
from service.grants import gate
from service.house import House
from service.identity import actions as identity
from service.jobs import rules
from service.kit.audience import speaking_for
from service.kit.clock import city_day
from service.plans import actions as plans
from service.plans.earlier import level_at
from service.plans.evidence import Reader
from service.prompts import actions as prompts
from service.prompts.levels import situated
from service.residents import actions as residents
from service.residents import store as states
from service.residents.actions import Profile

OPENED = frozenset(DataClass) - {DataClass.LOCATION}
"""The classes that any metric rests on."""
AUTOMATED = ("level", "composite", *change.CATEGORIES)
"""What is assessed by rule, and never of somebody who switched that off."""
BATCH = 200
"""Residents of one transaction: their rows are held for a good tenth of a second."""


class Outcome(NamedTuple):
    """How many contributions there are now, and how many were taken out."""

    contributed: int
    removed: int


class _Batch(NamedTuple):
    identities: list[bytes]
    last: UUID | None


def contribute(house: House, *, now: datetime) -> Outcome:
    """Renew the contribution of everybody who agrees and has changed, and remove every other."""
    # On the command line nothing else follows the rule packs, and levels are counted.
    rules.follow(house)
    with speaking_for("job"):
        return _renewed(house, now)


def _renewed(house: House, now: datetime) -> Outcome:
    there = house.db.read(contributions.names)
    identities: list[bytes] = []
    last: UUID | None = None
    while True:

        def job(connection: Connection, after: UUID | None = last) -> _Batch:
            return _contribute(connection, house, after, now)

        batch = house.db.write(job)
        identities += batch.identities
        if batch.last is None:
            break
        last = batch.last
    removed = house.db.write(
        lambda connection: contributions.remove_all_but(
            connection, statistics_key=_key(house), identities=identities, among=there
        )
    )
    return Outcome(len(identities), removed)


def _contribute(connection: Connection, house: House, after: UUID | None, now: datetime) -> _Batch:
    # From here to the commit nobody withdraws: either we see it, or it removes what we put.
    decisions = gate.admit_statistics(
        connection, house.vault, after=after, limit=BATCH, now=now, holding=True
    )
    if not decisions:
        return _Batch([], None)
    asked = list(decisions)
    tags = identity.identities(connection, asked)
    permits = {
        resident: permit
        for resident, decision in decisions.items()
        if (permit := decision.permit) is not None
        and resident in tags
        and DataClass.PROFILE in permit.classes
    }
    grounds.forget(connection, *(decisions.keys() - permits.keys()))
    _renew(connection, house, permits, tags, now)
    return _Batch([tags[resident] for resident in permits], max(asked))


def _renew(
    connection: Connection,
    house: House,
    permits: Mapping[UUID, Permit],
    tags: Mapping[UUID, bytes],
    now: datetime,
) -> None:
    """Make anew what rests on something that changed; of nobody else anything is opened."""
    if not permits:
        return
    known = _grounds(connection, permits, tags)
    kept = grounds.of_many(connection, house.system, list(permits))
    there = contributions.present(
        connection, statistics_key=_key(house), identities=[tags[who] for who in permits]
    )
    today = city_day(now)
    stale = {
        who: permit
        for who, permit in permits.items()
        if tags[who] not in there
        or (before := kept.get(who)) is None
        or not before.holds(known[who], today)
    }
    house.vault.preload({who: permit.revision for who, permit in stale.items()}, OPENED)
    made: dict[UUID, tuple[Ground, date]] = {}
    for resident, permit in stale.items():
        signed = known[resident].signed
        contribution, until = _state(connection, house, permit, signed, now)
        contributions.put(
            connection,
            statistics_key=_key(house),
            identity=tags[resident],
            contribution=contribution,
        )
        # A sealed category leaves the valve, and nobody has seen what it was made of.
        house.vault.openings.keep_back(permit)
        made[resident] = known[resident], until
    grounds.keep(connection, house.system, made)


def _grounds(
    connection: Connection, permits: Mapping[UUID, Permit], tags: Mapping[UUID, bytes]
) -> dict[UUID, Ground]:
    plan, pack = specification.current(), in_force().pack
    revisions = states.revisions(connection, list(permits))
    signed = contracts.signed_among(connection, list(permits))
    return {
        who: Ground(
            identity=tags[who],
            rev=revisions[who],
            consent=permit.revision,
            signed=who in signed,
            rules=pack,
            plan=plan.sha256,
            schema=plan.contribution_schema,
        )
        for who, permit in permits.items()
    }


def _state(
    connection: Connection, house: House, permit: Permit, signed: bool, now: datetime
) -> tuple[Contribution, date]:
    """What is contributed, and the day from which time alone may change it."""
    profile = residents.profile(connection, house.vault, permit)
    person, readings = prompts.readings(
        connection, house.vault, permit, regions=house.regions, profile=profile
    )
    assessment = assess(person, readings, now, paths=False)
    who = situated(profile, person, readings, assessment, now)
    reader = Reader(connection, house.vault, permit, who.zone, who.today)
    who = plans.with_deeds(reader, who, counted.wanted(who))
    told = assessment.categories() | counted.categories(who, permit.classes, signed=signed)
    told |= _change(connection, house, permit, profile, assessment)
    if not profile.automation:
        # What no rule may find for the resident, no rule finds for the statistics either.
        told |= dict.fromkeys(AUTOMATED, UNKNOWN)
    born = profile.birth_date.year
    return Contribution(profile.region, profile.sex, born, told), lasting.until(who)


def _change(
    connection: Connection, house: House, permit: Permit, profile: Profile, found: Assessment
) -> dict[str, str]:
    """Level and index against the start of the period; nobody without either is looked up."""
    here = LevelBrief(found.level, found.index, ())
    start = LevelBrief(None, None, ())
    if found.level is not None or found.index is not None:
        start = level_at(
            connection,
            house.vault,
            permit,
            profile=profile,
            regions=house.regions,
            at=change.period_start(city_day(found.assessed_at)),
        )
    return change.categories(start, here)


def _key(house: House) -> bytes:
    return house.system.secret("statistics")
