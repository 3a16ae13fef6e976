"""Same request, same bytes: in every spelling, after restarts, and everything from noise alone."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from service.domain.anonymity.noise import Measured
from service.kit.db import Database
from service.releases import artifact, formats, store, views
from service.releases.actions import rows_of
from tests.city_room import contribute, make_tables, publish_here, someone, universe

CADENCES = ("monthly", "quarterly", "communities", "annual")
CITY = "990100"
KEY = ("region", "metric", "category", "sex", "age")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'kangma.db'}"


def _published(url: str, cadence: str = "annual") -> Database:
    db = Database(url)
    make_tables(db)
    contribute(db, [(str(number), someone(number)) for number in range(200)])
    publish_here(db, cadence=cadence)
    return db


def test_two_hundred_requests_give_one_sha256(url: str) -> None:
    _published(url).close()
    seen = set()
    for _ in range(10):
        db = Database(url)
        publish_here(db)
        for _ in range(20):
            kept = db.read(store.latest)
            assert kept is not None
            answers = (kept.csv, kept.manifest, views.cells(kept, {"metric": "sleep"}))
            seen.add(tuple(artifact.sha256(answer) for answer in answers))
        db.close()
    assert len(seen) == 1


def test_another_process_reads_the_same_bytes(url: str) -> None:
    db = _published(url)
    kept = db.read(store.latest)
    db.close()
    assert kept is not None
    script = (
        "import sys\n"
        "from service.kit.db import Database\n"
        "from service.releases import artifact, formats, store\n"
        "from tests.city_room import publish_here\n"
        "db = Database(sys.argv[1])\n"
        "publish_here(db)\n"
        "print(artifact.sha256(formats.in_form(db.read(store.latest), 'json')[0]))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, url], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == artifact.sha256(formats.in_form(kept, "json")[0])


@pytest.mark.parametrize("cadence", CADENCES)
def test_everything_published_follows_from_the_noisy_measurements(url: str, cadence: str) -> None:
    """Counts, shares, intervals and status are recomputed from the `measured` column alone.

    So no published number has seen the truth but through the noise that was charged.
    """
    db = _published(url, cadence)
    kept = db.read(store.latest)
    db.close()
    assert kept is not None
    of = universe(cadence=cadence)
    tables = {
        table: np.zeros((shape.areas, len(of.groups), shape.size), np.int64)
        for table, shape in of.tables.items()
    }
    grouped = len(of.groups) > 1
    for cell, row in zip(of.cells(), artifact.read_csv(kept.csv), strict=True):
        shown = of.nano_rho(cell.metric)[cell.area] > 0 and (cell.group >= 0) == grouped
        assert (row["measured"] is not None) == shown
        if shown:
            tables[cell.metric][cell.area, max(cell.group, 0), cell.code] = row["measured"]
    assert artifact.csv_bytes(rows_of(of, Measured(tables))) == kept.csv


def test_the_rows_and_columns_say_nothing_about_the_people(tmp_path: Path) -> None:
    """An empty city and a full one publish the same cells, in the same order."""
    keys = []
    for name, people in (("empty", 0), ("full", 400)):
        db = Database(f"sqlite:///{tmp_path / name}.db")
        make_tables(db)
        contribute(db, [(str(number), someone(number)) for number in range(people)])
        publish_here(db)
        kept = db.read(store.latest)
        db.close()
        assert kept is not None
        columns = ("level", "region", "metric", "category", "sex", "age")
        keys.append([tuple(row[c] for c in columns) for row in artifact.read_csv(kept.csv)])
    assert keys[0] == keys[1]


@pytest.mark.parametrize("cadence", CADENCES)
def test_published_tables_add_up_in_every_direction(url: str, cadence: str) -> None:
    db = _published(url, cadence)
    kept = db.read(store.latest)
    db.close()
    assert kept is not None
    manifest = json.loads(kept.manifest)
    children: dict[str, list[str]] = {}
    for area in manifest["regions"]["areas"]:
        children.setdefault(area["parent"], []).append(area["code"])
    at = {tuple(row[name] for name in KEY): row["count"] for row in artifact.read_csv(kept.csv)}
    groups = universe(cadence=cadence).groups
    summed = 0
    for (region, metric, category, sex, age), shown in at.items():
        rest = metric, category, sex, age
        if (children.get(region, [""])[0], *rest) in at:
            assert shown == sum(at[code, *rest] for code in children[region])
            summed += 1
        if sex == "all" and len(groups) > 1:
            assert shown == sum(at[region, metric, category, *group] for group in groups)
        if metric == "participation":
            for other in manifest["metrics"]:
                if other["tier"] == "city" and region != CITY:
                    continue
                whole = sum(at[region, other["id"], c, sex, age] for c in other["categories"])
                assert shown == whole
    assert summed > 0
