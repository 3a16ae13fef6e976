"""Releases whose forms are read back, and their cells as the CSV spells them."""

import csv
import io
import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from service.kit.db import Database
from service.releases import formats
from service.releases.store import Artifact
from tests.city_room import contribute, make_tables, publish_here, regions, someone

WHOLE = ("count", "low", "high", "measured")
SHARES = ("share", "share_low", "share_high")
KEY = ("level", "region", "metric", "category", "sex", "age")
Cell = dict[str, str]


def release(folder: Path, cadence: str) -> Artifact:
    database = Database(f"sqlite:///{folder / 'kangma.db'}")
    make_tables(database)
    contribute(database, [(str(number), someone(number)) for number in range(300)])
    made = publish_here(database, cadence=cadence, region_tree=regions(1))
    database.close()
    return made


def of_every_status(folder: Path) -> Artifact:
    """A release of the service, with cells of every status: those of another node may have them."""
    made = release(folder, "annual")
    lines = made.csv.decode().split("\r\n")
    lines[1:-1:7] = [line.replace(",low_precision,", ",ok,") for line in lines[1:-1:7]]
    for number in (9, 200, len(lines) - 2):
        lines[number] = withheld(lines[number])
    return made._replace(csv="\r\n".join(lines).encode())


def withheld(line: str) -> str:
    return ",".join([*line.split(",")[:6], *[""] * 6, "not_published", ""])


def cells(kept: Artifact) -> list[Cell]:
    return list(csv.DictReader(io.StringIO(kept.csv.decode(), newline="")))


def form(kept: Artifact, name: formats.Name) -> bytes:
    return formats.in_form(kept, name)[0]


def at(kept: Artifact, period: str) -> Artifact:
    """The same table as the release of another period."""
    manifest = json.loads(kept.manifest)
    manifest["period"] = period
    return kept._replace(
        manifest=json.dumps(manifest).encode(),
        manifest_sha256=sha256(kept.csv + period.encode()).hexdigest(),
    )


def text(name: str, value: Any) -> str:
    """A number as the CSV spells it; nothing for None and the not-a-number of data frames."""
    if value is None or value != value:
        return ""
    if name in SHARES:
        return f"{value:.4f}"
    return str(int(value)) if name in WHOLE else str(value)


def spelled(rows: list[dict[str, Any]]) -> list[Cell]:
    return [{name: text(name, value) for name, value in row.items()} for row in rows]
