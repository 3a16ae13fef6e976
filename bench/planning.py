"""What a plan costs somebody with much in their record: `python -m bench.planning`.

5,000 blood pressures with a weight, spread over five years and over one, of somebody followed for
hypertension, on SQLite. Times are of the processor. Raw is what every plan has to do that looks for
a name among sealed records: fetch and open the parts of the year that care looks back for.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from sqlalchemy import Connection

from bench.trials import Finding
from consent.vocabulary import DataClass
from service.kit.db import Database
from service.plans import actions as plans
from service.records.telling import Told
from tests.record_room import REGIONS, Home, observation

RECORDS = 5_000
YEARS = (5, 1)
ROUNDS = 5
STATED = {"kind": "condition", "code": "hypertension"}


def plannings() -> list[Finding]:
    """Milliseconds a plan."""
    with TemporaryDirectory() as folder:
        place = Path(folder)
        home = Home(Database(f"sqlite:///{place}/d.db"), f"sqlite:///{place}/k.db", place)
        found = [_of(home, years) for years in YEARS]
        home.keystore.close()
        home.database.close()
    return found


def _of(home: Home, years: int) -> Finding:
    resident = home.resident()
    home.log(resident, {**STATED, "start": home.now.isoformat()})
    apart = timedelta(days=365 * years) / RECORDS
    for first in range(1, RECORDS, 500):
        home.log(resident, *[_record(home.now - n * apart, n) for n in range(first, first + 500)])
    return Finding(
        f"a plan of {RECORDS:,} records of {years} years",
        _milliseconds(home, lambda conn: _plan(conn, home, resident)),
        "ms",
        None,
        more_is_better=False,
        raw=_milliseconds(home, lambda conn: _opened(conn, home, resident)),
        detail={"a record": apart.total_seconds()},
    )


def _record(at: datetime, number: int) -> dict[str, object]:
    values = {"systolic_bp": 120 + number % 20, "diastolic_bp": 80, "body_weight": 60}
    return observation(values, at.isoformat())


def _plan(conn: Connection, home: Home, resident: UUID) -> None:
    plans.plan(conn, home.vault, home.own(conn, resident), regions=REGIONS, now=home.now)


def _opened(conn: Connection, home: Home, resident: UUID) -> None:
    told = Told(conn, home.vault, home.own(conn, resident), DataClass.BODY)
    for _ in told.days({"fev1"}, (home.now - timedelta(days=366)).date()):
        raise AssertionError("nobody here has one")


def _milliseconds(home: Home, job: Callable[[Connection], None]) -> float:
    """The least of a few rounds, after one that warms keys and statements."""
    best = float("inf")
    for number in range(ROUNDS + 1):
        began = time.process_time()
        home.read(job)
        if number:
            best = min(best, time.process_time() - began)
    return best * 1000


if __name__ == "__main__":
    for finding in plannings():
        ratio = finding.value / (finding.raw or finding.value)
        print(f"{finding.value:10,.1f} {finding.unit:4} {finding.name}, raw times {ratio:.1f}")
