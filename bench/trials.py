"""The measurements. Each drives the service over HTTP and then pays the raw cost of the same."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import psycopg

from bench import load, machine, raw
from bench import requests as wire
from bench.load import Outcome
from bench.stage import Stage
from service.kit.clock import utc_now

CONNECTIONS = 16
GROUP = 8
"""Rows a commit of the raw inserts: half of the connections wait for each of two processes."""


@dataclass
class Finding:
    """One number. `raw` is the same done by the driver or the cipher alone, in the same unit."""

    name: str
    value: float
    unit: str
    target: float | None
    more_is_better: bool = True
    raw: float | None = None
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def met(self) -> bool | None:
        if self.target is None:
            return None
        return self.value >= self.target if self.more_is_better else self.value <= self.target


@dataclass
class Run:
    """One run over a stage: how long each trial lasts, and dice that always fall alike."""

    stage: Stage
    seconds: float
    dice: np.random.Generator = field(default_factory=lambda: np.random.default_rng(20261120))
    now: datetime = field(default_factory=utc_now)
    minutes: int = 0

    def play(self, lanes: Sequence[Sequence[bytes]], seconds: float | None = None) -> Outcome:
        outcome = load.play(self.stage.port, lanes, seconds=seconds or self.seconds)
        if set(outcome.statuses) != {200}:
            raise RuntimeError(f"{dict(outcome.statuses)}: {outcome.odd!r}")
        return outcome

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.stage.database, autocommit=True) as connection:
            return connection.execute(statement).fetchall()

    def size(self, table: str) -> int:
        """Bytes of a table with its indexes and out-of-line values, without gaps of dead rows."""
        with psycopg.connect(self.stage.database, autocommit=True) as connection:
            connection.execute(f"VACUUM FULL {table}")
        return int(self.query(f"SELECT pg_total_relation_size('{table}')")[0][0])

    def grown(self, table: str, before: int) -> int:
        """Bytes a table has grown since `size`, as it lies there."""
        return int(self.query(f"SELECT pg_total_relation_size('{table}')")[0][0]) - before

    def by_connection(self, make: Callable[[str, int], bytes], count: int) -> list[list[bytes]]:
        """Requests for each connection, which plays its own residents in turn."""
        people = self.stage.people
        own = len(people) // CONNECTIONS
        return [
            [make(people[lane + CONNECTIONS * (n % own)].token, n) for n in range(count)]
            for lane in range(CONNECTIONS)
        ]

    def watched(self, lanes: Sequence[Sequence[bytes]]) -> tuple[Outcome, dict[str, float]]:
        """An outcome with the processor time it took: milliseconds a request."""
        with machine.watching(self.stage.process, self.stage.postmaster) as spent:
            outcome = self.play(lanes)
        share = 1000 / outcome.count
        return outcome, {
            "service_cpu_ms": round(spent.service * share, 3),
            "postgres_cpu_ms": round(spent.postgres * share, 3),
            "idle_cores": round(spent.idle / outcome.seconds, 2),
            "others_cores": round(spent.other / outcome.seconds, 2),
        }


def _best(run: Run, lanes: Callable[[], list[list[bytes]]], times: int) -> tuple[Outcome, Any]:
    """The run with the most answers a second of several, because neighbours share the machine."""
    tries = [run.watched(lanes()) for _ in range(times)]
    best = max(tries, key=lambda one: one[0].rate)
    return best[0], {**best[1], "all_runs": [round(one[0].rate) for one in tries]}


def single_records(run: Run, times: int) -> list[Finding]:
    """One blood pressure a request, each newer than the last, by residents in turn."""

    def lanes() -> list[list[bytes]]:
        run.minutes += 1
        start = run.now - timedelta(hours=20) + timedelta(minutes=30 * run.minutes)

        def make(token: str, n: int) -> bytes:
            at = start + timedelta(milliseconds=100 * n)
            body = {"records": [wire.pressure(run.dice, at)]}
            return wire.post("/v1/me/records", token, body)

        return run.by_connection(make, int(run.seconds * 150))

    run.play(lanes(), seconds=min(2.0, run.seconds))
    before, known = run.size("record_parts"), _count(run, "record_parts")
    outcome, detail = _best(run, lanes, times)
    grown, fresh = run.grown("record_parts", before), _count(run, "record_parts") - known
    rows = run.query("SELECT * FROM record_parts WHERE NOT deleted LIMIT 4000")
    rate = raw.inserted(run.stage.database, "record_parts", rows, group=GROUP, writers=2)
    detail |= {
        "p50_ms": round(outcome.percentile(0.5), 1),
        "aes_gcm_per_s": round(raw.sealed([128, 1024, 1024])),
    }
    return [
        Finding("one record a request", outcome.rate, "requests/s", 1000, raw=rate, detail=detail),
        Finding("one record a request, p99", outcome.percentile(0.99), "ms", 50, False),
        Finding("stored by a record", grown / fresh, "bytes", 700, False, raw=_bare(rows)),
    ]


def _count(run: Run, table: str) -> int:
    return int(run.query(f"SELECT count(*) FROM {table}")[0][0])


def _bare(rows: Sequence[Sequence[Any]]) -> float:
    """Bytes of the sealed column alone."""
    return float(np.mean([len(row[-1]) for row in rows]))


def thousands_of_samples(run: Run, times: int) -> list[Finding]:
    """1,000 samples a request: a new day each, and uploads of 83 minutes into a growing day."""
    asked = int(run.seconds * 60)

    def new_days() -> list[list[bytes]]:
        run.minutes += 1
        days = wire.days_before(run.now - timedelta(days=400 * run.minutes))
        known: list[str] = [next(days) for _ in range(400)]

        def make(token: str, n: int) -> bytes:
            own = len(run.stage.people) // CONNECTIONS
            sent = wire.pulse(run.dice, known[n // own % 400], step=60, count=1000)
            return wire.post("/v1/me/series", token, {"series": [sent]})

        return run.by_connection(make, asked)

    def growing_days() -> list[list[bytes]]:
        run.minutes += 1
        days = wire.days_before(run.now - timedelta(days=400 * run.minutes))
        known = [next(days) for _ in range(400)]

        def make(token: str, n: int) -> bytes:
            own = len(run.stage.people) // CONNECTIONS
            turn = n // own
            sent = wire.pulse(run.dice, known[turn // 17 % 400], first=turn % 17 * 5000, count=1000)
            return wire.post("/v1/me/series", token, {"series": [sent]})

        return run.by_connection(make, asked)

    run.play(new_days(), seconds=min(2.0, run.seconds))
    outcome, detail = _best(run, new_days, times)
    grown, grown_detail = _best(run, growing_days, times)
    rows = run.query("SELECT * FROM series_days LIMIT 600")
    rate = raw.inserted(run.stage.database, "series_days", rows, group=GROUP, writers=2) * 1000
    detail |= {"p99_ms": round(outcome.percentile(0.99), 1), "requests": round(outcome.rate)}
    detail["aes_gcm_samples_per_s"] = round(raw.sealed([8192]) * 1000)
    grown_detail |= {"p99_ms": round(grown.percentile(0.99), 1)}
    return [
        Finding(
            "1,000 samples a request, new days",
            outcome.rate * 1000,
            "samples/s",
            200_000,
            raw=rate,
            detail=detail,
        ),
        Finding(
            "1,000 samples a request, into days that grow",
            grown.rate * 1000,
            "samples/s",
            None,
            raw=rate,
            detail=grown_detail,
        ),
    ]


def prompts(run: Run, times: int) -> list[Finding]:
    """The stored prompt of residents in turn."""

    def lanes() -> list[list[bytes]]:
        return run.by_connection(
            lambda token, n: wire.get("/v1/me/prompt", token), int(run.seconds * 400)
        )

    run.play(lanes(), seconds=1.0)
    outcome, detail = _best(run, lanes, times)
    keys = [one.id.bytes for one in run.stage.people] * 200
    statement = "SELECT rev, sealed FROM prompt_now WHERE resident_id = %s"
    rate = raw.selected(run.stage.database, statement, keys, readers=2)
    detail |= {"p99_ms": round(outcome.percentile(0.99), 1)}
    return [Finding("the prompt", outcome.rate, "requests/s", 1000, raw=rate, detail=detail)]


def years(run: Run) -> list[Finding]:
    """A year of a series by the hour and by the minute, and what a dense day takes."""
    hourly, minutely, dense = run.stage.people[:3]
    found = []
    for person, step, label in ((hourly, 3600, "hour"), (minutely, 60, "minute")):
        days = wire.days_before(run.now)
        count = 86_400 // step
        bodies = [
            {"series": [wire.pulse(run.dice, next(days), step=step, count=count) for _ in range(5)]}
            for _ in range(73)
        ]
        path = "/v1/me/series"
        run.play([[wire.post(path, person.token, body) for body in bodies]], seconds=300)
        reads = [("raw", f"a year by the {label}, {365 * count:,} samples")]
        if step == 60:
            reads.append(("hour", f"the same year ({365 * count:,} samples) summed up by the hour"))
        since = (run.now - timedelta(days=367)).date().isoformat()
        for grain, name in reads:
            path = f"/v1/me/series/heart_rate?from={since}&resolution={grain}"
            outcome = run.play([[wire.get(path, person.token)] * 15], seconds=60)
            kept = run.query(
                "SELECT sealed FROM series_days WHERE resident_id ="
                f" '\\x{person.id.bytes.hex()}'::bytea"
            )
            bare = raw.opened([row[0] for row in kept]) * 1000
            target = None if (step, grain) == (60, "raw") else 100
            found.append(Finding(name, outcome.percentile(0.5), "ms", target, False, raw=bare))
    days = wire.days_before(run.now)
    before = run.size("series_days")
    bodies = [
        {"series": [wire.pulse(run.dice, next(days), step=5, count=17_280)]} for _ in range(100)
    ]
    lane = [wire.post("/v1/me/series", dense.token, body) for body in bodies]
    run.play([lane], seconds=300)
    grown = run.grown("series_days", before)
    found.append(
        Finding("stored by a sample of a dense day", grown / 1_728_000, "bytes", 1.5, False)
    )
    return found


def panels(run: Run) -> list[Finding]:
    """The first page of a doctor's panel: the first look of a process, and the following ones."""
    token = run.stage.sign_in("doctor", run.stage.doctor["password"])
    look = wire.get("/v1/doctor/panel", token)
    size = run.query("SELECT count(*) FROM panel_cards")[0][0]
    cold = [run.play([[look]], seconds=60) for _ in range(8)]
    outcome = run.play([[look] * 20], seconds=60)
    cards = [row[0] for row in run.query("SELECT sealed_card FROM panel_cards")]
    name = f"first page of a panel of {size:,}"
    detail = {"slowest_of_8_connections_ms": round(max(one.latencies[0] for one in cold) * 1000)}
    bare = raw.opened(cards) * 1000
    return [Finding(name, outcome.percentile(0.5), "ms", 100, False, raw=bare, detail=detail)]
