"""A release as its forms read it: the signed manifest and the signed rows, and nothing else.

Releases of other nodes have other specifications, so no form may look at this node's own.
"""

import json
import re
from typing import Any, NamedTuple

from service.releases import artifact as artifacts
from service.releases.store import Artifact

ALL = "all"
PARTICIPATION = "participation"
UNPUBLISHED = "not_published"
PERIOD = re.compile(r"(\d{4})(?:-(\d{2})|-q([1-4]))?")


class Period(NamedTuple):
    """A calendar year, or one month or quarter of it."""

    year: int
    month: int | None = None
    quarter: int | None = None

    @property
    def months(self) -> tuple[int, int]:
        """First and last month covered."""
        if self.month is not None:
            return self.month, self.month
        if self.quarter is not None:
            return 3 * self.quarter - 2, 3 * self.quarter
        return 1, 12


class Published(NamedTuple):
    """`rows` are those of the CSV in its order, numbers read and None where a field is empty.

    `names` has the Chinese and English name of each area by level and code.
    """

    manifest: dict[str, Any]
    rows: tuple[dict[str, Any], ...]
    csv_sha256: str
    manifest_sha256: str
    names: dict[tuple[str, str], dict[str, str]]

    @classmethod
    def of(cls, kept: Artifact) -> "Published":
        manifest: dict[str, Any] = json.loads(kept.manifest)
        rows = artifacts.read_csv(kept.csv)
        areas = manifest["regions"]["areas"]
        names = {(area["level"], area["code"]): area["name"] for area in areas}
        return cls(manifest, rows, kept.csv_sha256, kept.manifest_sha256, names)

    @property
    def period(self) -> Period:
        """What the manifest's `period` spells: "2026", "2026-11" or "2026-q4"."""
        found = PERIOD.fullmatch(self.manifest["period"])
        if found is None:
            raise ValueError("not the period of a release")
        year, month, quarter = (int(part) if part else None for part in found.groups())
        assert year is not None
        return Period(year, month, quarter)
