"""What the yearly report says, gathered from published cells; words and layout are elsewhere.

The newest release of each cadence in the year. No clock: the same releases make the same report.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from consent.vocabulary import Text
from service.domain.anonymity import specification as specifications
from service.domain.vocabulary.indicators import INDICATORS
from service.kit.errors import NotFound
from service.releases import artifact as artifacts
from service.releases import indicators as readings
from service.releases import store, views
from service.releases.formats.published import ALL, PARTICIPATION
from service.releases.store import Artifact

Row = dict[str, Any]
LEVELS = ("1", "2", "3", "4", "5")
TRANSITION, CHANGE, LEVEL = "level_transition", "index_change", "level"
_FLOW = re.compile(r"([1-5])-([1-5])")
NO_RELEASES = Text("该年没有任何发布。", "Nothing was published in that year.")


@dataclass(frozen=True)
class Release:
    """A published release, opened for reading."""

    kept: Artifact
    manifest: dict[str, Any]
    rows: tuple[Row, ...]

    @classmethod
    def of(cls, kept: Artifact) -> "Release":
        return cls(kept, json.loads(kept.manifest), artifacts.read_csv(kept.csv))

    @property
    def id(self) -> str:
        return self.kept.release_id

    @property
    def areas(self) -> list[Row]:
        areas: list[Row] = self.manifest["regions"]["areas"]
        return areas

    @property
    def names(self) -> dict[str, dict[str, str]]:
        return {area["code"]: area["name"] for area in self.areas}

    def totals(self, metric: str, level: str) -> list[Row]:
        """Cells of everybody, with the release they are of."""
        return [
            row | {"release_id": self.id}
            for row in self.rows
            if (row["metric"], row["level"], row["sex"], row["age"]) == (metric, level, ALL, ALL)
        ]

    def publishes(self, metric: str) -> bool:
        return any(one["id"] == metric for one in self.manifest["metrics"])


@dataclass(frozen=True)
class Book:
    """All a report is made of, in the order in which it is told."""

    year: int
    releases: Sequence[Release]
    """Every release of the year, oldest first."""
    newest: Sequence[Release]
    """The newest of each cadence."""
    plans: Sequence[tuple[str, list[Row]]]
    """Name of a plan and its indicators for the whole city."""
    imports: Sequence[tuple[str, list[Row]]]
    """Indicators of the plans that other registers would have to give."""

    @property
    def main(self) -> Release:
        """The most precise totals of city and districts: of the newest as-of day."""
        return max(self.newest, key=_worth)

    def with_metric(self, metric: str) -> Release | None:
        able = [release for release in self.newest if release.publishes(metric)]
        return max(able, key=_worth) if able else None

    @property
    def transitions(self) -> dict[tuple[str, str], Row] | None:
        """City cells by (level at the start, level now); None where they are not published."""
        release = self.with_metric(TRANSITION)
        if release is None:
            return None
        found = {}
        for row in release.totals(TRANSITION, "city"):
            flow = _FLOW.fullmatch(row["category"])
            if flow is not None:
                found[flow[1], flow[2]] = row
        return found or None

    @property
    def changes(self) -> list[Row]:
        release = self.with_metric(CHANGE)
        return [] if release is None else release.totals(CHANGE, "city")

    @property
    def coverage(self) -> list[Row]:
        return [
            row for level in ("city", "district") for row in self.main.totals(PARTICIPATION, level)
        ]

    @property
    def levels(self) -> list[Row]:
        """The level of risk by district and for the city."""
        return [row for level in ("city", "district") for row in self.main.totals(LEVEL, level)]


def gather(conn: Connection, year: int | None) -> Book:
    """The report's content for a year, or for that of the newest release; NotFound without any."""
    kept = [views.find(conn, release_id) for release_id, _, _ in store.manifests(conn)]
    opened = [Release.of(one) for one in kept]
    wanted = year or max((_year(one) for one in opened), default=0)
    releases = [one for one in opened if _year(one) == wanted]
    if not releases:
        raise NotFound(NO_RELEASES)
    last: dict[str, Release] = {}
    for one in releases:
        before = last.get(one.manifest["cadence"])
        if before is None or one.manifest["as_of"] >= before.manifest["as_of"]:
            last[one.manifest["cadence"]] = one
    newest = sorted(last.values(), key=lambda one: one.kept.sequence)
    read = readings.read(specifications.current(), [one.kept for one in newest])
    city = [item for item in read if item["level"] == "city"]
    return Book(wanted, releases, newest, _by_plan(city), _imports())


def _by_plan(items: list[Row]) -> list[tuple[str, list[Row]]]:
    plans: dict[str, list[Row]] = {}
    for item in items:
        plans.setdefault(item["source"]["plan"], []).append(item)
    return sorted(plans.items())


def _imports() -> list[tuple[str, list[Row]]]:
    """Indicators of the plans that no consented contribution can tell: named, not guessed."""
    plans: dict[str, list[Row]] = {}
    for entry in INDICATORS.values():
        if entry.computed_by == "import":
            row = {"id": entry.id, "name": entry.name.both(), "targets": entry.targets}
            plans.setdefault(entry.plan, []).append(row)
    return sorted(plans.items())


def _year(release: Release) -> int:
    return int(release.manifest["as_of"][:4])


def _worth(release: Release) -> tuple[str, int]:
    """The newest day; of several of one day the one that cost most is the most precise."""
    return release.manifest["as_of"], release.manifest["privacy"]["nano_rho"]
