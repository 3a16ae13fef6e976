"""What security costs a doctor who reads 20 records: `python -m bench.reading`.

Two routes of one application behind the service's own server, asked over keep-alive connections by
a process of its own, in turns. The first is the service's own
`GET /v1/doctor/patients/{id}/records?limit=20`. The second is the baseline: it answers the same
bytes from a table of the same records as plain JSON, in a database of its own without walls. Both
stand at the same place among the routes, check the same parameters, change threads, run one
statement for the records, shape, spell, log a line and count in the metrics. Security is what only
the first does:

- the token (its signature, the revocations, the limits of its caller);
- the decision: the statement of its facts and grants, the permit, and the guard and roles of
  walls 3 and 4;
- opening: keys, the statement's join with the consent revision, decryption;
- the entry of the access log: sealing its classes, the chain, the tree, the tally;
- the commit: that a read is a transaction which writes, with its savepoint.

It is measured with one read alone, which pays the whole commit, and with 16 at once, by one doctor
of 16 residents, where a group shares the log's statements and the commit. The time is of the
processor. The flush of the disk is waiting, so it is not in it. Quoted are the median of the rounds
and their quarters, of two shares:

- `security`: the parts that the target names (token, decision, keys, opening, revision, log), each
  timed in its thread while it serves, of the time of the serving process;
- `beyond a plain page`: all that the second route does without, of the time of this process and of
  PostgreSQL's together: with what the parts bring along in threads, transactions and the server.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from functools import wraps
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import pytest
import uvicorn
from fastapi import FastAPI
from sqlalchemy import Connection

from bench import load, machine, plain_page, requests
from bench.stage import columns, made_database, postmaster
from bench.trials import Finding
from consent.vocabulary import Action
from service.api import gate as door
from service.app import create, spare_the_collector
from service.audit import actions as audit
from service.cli.serve import SERVED
from service.grants import gate
from service.house import House, build, prepare
from service.identity.revocations import Revocations
from service.keys.vault import Vault
from service.kit import groups, log
from service.kit.audience import speaking_for
from service.kit.clock import utc_now
from service.kit.db import Database
from service.kit.prepared import Prepared
from service.kit.settings import Settings
from service.kit.tokens import Tokens
from service.records import pages, parts, store
from tests import databases, postgres
from tests.asgi import doors
from tests.house_room import REGIONS, Person, Town

COUNT = 20
AT_ONCE = (1, 16)
"""Reads that wait at the same time, each of another resident's records."""
REQUESTS = 160
LONGEST = 60.0
"""Seconds after which so many requests are given up."""
ROUNDS = 21
TARGET = 0.25


