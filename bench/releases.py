"""Releases of simulated cities: `python -m bench.releases [--millions N]`.

Precision: error and half-width of published shares in points of a hundred, by cadence and level,
in a city of a million and one of a hundred thousand where everybody takes part. Speed: processor
time of counting contributions from PostgreSQL and of a whole release of every cadence, beside the
cipher alone over as many contributions.
"""

import argparse
import gzip
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray

from bench.city import YEAR, City, simulated
from bench.stage import made_database
from bench.trials import Finding
from service.contributions import actions as contributions
from service.contributions import tables
from service.contributions.blob import SEALED_BYTES
from service.domain.anonymity import noise
from service.domain.anonymity.cells import Universe
from service.domain.anonymity.count import Tally, count
from service.domain.anonymity.rows import Row
from service.domain.anonymity.specification import ALL, PARTICIPATION, Specification, current
from service.domain.anonymity.tree import Counts
from service.kit.crypto import aead, kdf
from service.kit.db import Database
from service.kit.engines import metadata
from service.releases import artifact
from service.releases.actions import rows_of
from tests import postgres

CITIES = {"1 M": 1_000_000, "100 k": 100_000}
MILLION = 1_000_000
KEY = bytes(range(32))
NEAR = 10_000
"""Areas around so many participants are what targets speak of."""
TARGETS = {
    # cadence, level, number -> points of a hundred
    ("communities", "street", "error"): 1.2,
    ("communities", "community", "error"): 1.5,
    ("quarterly", "street", "half-width"): 1.7,
    ("monthly", "district", "half-width"): 0.7,
}


@dataclass(frozen=True)
class Published:
    """One release of a simulated city beside its truth."""

    universe: Universe
    truth: dict[str, Counts]
    rows: list[Row]

    @classmethod
    def of(cls, universe: Universe, tally: Tally) -> "Published":
        truth = tally.of(universe)
        return cls(universe, truth, rows_of(universe, noise.draw(truth, universe)))

    def shares(self, level: str) -> Iterator[tuple[int, float, float, bool]]:
        """(participants, error, half-width, covered) of each share of everybody at a level."""
        for cell, row in zip(self.universe.cells(), self.rows, strict=True):
            if row.metric == PARTICIPATION or row.level != level or row.sex != ALL:
                continue
            people = int(self.truth[PARTICIPATION][cell.area].sum())
            true = int(self.truth[cell.metric][cell.area, :, cell.code].sum())
            if people and row.share is not None:
                assert row.share_low is not None
                assert row.share_high is not None
                assert row.low is not None
                assert row.high is not None
                error = abs(row.share - true / people)
                half = (row.share_high - row.share_low) / 2
                yield people, error, half, row.low <= true <= row.high


def precisions(sizes: dict[str, int] = CITIES) -> list[Finding]:
    """Errors and half-widths of one release of every cadence, for each size of city."""
    specification, found = current(), []
    for name, size in sizes.items():
        city = simulated(size, specification)
        tally = count([city.people], specification, city.geography, year=YEAR)
        for cadence in specification.cadences:
            universe = Universe(specification, cadence, city.geography)
            published = Published.of(universe, tally)
            for level in cadence.levels[1:]:
                found += _precision(name, published, level)
    return found


def _precision(city: str, published: Published, level: str) -> list[Finding]:
    shares = list(published.shares(level))
    people = int(np.median([one[0] for one in shares])) if shares else 0
    errors = np.array([one[1] for one in shares])
    cadence = published.universe.cadence.id
    numbers = {
        "error": float(np.quantile(errors, 0.95)),
        "half-width": float(np.median([one[2] for one in shares])),
    }
    detail = {
        "cells": len(shares),
        "median of participants": people,
        "covered": f"{np.mean([one[3] for one in shares]):.1%}",
        "published": f"{np.mean([row.count is not None for row in published.rows]):.0%}",
    }
    about = {"error": "95th percentile of the error", "half-width": "median half-width"}
    return [
        Finding(
            f"{cadence}, {level}s of {city}: {about[kind]}",
            100 * value,
            "points",
            TARGETS.get((cadence, level, kind)) if city == "1 M" else None,
            more_is_better=False,
            detail=detail,
        )
        for kind, value in numbers.items()
    ]


