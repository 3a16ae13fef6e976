"""Same request, same bytes: in every spelling, after restarts, and everything from noise alone."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from service.domain.anonymity.cells import EVERY
from service.domain.anonymity.consistency import consistent
from service.domain.anonymity.count import Counts
from service.domain.anonymity.lattice import Lattice
from service.domain.anonymity.noise import Measured
from service.domain.anonymity.rows import Publication
from service.kit.db import Database
from service.releases import artifact, store, views
from tests.city_room import contribute, make_tables, publish_here, someone, universe

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'kangma.db'}"


def _published(url: str) -> Database:
    db = Database(url)
    make_tables(db)
    contribute(db, [(str(number), someone(number)) for number in range(200)])
    publish_here(db)
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
        "from service.releases import store, artifact, views\n"
        "from tests.city_room import publish_here\n"
        "db = Database(sys.argv[1])\n"
        "publish_here(db)\n"
        "print(artifact.sha256(views.table(db.read(store.latest))))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, url], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == artifact.sha256(views.table(kept))


def test_everything_published_follows_from_the_noisy_measurements(url: str) -> None:
    """Counts, shares, intervals and status are recomputed from the `measured` column alone.

    So no published number has seen the truth but through the noise that was charged.
    """
    db = _published(url)
    kept = db.read(store.latest)
    db.close()
    assert kept is not None
    of = universe()
    lattice = Lattice.of(of)
    tables: dict[tuple[str, str], Counts] = {
        (family, table): np.zeros(
            (1 if over[0] else of.districts, 1 if over[1] else of.groups, size), np.int64
        )
        for family, over in lattice.regions_of.items()
        for table, size in lattice.sizes.items()
    }
    for cell, row in zip(of.cells(), artifact.read_csv(kept.csv), strict=True):
        by = "total" if cell.group == EVERY else "sex_age"
        place = max(cell.district, 0), max(cell.group, 0), cell.code
        tables[f"{cell.level}_{by}", cell.metric][place] = row["measured"]
    measured = Measured(tables)
    estimates = lattice.estimate(measured)
    counts = consistent(estimates, lattice)
    rows = Publication(of, lattice, measured, estimates, counts).rows()
    assert artifact.csv_bytes(rows) == kept.csv


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


def test_published_tables_add_up_in_every_direction(url: str) -> None:
    db = _published(url)
    kept = db.read(store.latest)
    db.close()
    assert kept is not None
    rows = artifact.read_csv(kept.csv)
    at = {
        (r["level"], r["region"], r["metric"], r["category"], r["sex"], r["age"]): r["count"]
        for r in rows
    }
    districts = [f"9901{number:02d}" for number in range(1, 5)]
    for (level, region, metric, category, sex, age), shown in at.items():
        rest = metric, category, sex, age
        if level == "city":
            assert shown == sum(at["district", code, *rest] for code in districts)
        if sex == "all":
            groups = universe().specification.groups
            assert shown == sum(at[level, region, metric, category, *group] for group in groups)
        if metric == "participation":
            for other in universe().specification.metrics:
                whole = sum(at[level, region, other.id, c, sex, age] for c in other.categories)
                assert shown == whole