def readings() -> list[Finding]:
    """The share of security in a read, on each database, alone and among others."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="kangma-reading-")))
        server = postgres.start(fsync=True)
        stack.callback(server.stop)
        databases.prepare(server.url)
        stack.callback(databases.finish)
        desk = stack.enter_context(databases.walled_postgres())
        there = {
            "database_url": desk,
            "owner_url": databases.as_login(desk, databases.OWNER),
            "keystore_url": stack.enter_context(databases.keystore_postgres()),
        }
        bare = {
            "sqlite": f"sqlite:///{folder / 'plain.db'}",
            "postgresql": made_database(server.url),
        }
        master = postmaster(server)
        return [
            finding
            for name, given in (("sqlite", {}), ("postgresql", there))
            for finding in _findings(name, folder / name, given, bare[name], master)
        ]


def _findings(
    name: str, folder: Path, urls: dict[str, str], bare: str, master: int
) -> list[Finding]:
    with closing(Database(bare)) as plainer, _town(folder, urls, plainer) as (town, app):
        doctor, people = _people(town, plainer, max(AT_ONCE))
        token = doctor.headers["authorization"].removeprefix("Bearer ")
        own = [_asked(f"doctor/patients/{one}", token) for one in people]
        plainly = [_asked(f"plain/{one}", token) for one in people]
        revision = _revision(town.house, UUID(people[0]))
        with _served(app) as port:
            return [
                finding
                for many in AT_ONCE
                for finding in _measured(name, port, (own[:many], plainly[:many]), master, revision)
            ]


Requests = list[bytes]
"""One for each connection."""


def _asked(whose: str, token: str) -> bytes:
    return requests.get(f"/v1/{whose}/records?limit={COUNT}", token)


@contextmanager
def _served(app: FastAPI) -> Iterator[int]:
    """The port at which the application is served from a thread, as `kangma serve` does."""
    made = uvicorn.Server(uvicorn.Config(app, port=0, lifespan="off", **SERVED))
    door = made.config.bind_socket()
    thread = threading.Thread(target=made.run, kwargs={"sockets": [door]})
    thread.start()
    while not made.started:
        time.sleep(0.01)
    try:
        yield door.getsockname()[1]
    finally:
        made.should_exit = True
        thread.join()


def _measured(
    name: str, port: int, ways: tuple[Requests, Requests], master: int, revision: float
) -> Iterator[Finding]:
    took = [tuple(_spent(port, way, master) for way in ways) for _ in range(ROUNDS)]
    # Both ways of a round share the moment: the machine's own speed changes from round to round.
    beyond = [1 - sum(rest) / sum(whole) for whole, rest in took]
    whole, rest = (_middle(way) for way in zip(*took, strict=True))
    parts_ = [_parts(port, ways[0], revision) for _ in range(ROUNDS)]
    within = [sum(of.values()) / total for of, total in parts_]
    where = f"of a read of {COUNT} records on {name}, {len(ways[0])} at once"
    each = {part: round(median(of[part] for of, _ in parts_)) for part in parts_[0][0]}
    yield Finding(
        f"security's share {where}",
        median(within),
        "",
        TARGET,
        more_is_better=False,
        detail={"quarters": _quarters(within), "us": each},
    )
    yield Finding(
        f"beyond a plain page, {where}",
        median(beyond),
        "",
        None,
        more_is_better=False,
        detail={"quarters": _quarters(beyond), "us (here, server)": whole, "us without": rest},
    )


def _quarters(shares: Sequence[float]) -> list[float]:
    return [round(sorted(shares)[len(shares) * part // 4], 2) for part in (1, 3)]


def _middle(way: Sequence[tuple[float, float]]) -> tuple[int, int]:
    """The medians of a way's rounds, here and in the server."""
    here, server = zip(*way, strict=True)
    return round(median(here)), round(median(server))


@contextmanager
def _town(folder: Path, urls: dict[str, str], bare: Database) -> Iterator[tuple[Town, FastAPI]]:
    kek = f"file:{folder / 'keys' / 'kek.json'}"
    settings = Settings(data=folder / "data", kek=kek, profile="test", **urls)  # type: ignore[arg-type]
    prepare(settings)
    (settings.data / "regions.json").write_text(json.dumps(REGIONS), "utf-8")
    house = build(settings, clock=utc_now)
    try:
        app = create(house)
        plain_page.serve(app, bare)
        log.configure("warning")
        with doors(app) as opened:
            spare_the_collector()
            yield Town(house, opened), app
    finally:
        house.close()


def _people(town: Town, bare: Database, count: int) -> tuple[Person, list[str]]:
    """A doctor and residents with 20 blood pressures each, kept in both ways."""
    doctor = town.doctor()
    plain_page.prepare(bare)
    return doctor, [_patient(town, bare, doctor, number) for number in range(count)]


def _patient(town: Town, bare: Database, doctor: Person, number: int) -> str:
    lin = town.resident(f"lin{number}")
    wish = {"doctor_id": doctor.id, "package": "basic", "data_classes": ["body", "screening"]}
    answer = town.doors.post("/v1/me/contract", json=wish, headers=lin.headers)
    assert answer.status_code == 201, answer.text
    start = utc_now() - timedelta(days=COUNT + 1)
    records = [
        {
            "kind": "observation",
            "start": (start + timedelta(days=day)).isoformat(),
            "values": {"systolic_bp": 120 + day, "diastolic_bp": 80, "heart_rate": 61},
        }
        for day in range(COUNT)
    ]
    sent = town.doors.post("/v1/me/records", json={"records": records}, headers=lin.headers)
    assert sent.status_code == 200, sent.text
    plain_page.lay_open(town, bare, UUID(lin.id))
    return lin.id


