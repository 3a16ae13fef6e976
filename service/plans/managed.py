"""How one patient stands in the norm's two rates of a year, as far as a permit tells."""

from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection

from consent.decision import Permit
from consent.vocabulary import DataClass
from service.domain.care import followed, rates
from service.domain.care.asked import Name, gathered
from service.domain.care.names import class_of
from service.domain.care.norm import DISEASES, Disease, Followed
from service.domain.care.rates import Managed
from service.domain.care.situation import Situation
from service.domain.regions import RegionTree
from service.domain.risk.assess import without_paths
from service.keys.vault import Vault
from service.plans import evidence
from service.plans.evidence import Reader
from service.prompts import actions as prompts
from service.prompts.levels import situated
from service.residents import actions as residents

MONTHS = 12


class Line(NamedTuple):
    """One patient behind the numbers of a disease; `visits` are days with a follow-up."""

    disease: Disease
    visits: int
    managed_to_norm: bool
    controlled: bool


class Standing(NamedTuple):
    """`untold` are the diseases that the permit does not tell of, had or not."""

    name: str
    lines: tuple[Line, ...]
    untold: frozenset[Disease]


def needs(disease: Disease) -> frozenset[DataClass]:
    """The classes without which neither rate of a disease can be told of somebody."""
    measured = {class_of(name) for name in followed.MEASURES[disease]}
    return frozenset({DataClass.CONDITIONS, *measured})


def standing(
    conn: Connection,
    vault: Vault,
    permit: Permit,
    *,
    regions: RegionTree,
    year: int,
    now: datetime,
) -> Standing:
    """Read a patient's diagnoses and the clinic's follow-ups of the year; the permit names them.

    A permit for certain days alone tells of no year, so nothing is said of such a patient.
    """
    profile = residents.profile(conn, vault, permit)
    told = [one for one in DISEASES if needs(one.disease) <= permit.classes and not permit.window]
    untold = frozenset(Disease) - {one.disease for one in told}
    if not told:
        return Standing(profile.name, (), untold)
    person, readings = prompts.readings(conn, vault, permit, regions=regions, profile=profile)
    ill = [one for one in told if not one.codes.isdisjoint(person.conditions)]
    if not ill:
        return Standing(profile.name, (), untold)
    who = situated(profile, person, readings, without_paths(person, readings, now), now)
    who = _with_visits(conn, vault, permit, who, ill, year)
    return Standing(profile.name, tuple(_line(one.disease, who, year) for one in ill), untold)


def _with_visits(
    conn: Connection,
    vault: Vault,
    permit: Permit,
    who: Situation,
    ill: list[Followed],
    year: int,
) -> Situation:
    months = (who.today.year - year) * MONTHS + who.today.month
    names = [
        Name(name, months, True, True) for one in ill for name in followed.MEASURES[one.disease]
    ]
    reader = Reader(conn, vault, permit, who.zone, who.today)
    return who.with_deeds(evidence.deeds(reader, gathered(names)))


def _line(disease: Disease, who: Situation, year: int) -> Line:
    visits = followed.visits(disease, who)
    # When management began is not among the records, so the whole year counts.
    managed = Managed(who.birth_date, date(year, 1, 1), visits)
    return Line(
        disease,
        len({visit.day for visit in visits if visit.day.year == year}),
        rates.managed_to_norm(managed, year),
        rates.controlled(disease, managed, year),
    )
