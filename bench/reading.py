"""What security costs a doctor who reads 20 records: `python -m bench.reading`.

Two routes of one application, called in this process without a socket, in turns. The first is the
service's own `GET /v1/doctor/patients/{id}/records?limit=20`. The second is the baseline: it
answers the same bytes from a table of the same records as plain JSON, in a database of its own
without walls. Both route, check the same parameters, change threads, run one statement for the
records, shape, spell, log a line and count in the metrics. Security is what only the first does:

- the token (its signature, the revocations, the limits of its caller);
- the decision: the statements of its facts, the grants, the permit, and the guard and roles of
  walls 3 and 4;
- opening: keys, the statement's join with the consent revision, decryption;
- the entry of the access log: sealing its classes, the chain, the tree, the tally;
- the commit: that a read is a transaction which writes, with its savepoint.

It is measured with one read alone, which pays the whole commit, and with 16 at once, by one doctor
of 16 residents, where a group shares the log's statements and the commit. The time is of the
processor, of this process and of PostgreSQL's together. The flush of the disk is waiting, so it is
not in it.
"""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, FastAPI, Query, Request, Response
from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, Text, bindparam, select

from bench import machine
from bench.stage import columns, made_database, postmaster
from bench.trials import Finding
from consent.vocabulary import Action
from service.api import records as shapes
from service.api.body import StrictRoute
from service.api.schema import CursorText, Limit
from service.app import create
from service.domain.vocabulary.records import Record, canonical_json, join, split
from service.grants import gate
from service.house import build, prepare
from service.kit import log
from service.kit.audience import speaking_for
from service.kit.clock import CITY_ZONE, utc_now
from service.kit.db import Database
from service.kit.prepared import Prepared
from service.kit.settings import Settings
from service.records import pages
from tests import databases, postgres
from tests.asgi import doors
from tests.house_room import REGIONS, Person, Town

COUNT = 20
AT_ONCE = (1, 16)
"""Reads that wait at the same time, each of another resident's records."""
REQUESTS = 192
ROUNDS = 5
TARGET = 0.25
PLAIN = Table(
    "plain_records",
    MetaData(),
    Column("resident_id", LargeBinary, primary_key=True),
    Column("day", Integer, primary_key=True),
    Column("document", Text, nullable=False),
)
_ROWS = Prepared(
    select(PLAIN.c.document)
    .where(PLAIN.c.resident_id == bindparam("resident", type_=LargeBinary))
    .order_by(PLAIN.c.day.desc())
    .limit(bindparam("most", type_=Integer))
)
router = APIRouter(route_class=StrictRoute)


@router.get("/v1/plain/{patient_id}/records")
async def plain(
    patient_id: UUID,
    request: Request,
    measure: Annotated[str | None, Query(max_length=64)] = None,
    kind: shapes.Kind | None = None,
    since: Annotated[shapes.When, Query(alias="from")] = None,
    until: Annotated[shapes.When, Query(alias="to")] = None,
    limit: Limit = 100,
    cursor: CursorText = None,
) -> Response:
    """The same page, by whoever asks."""
    shapes.known_measure(measure)
    shapes.span(since, until, CITY_ZONE)
    asked = {"resident": patient_id.bytes, "most": limit}
    bare: Database = request.app.state.bare
    rows = await bare.aread(lambda conn: _ROWS.rows(conn, asked))
    answer = shapes.seen_page(((join([json.loads(row[0])]), 0) for row in rows), None)
    return shapes.answer(answer | {"withheld": []})


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
    with closing(Database(bare)) as db, _town(folder, urls) as (town, app):
        app.state.bare = db
        doctor, people = _people(town, db, max(AT_ONCE))
        own = [_scope(f"/v1/doctor/patients/{one}/records", doctor.headers) for one in people]
        plainly = [_scope(f"/v1/plain/{one}/records", {}) for one in people]
        return [_finding(name, app, (own[:many], plainly[:many]), master) for many in AT_ONCE]


Scopes = list[dict[str, Any]]


