"""The publishing job: count in memory, publish what the specification allows, forget the counts."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

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
from service.releases.calendar import Profile, period_of

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
) -> dict[str, Any]:
    """Publish the period of `as_of` (chosen in demo and test only) or return what it published."""
    try:
        universe = Universe(specification.current(), Geography.of(region_tree))
    except ValueError:
        raise Conflict(NO_REGIONS, code="no-regions") from None
    period = period_of(universe.specification, today=city_day(now), as_of=as_of, profile=profile)

    def tally() -> Tally:
        return db.read(
            lambda conn: count(
                contributions.read_all(conn, statistics_key=statistics_key),
                universe,
                year=period.year,
            )
        )

    with speaking_for("job"):
        kept = releases.publish(
            db,
            universe=universe,
            tally=tally,
            signer=signing_key,
            as_of=as_of,
            profile=profile,
            now=now,
        )
    return {
        "release_id": kept.release_id,
        "table_sha256": kept.csv_sha256,
        "manifest_sha256": kept.manifest_sha256,
        "published_at": kept.published_at.isoformat(timespec="seconds"),
        "sequence": kept.sequence,
    }
