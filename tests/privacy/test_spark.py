"""Spark counts what one machine counts, and nothing exact lies about on the way.

Bug it would catch: a partition that is counted twice or not at all, a partial tally in the clear.
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from service.contributions.blob import Blobs
from service.contributions.partial import Partials
from service.domain.anonymity.count import Tally, count, merged
from service.domain.anonymity.specification import current
from service.kit.errors import IntegrityBroken
from tests.city_room import STATISTICS_KEY, YEAR, geography, someone

ROOT = Path(__file__).resolve().parents[2]
PEOPLE = 3_000
# Half a gigabyte that a city which counts on one machine never needs; without it the partial
# tallies that Spark would add are still tested below.
needed = pytest.mark.skipif(
    importlib.util.find_spec("pyspark") is None or shutil.which("java") is None,
    reason="Spark needs Java and the extra [spark]",
)
SCRIPT = """
import json, sys
from pathlib import Path
from pyspark.sql import SparkSession
from service.contributions.blob import Blobs
from service.domain.anonymity.specification import current
from service.jobs import spark
from tests.city_room import STATISTICS_KEY, YEAR, geography, someone

class Key:
    def __init__(self, file):
        self.file = file
    def __call__(self):
        return Path(self.file).read_bytes()

people, folder = int(sys.argv[1]), Path(sys.argv[2])
(folder / "key").write_bytes(STATISTICS_KEY)
session = (
    SparkSession.builder.master("local[2]")
    .config("spark.ui.enabled", "false")
    .config("spark.driver.host", "127.0.0.1")
    .config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.local.dir", str(folder / "scratch"))
    .config("spark.eventLog.enabled", "true")
    .config("spark.eventLog.dir", f"file://{folder}/events")
    .config("spark.sql.execution.arrow.maxRecordsPerBatch", "500")
    .getOrCreate()
)
blobs = Blobs(STATISTICS_KEY, current())
rows = []
for number in range(people):
    name = blobs.pseudonym(str(number).encode())
    rows.append((bytearray(name), bytearray(blobs.seal(name, someone(number)))))
frame = session.createDataFrame(rows, "pseudonym binary, sealed binary").repartition(5)
tally = spark.tally(
    frame, specification=current(), geography=geography(), year=YEAR, key_of=Key(folder / "key")
)
print(json.dumps({name: counts.tolist() for name, counts in tally.tables.items()}))
session.stop()
"""


def _local() -> Tally:
    blobs = Blobs(STATISTICS_KEY, current())
    records = []
    for number in range(PEOPLE):
        name = blobs.pseudonym(str(number).encode())
        records.append(name + blobs.seal(name, someone(number)))
    parts = [b"".join(records[at::7]) for at in range(7)]
    opened = (blobs.open_records(part) for part in parts)
    return count(opened, current(), geography(), year=YEAR)


@pytest.mark.slow
@needed
def test_spark_counts_what_one_machine_counts(tmp_path: Path) -> None:
    (tmp_path / "events").mkdir()
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(PEOPLE), str(tmp_path)],
        cwd=ROOT,
        env=os.environ | {"PYSPARK_PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr[-3_000:]
    found = json.loads(ran.stdout.splitlines()[-1])
    local = _local()
    assert found.keys() == local.tables.keys()
    for name, counts in local.tables.items():
        assert (np.array(found[name]) == counts).all()
    assert int(local.tables["participation"].sum()) == PEOPLE
    # What Spark writes down is sealed: no array file of counts, no region, no key.
    for file in (tmp_path / "events").rglob("*"):
        if file.is_file():
            text = file.read_bytes()
            assert b"NUMPY" not in text
            assert b"990101001001" not in text
            assert STATISTICS_KEY not in text


def test_partial_tallies_add_up_and_foreign_ones_do_not() -> None:
    whole = _local()
    assert all((merged([whole, whole]).tables[t] == 2 * c).all() for t, c in whole.tables.items())
    few = Tally({"participation": whole.tables["participation"]})
    other = Tally({t: c[:1] for t, c in whole.tables.items()})
    for foreign in (few, other):
        with pytest.raises(ValueError, match="different"):
            merged([whole, foreign])


def test_a_partial_tally_opens_in_its_run_and_as_its_partition_only() -> None:
    whole = _local()
    mine = Partials(STATISTICS_KEY, b"run one")
    sealed = mine.seal(3, whole)
    opened = mine.open(3, sealed)
    assert all((opened.tables[t] == counts).all() for t, counts in whole.tables.items())
    others = [
        (mine, 4),
        (Partials(STATISTICS_KEY, b"run two"), 3),
        (Partials(bytes(32), b"run one"), 3),
    ]
    for partials, number in others:
        with pytest.raises(IntegrityBroken):
            partials.open(number, sealed)