def _finding(name: str, app: FastAPI, ways: tuple[Scopes, Scopes], master: int) -> Finding:
    took = [tuple(_spent(app, way, master) for way in ways) for _ in range(ROUNDS)]
    whole, rest = (min(way, key=sum) for way in zip(*took, strict=True))
    detail = {
        "us a read (here, server)": [round(one) for one in whole],
        "us without": [round(one) for one in rest],
        "all": [round(1 - sum(b) / sum(a), 2) for a, b in took],
    }
    what = f"security's share of a read of {COUNT} records on {name}, {len(ways[0])} at once"
    share = 1 - sum(rest) / sum(whole)
    return Finding(what, share, "", TARGET, more_is_better=False, detail=detail)


@contextmanager
def _town(folder: Path, urls: dict[str, str]) -> Iterator[tuple[Town, FastAPI]]:
    kek = f"file:{folder / 'keys' / 'kek.json'}"
    settings = Settings(data=folder / "data", kek=kek, profile="test", **urls)  # type: ignore[arg-type]
    prepare(settings)
    (settings.data / "regions.json").write_text(json.dumps(REGIONS), "utf-8")
    house = build(settings, clock=utc_now)
    try:
        app = create(house)
        app.include_router(router)
        log.configure("warning")
        with doors(app) as opened:
            yield Town(house, opened), app
    finally:
        house.close()


def _people(town: Town, bare: Database, count: int) -> tuple[Person, list[str]]:
    """A doctor and residents with 20 blood pressures each, kept in both ways."""
    doctor = town.doctor()
    PLAIN.create(bare.engine)
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
    _lay_open(town, bare, UUID(lin.id))
    return lin.id


def _lay_open(town: Town, bare: Database, resident: UUID) -> None:
    house = town.house

    def found(conn: Any) -> list[Record]:
        permit = gate.own(conn, house.vault, resident=resident, action=Action.READ, now=utc_now())
        return [one.record for one in pages.page(conn, house.vault, permit, pages.Query()).items]

    with speaking_for("resident"):
        opened = house.db.read(found)
    rows = [
        {
            "resident_id": resident.bytes,
            "day": COUNT - number,
            "document": "".join(canonical_json(part).decode() for part in split(one).values()),
        }
        for number, one in enumerate(opened)
    ]
    bare.write(lambda conn: Prepared(PLAIN.insert()).run_many(conn, rows))


def _spent(app: FastAPI, scopes: Scopes, master: int) -> tuple[float, float]:
    """Microseconds of processor time a request, here and in the database server."""
    asyncio.run(_all_asked(app, scopes, 2 * max(AT_ONCE)))
    server, mine = machine.single_threaded(master), time.process_time()
    asyncio.run(_all_asked(app, scopes, REQUESTS))
    mine, server = time.process_time() - mine, machine.single_threaded(master) - server
    return mine / REQUESTS * 1e6, server / REQUESTS * 1e6


def _scope(path: str, headers: dict[str, str]) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": f"limit={COUNT}".encode(),
        "headers": [(b"host", b"kangma.test")]
        + [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 50000),
        "server": ("kangma.test", 80),
    }


async def _all_asked(app: FastAPI, scopes: Scopes, times: int) -> None:
    """So many requests in all, as many of them at once as there are scopes."""
    each = times // len(scopes)
    await asyncio.gather(*(_asked(app, scope, each) for scope in scopes))


async def _asked(app: FastAPI, scope: dict[str, Any], times: int) -> None:
    for _ in range(times):
        messages: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any, into: list[Any] = messages) -> None:
            into.append(message)

        await app({**scope, "state": {}}, receive, send)
        body = b"".join(one.get("body", b"") for one in messages)
        if messages[0]["status"] != 200 or len(json.loads(body)["items"]) != COUNT:
            raise RuntimeError(f"{messages[0]['status']}: {body[:200]!r}")


def table(found: list[Finding]) -> str:
    head = ["what", "share", "target", "detail"]
    return columns(
        [head, *([one.name, f"{one.value:.0%}", "< 25 %", str(one.detail)] for one in found)]
    )


if __name__ == "__main__":
    print(table(readings()))
