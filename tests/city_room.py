"""A small city for tests of releases: regions, people who contribute, a signer, open stores."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from numpy.typing import NDArray

from consent.vocabulary import Text
from service.contributions import actions as contributions
from service.contributions import tables as contribution_tables
from service.contributions.blob import Contribution
from service.domain.anonymity.cells import Universe
from service.domain.anonymity.count import CONTRIBUTION, Tally, count
from service.domain.anonymity.geography import Geography
from service.domain.anonymity.specification import Specification, current
from service.domain.anonymity.tree import Counts
from service.jobs.publish import publish
from service.kit.db import Database
from service.kit.engines import metadata
from service.releases import tables as release_tables
from service.releases.artifact import Signer
from service.releases.store import Artifact

NOW = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
AS_OF = date(2026, 11, 20)
STATISTICS_KEY = bytes(range(32))
YEAR = 2026
COMMUNITY_CODE = 12
"""How long the code of a community is."""


class Division(NamedTuple):
    code: str
    name: Text
    level: str
    parent: str | None
    population: int | None


SIGNER = Signer("release-test-1", Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33))))


def regions(districts: int = 4, population: int = 50_000) -> list[Division]:
    """A city with districts of one street and one community each."""
    found = [Division("990100", Text("市", "City"), "city", None, population * districts)]
    for number in range(1, districts + 1):
        district = f"9901{number:02d}"
        found += [
            Division(district, Text("区", "District"), "district", "990100", population),
            Division(f"{district}001", Text("街", "Street"), "street", district, population),
            Division(
                f"{district}001001",
                Text("社", "Community"),
                "community",
                f"{district}001",
                population,
            ),
        ]
    return found


def geography(districts: int = 4) -> Geography:
    return Geography.of(regions(districts), current().minimum_population)


def universe(
    districts: int = 4, specification: Specification | None = None, cadence: str = "annual"
) -> Universe:
    plan = specification or current()
    return Universe(plan, plan.cadence(cadence), geography(districts))


@dataclass(frozen=True)
class People:
    """Random people of a city, as the batch that counting takes."""

    batch: NDArray[np.void]
    of: Universe

    @classmethod
    def random(cls, of: Universe, number: int, seed: int = 1, youngest: int = 0) -> "People":
        dice = np.random.default_rng(seed)
        batch = np.zeros(number, CONTRIBUTION)
        codes = [code.encode() for code in of.whole.place_of if len(code) == COMMUNITY_CODE]
        batch["region"] = dice.choice(codes, number)
        batch["sex"] = dice.integers(0, 2, number)
        batch["birth_year"] = YEAR - dice.integers(youngest, 95, number)
        for slot, metric in enumerate(of.specification.metrics):
            drawn = dice.geometric(0.4, number) - 1
            batch["codes"][:, slot] = np.minimum(drawn, len(metric.categories) - 1)
        return cls(batch, of)

    @property
    def tally(self) -> Tally:
        return counted([self.batch], self.of)

    @property
    def tables(self) -> dict[str, Counts]:
        """The exact tables of the universe: (area, group, category)."""
        return self.tally.of(self.of)


def counted(batches: Iterable[NDArray[np.void]], of: Universe) -> Tally:
    return count(batches, of.specification, of.whole, year=YEAR)


def exact(tables: Mapping[str, Counts], of: Universe) -> dict[tuple[str, ...], int]:
    """The true count of every cell of the universe."""
    return {
        cell[:6]: int(
            tables[cell.metric][
                cell.area, slice(None) if cell.group < 0 else cell.group, cell.code
            ].sum()
        )
        for cell in of.cells()
    }


def make_tables(db: Database) -> None:
    metadata.create_all(
        db.engine,
        tables=[
            contribution_tables.contributions,
            release_tables.budgets,
            release_tables.charges,
            release_tables.attempts,
            release_tables.artifacts,
            release_tables.specifications,
        ],
    )


def someone(number: int, **categories: str) -> Contribution:
    """A made-up resident; the number decides place, sex and age."""
    return Contribution(
        region=f"9901{number % 4 + 1:02d}001001",
        sex="female" if number % 2 else "male",
        birth_year=1940 + number % 70,
        categories=categories
        or {"level": str(number % 5 + 1), "contract": "no", "smoking": "never"},
    )


def contribute(db: Database, people: Iterable[tuple[str, Contribution]]) -> None:
    listed: Sequence[tuple[str, Contribution]] = list(people)

    def job(conn: Any) -> None:
        for identity, contribution in listed:
            contributions.put(
                conn,
                statistics_key=STATISTICS_KEY,
                identity=identity.encode(),
                contribution=contribution,
            )

    db.write(job)


def publish_here(db: Database, **changed: Any) -> Artifact:
    """The publishing job as the command line runs it in the test profile; its last release.

    Districts by sex and age, unless another `cadence` is asked for (None: all of them).
    """
    given: dict[str, Any] = {
        "region_tree": regions(),
        "statistics_key": STATISTICS_KEY,
        "signing_key": SIGNER,
        "as_of": AS_OF,
        "profile": "test",
        "now": NOW,
        "cadence": "annual",
    }
    return publish(db, **(given | changed))[-1]
