"""What security costs a doctor who reads 20 records: `python -m bench.reading`.

Two routes of one application, called in this process without a socket, in turns. The first is the
service's own `GET /v1/doctor/patients/{id}/records?limit=20`: token, limits, decision, keys,
opening, the revision's join, the walls, the entry of the access log, its group and its commit. The
second answers the same bytes from a table with the same records as plain JSON: no token, consent,
revision, key, entry or write. Everything else of the application is in both: routing, checked
parameters, threads, one statement for the records, shaping, spelling, the log line and the metrics.

The time is of the processor, of this process and of PostgreSQL's together, and the share is what
the second does without. The flush of the disk is waiting, so it is not in it.
"""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

from fastapi import APIRouter, FastAPI, Response
from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, Text, bindparam, select

from bench import machine
from bench.stage import columns, made_database, postmaster
from bench.trials import Finding
from consent.vocabulary import Action
from service.api import records as shapes
from service.api.body import StrictRoute
from service.api.rooms import HouseDep
from service.api.schema import Limit
from service.app import create
from service.domain.vocabulary.records import Record, canonical_json, join, split
from service.grants import gate
from service.house import build, prepare
from service.kit import log
from service.kit.clock import utc_now
from service.kit.prepared import Prepared
from service.kit.settings import Settings
from service.records import pages
from tests import postgres
from tests.asgi import doors
from tests.house_room import REGIONS, Person, Town

COUNT = 20
REQUESTS = 200
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
async def plain(patient_id: UUID, house: HouseDep, limit: Limit = 100) -> Response:
    """The same page, by whoever asks."""
    asked = {"resident": patient_id.bytes, "most": limit}
    rows = await house.db.aread(lambda conn: _ROWS.rows(conn, asked))
    answer = shapes.seen_page(((join([json.loads(row[0])]), 0) for row in rows), None)
    return shapes.answer(answer | {"withheld": []})


def readings() -> list[Finding]:
    """The share of security in a read, on each database."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="kangma-reading-")))
        server = postgres.start(fsync=True)
        stack.callback(server.stop)
        there = {
            "database_url": made_database(server.url),
            "keystore_url": made_database(server.url),
        }
        urls: dict[str, dict[str, str]] = {"sqlite": {}, "postgresql": there}
        return [
            _finding(name, folder / name, given, postmaster(server)) for name, given in urls.items()
        ]


def _finding(name: str, folder: Path, urls: dict[str, str], master: int) -> Finding:
    with _town(folder, urls) as (town, app):
        lin, doctor = _people(town)
        own = f"/v1/doctor/patients/{lin.id}/records", doctor.headers
        bare = f"/v1/plain/{lin.id}/records", {}
        took: dict[str, list[float]] = {"own": [], "bare": []}
        for _ in range(ROUNDS):
            for way, (path, headers) in (("own", own), ("bare", bare)):
                took[way].append(_spent(app, path, headers, master))
        whole, rest = min(took["own"]), min(took["bare"])
    detail = {
        "us a read": round(whole),
        "us without": round(rest),
        "all": [round(1 - b / a, 2) for a, b in zip(took["own"], took["bare"], strict=True)],
    }
    what = f"security's share of a read of {COUNT} records on {name}"
    return Finding(what, 1 - rest / whole, "", TARGET, more_is_better=False, detail=detail)


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


def _people(town: Town) -> tuple[Person, Person]:
    """A resident with 20 blood pressures, kept in both ways, and their doctor."""
    lin, doctor = town.resident(), town.doctor()
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
    _lay_open(town, UUID(lin.id))
    return lin, doctor


def _lay_open(town: Town, resident: UUID) -> None:
    house = town.house

    def found(conn: Any) -> list[Record]:
        permit = gate.own(conn, house.vault, resident=resident, action=Action.READ, now=utc_now())
        return [one.record for one in pages.page(conn, house.vault, permit, pages.Query()).items]

    rows = [
        {
            "resident_id": resident.bytes,
            "day": COUNT - number,
            "document": "".join(canonical_json(part).decode() for part in split(one).values()),
        }
        for number, one in enumerate(house.db.read(found))
    ]
    PLAIN.create(house.db.engine)
    house.db.write(lambda conn: Prepared(PLAIN.insert()).run_many(conn, rows))


def _spent(app: FastAPI, path: str, headers: dict[str, str], master: int) -> float:
    """Microseconds of processor time a request, here and in the database server."""
    scope = _scope(path, headers)
    asyncio.run(_asked(app, scope, 20))
    server, mine = machine.single_threaded(master), time.process_time()
    asyncio.run(_asked(app, scope, REQUESTS))
    took = time.process_time() - mine + machine.single_threaded(master) - server
    return took / REQUESTS * 1e6


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
