"""The publishing job: count in memory, publish what the specification allows, forget the counts."""

from collections.abc import Iterable
from datetime import date, datetime
from functools import cache, partial

from sqlalchemy import Connection

from consent.vocabulary import Text
from service.contributions import actions as contributions
from service.domain.anonymity import specification
from service.domain.anonymity.cells import Universe
from service.domain.anonymity.count import Tally, count
from service.domain.anonymity.geography import Geography, Region
from service.kit.audience import speaking_for
from service.kit.clock import city_day
from service.kit.db import Database
from service.kit.errors import Conflict
from service.releases import actions as releases
from service.releases.artifact import Signer
from service.releases.calendar import Profile, due
from service.releases.store import Artifact

NO_REGIONS = Text(
    "发布前请先加载一个含有区县的城市区划。",
    "Load the regions of one city with its districts before publishing.",
)


def publish(
    db: Database,
    *,
    region_tree: Iterable[Region],
    statistics_key: bytes,
    signing_key: Signer,
    as_of: date | None,
    profile: Profile,
    now: datetime,
    cadence: str | None = None,
) -> list[Artifact]:
    """Publish what is due, or return what was published: one release a cadence, in their order.

    `as_of` is chosen in demo and test only; without `cadence` all of them are published.
    """
    current = specification.current()
    today = city_day(now)
    periods = due(current, today=today, as_of=as_of, profile=profile, cadence=cadence)
    geography = geography_of(region_tree)

    @cache
    def tally(year: int) -> Tally:
        """Counted at most once a run, whatever is published from it; forgotten with the run."""

        def read(conn: Connection) -> Tally:
            batches = contributions.read_all(conn, statistics_key=statistics_key)
            return count(batches, current, geography, year=year)

        return db.read(read)

    with speaking_for("job"):
        return [
            releases.publish(
                db,
                universe=Universe(current, current.cadence(period.cadence), geography),
                tally=partial(tally, period.year),
                signer=signing_key,
                period=period,
                now=now,
            )
            for period in periods
        ]


def geography_of(region_tree: Iterable[Region]) -> Geography:
    """The city's divisions as releases know them; Conflict when none are loaded."""
    try:
        return Geography.of(region_tree, specification.current().minimum_population)
    except ValueError:
        raise Conflict(NO_REGIONS, code="no-regions") from None