def speeds(millions: int = 1) -> list[Finding]:
    """Counting contributions out of PostgreSQL, and all that follows of each cadence."""
    specification = current()
    city = simulated(millions * MILLION, specification)
    server = postgres.start()
    try:
        url = made_database(server.url)
        with closing(Database(url)) as db:
            metadata.create_all(db.engine, tables=[tables.contributions])
            _fill(url, city.people, specification)
            return _timed(db, city, specification, millions)
    finally:
        server.stop()


def _fill(url: str, people: NDArray[np.void], specification: Specification) -> None:
    """Sealed contributions under made-up pseudonyms, by COPY."""
    dice = np.random.default_rng(3)
    schema = specification.contribution_schema
    key = aead.Key(kdf.derive(KEY, "contribution-seal"), dek_id=0, epoch=0)
    bound = schema.to_bytes(2, "big")
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        copy = connection.cursor().copy(
            "COPY contributions (pseudonym, sealed) FROM STDIN (FORMAT BINARY)"
        )
        with copy as into:
            into.set_types(["bytea", "bytea"])
            for person in people:
                name = dice.bytes(16)
                into.write_row((name, key.seal(person.tobytes(), name + bound, schema=schema)))


def _timed(db: Database, city: City, specification: Specification, millions: int) -> list[Finding]:
    began = time.process_time()
    batches = db.read(lambda conn: list(contributions.read_all(conn, statistics_key=KEY)))
    read = time.process_time() - began
    began = time.process_time()
    tally = count(batches, specification, city.geography, year=YEAR)
    counted = time.process_time() - began
    assert int(tally.tables[PARTICIPATION].sum()) == millions * MILLION
    found = [
        Finding(
            f"{millions} M contributions read, opened and counted",
            read + counted,
            "s of one core",
            2.0 * millions,
            more_is_better=False,
            raw=_cipher_alone() * millions,
            detail={"reading and opening": f"{read:.2f} s", "counting": f"{counted:.2f} s"},
        )
    ]
    for cadence in specification.cadences:
        began = time.process_time()
        universe = Universe(specification, cadence, city.geography)
        rows = rows_of(universe, noise.draw(tally.of(universe), universe))
        table = artifact.csv_bytes(rows)
        spent = time.process_time() - began
        found.append(
            Finding(
                f"a whole {cadence.id} release of {millions} M after counting",
                spent,
                "s of one core",
                5.0 - 2.0 if millions == 1 else None,
                more_is_better=False,
                detail={
                    "rows": len(rows),
                    "gzipped": f"{len(gzip.compress(table, mtime=0)):,} bytes",
                },
            )
        )
    return found


def _cipher_alone() -> float:
    """Seconds for opening a million contributions, the cipher alone."""
    key = aead.Key(KEY, dek_id=0, epoch=0)
    sealed = key.seal(bytes(SEALED_BYTES - aead.OVERHEAD), b"x")
    began = time.process_time()
    for _ in range(100_000):
        key.open(sealed, b"x")
    return (time.process_time() - began) * 10


def told(findings: list[Finding]) -> Iterator[str]:
    for one in findings:
        target: Any = "" if one.target is None else f"target {one.target}"
        yield f"{one.value:9.2f} {one.unit:14} {target:12} {one.name} {one.detail}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="bench.releases", description=__doc__)
    parser.add_argument("--millions", type=int, default=1, help="contributions to count")
    parser.add_argument("--precision", action="store_true", help="errors and half-widths only")
    options = parser.parse_args()
    for line in told(precisions() if options.precision else speeds(options.millions)):
        print(line, flush=True)
