"""Processes that write to one SQLite file take turns; who died has no turn any more."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from service.kit.db import Database
from service.kit.turns import ENDING

HOLDER = """
import fcntl, os, sys
file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600)
fcntl.flock(file, fcntl.LOCK_EX)
print("mine", flush=True)
sys.stdin.readline()
"""
BUSY = """
import select, sys, time
from sqlalchemy import text
from service.kit.db import Database
db = Database(sys.argv[1])
db.write(lambda c: c.execute(text("INSERT INTO seen VALUES (1)")).rowcount)
print("busy", flush=True)
while not select.select([sys.stdin], [], [], 0)[0]:
    db.write(lambda c: (c.execute(text("INSERT INTO seen VALUES (1)")), time.sleep(0.02)) and None)
db.close()
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "kangma.db"


@pytest.fixture
def db(file: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{file}")
    opened.write(lambda c: c.execute(text("CREATE TABLE seen (one INTEGER)")) and None)
    yield opened
    opened.close()


def _insert(connection: Connection) -> int:
    return connection.execute(text("INSERT INTO seen VALUES (1)")).rowcount


def _seen(db: Database) -> int:
    return int(db.read(lambda c: c.execute(text("SELECT count(*) FROM seen")).scalar_one()))


def _holder(file: Path) -> subprocess.Popen[str]:
    held = subprocess.Popen(
        [sys.executable, "-c", HOLDER, f"{file}{ENDING}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert held.stdout is not None
    assert held.stdout.readline() == "mine\n"
    return held


def test_a_writer_waits_for_its_turn_and_readers_do_not(db: Database, file: Path) -> None:
    """Bug it would catch: a turn that is not taken, or one that readers wait for as well."""
    with _holder(file) as held:
        written = threading.Event()
        writer = threading.Thread(target=lambda: db.write(_insert) and written.set())
        writer.start()
        assert not written.wait(0.3)
        assert db.read(lambda c: c.execute(text("SELECT count(*) FROM seen")).scalar()) == 0
        held.kill()
        # The holder never let go of its turn: its end did.
        assert written.wait(60)
        writer.join()


def test_a_job_that_fails_gives_its_turn_back(db: Database, file: Path) -> None:
    def failing(connection: Connection) -> None:
        _insert(connection)
        raise ValueError

    other = Database(f"sqlite:///{file}")
    try:
        with pytest.raises(ValueError):
            db.write(failing)
        assert other.write(_insert) == 1
        assert db.write(_insert) == 1
    finally:
        other.close()


def test_nobody_starves_beside_a_busy_writer(db: Database, file: Path) -> None:
    """Its transactions follow one another without a pause, and it never naps.

    Asking again after naps, a second writer hardly ever meets the moment between two of them.
    """
    ours = 40
    with subprocess.Popen(
        [sys.executable, "-c", BUSY, f"sqlite:///{file}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as busy:
        assert busy.stdout is not None
        assert busy.stdout.readline() == "busy\n"
        before = _seen(db)
        for _ in range(ours):
            db.write(_insert)
        theirs = _seen(db) - before - ours
        busy.communicate("enough\n")
    assert busy.returncode == 0
    # About as many as ours; without turns it was seventy times as many.
    assert theirs < 20 * ours