def _spent(port: int, asked: Requests, master: int) -> tuple[float, float]:
    """Microseconds of processor time a request, here and in the database server."""
    _play(port, asked, 2 * max(AT_ONCE))
    server, mine = machine.single_threaded(master), _at_work()
    _play(port, asked, REQUESTS)
    mine, server = _at_work() - mine, machine.single_threaded(master) - server
    return mine / REQUESTS * 1e6, server / REQUESTS * 1e6


def _at_work() -> float:
    """Seconds of processor time of all threads but this one, which only waits for the load."""
    return time.process_time() - time.thread_time()


def _play(port: int, asked: Requests, times: int) -> None:
    """So many requests in all, as many of them at once as there are lanes."""
    lanes = [[one] * (times // len(asked)) for one in asked]
    outcome = load.play(port, lanes, seconds=LONGEST, arrival=0.0)
    if outcome.statuses != {200: times}:
        raise RuntimeError(f"{outcome.statuses}: {outcome.odd!r}")


PARTS: dict[str, tuple[Any, str]] = {
    "token": (Tokens, "verify"),
    "revocations": (Revocations, "within"),
    "asked ahead": (groups, "_ask_ahead"),
    "decision": (door, "_decided"),
    "keys, opening": (Vault, "open_many"),
    "entry": (door, "_entry"),
    "log": (audit, "_keep"),
}
"""What of security is one function."""


def _parts(port: int, asked: Requests, revision: float) -> tuple[dict[str, float], float]:
    """Microseconds of processor time a request of this process: security's parts, and all."""
    spent: Counter[str] = Counter()
    with pytest.MonkeyPatch.context() as patch:
        for part, (owner, name) in PARTS.items():
            patch.setattr(owner, name, _timed(getattr(owner, name), part, spent))
        whole = _at_work()
        _play(port, asked, REQUESTS)
        whole = _at_work() - whole
    parts = {part: took / REQUESTS * 1e6 for part, took in spent.items()}
    return parts | {"revision": revision}, whole / REQUESTS * 1e6


def _revision(house: House, resident: UUID) -> float:
    """Microseconds that the page's statement takes longer for joining the consent revision."""
    plain = Prepared(store._newest())

    def job(conn: Connection) -> float:
        permit = gate.own(conn, house.vault, resident=resident, action=Action.READ, now=utc_now())
        tags = list(parts.tags_of(house.vault, permit))
        given = store._good(permit) | {"low": 0, "high": pages.LAST_DAY, "most": 3 * COUNT}
        given |= {f"tag{n}": tags[min(n, len(tags) - 1)] for n in range(store.TAGS)}
        rounds = [(_loop(conn, store._BY_DAY, given), _loop(conn, plain, given)) for _ in range(9)]
        return median(joined - bare for joined, bare in rounds)

    with speaking_for("resident"):
        return house.db.write(job)


def _loop(conn: Connection, statement: Prepared, given: dict[str, Any]) -> float:
    begun = time.thread_time()
    for _ in range(REQUESTS):
        statement.rows(conn, given)
    return (time.thread_time() - begun) / REQUESTS * 1e6


def _timed(run: Callable[..., Any], part: str, spent: Counter[str]) -> Callable[..., Any]:
    @wraps(run)
    def timed(*args: Any, **more: Any) -> Any:
        begun = time.thread_time()
        try:
            return run(*args, **more)
        finally:
            spent[part] += time.thread_time() - begun  # type: ignore[assignment]

    return timed


def table(found: list[Finding]) -> str:
    head = ["what", "share", "target", "detail"]
    return columns(
        [
            head,
            *(
                [one.name, f"{one.value:.0%}", "< 25 %" if one.target else "", str(one.detail)]
                for one in found
            ),
        ]
    )


if __name__ == "__main__":
    print(table(readings()))
