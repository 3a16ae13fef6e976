"""A town whose rows are attacked: how they are changed and put back, and what is noticed then."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import httpx
import structlog
from sqlalchemy import Row, and_, select

from service.kit import metrics
from service.upkeep.columns import COLUMNS, SealedColumn
from service.upkeep.verify import Fault, verify
from tests.house_room import Person, Town
from tests.record_room import observation, pressure
from tests.standing_room import standing

Change = Callable[["Attack"], None]
WAYS = {
    "record_parts": "/v1/me/records",
    "series_days": "/v1/me/series/heart_rate",
    "latest": "/v1/me/prompt/what-if",
    "prompt_now": "/v1/me/prompt",
    "prompt_history": "/v1/me/prompts",
    "residents": "/v1/me",
    "grants": "/v1/me/grants",
    "contracts": "/v1/me/contract",
    "access_log": "/v1/me/access-log",
}
"""The ordinary way of reading each table. A doctor's card that does not open is their panel's."""


@dataclass(frozen=True)
class Target:
    """The town; the resident whose rows are attacked, and another patient of their doctor."""

    town: Town
    resident: Person
    doctor: Person
    other: Person


@contextmanager
def target(folder: Path, store: str) -> Iterator[Target]:
    """The two have rows in every table, and two or more in most of them."""
    with standing(folder, store) as opened:
        doors, lin = opened.town.doors, opened.resident
        mei = opened.town.resident("mei")
        for who, systolic in ((lin, 141), (mei, 119)):
            mixed = {"systolic_bp": systolic, "hba1c": 5.4}
            more = [pressure(systolic, start="2026-11-18T08:00:00+08:00"), observation(mixed)]
            doors.post("/v1/me/records", json={"records": more}, headers=who.headers)
            for day in ("2026-11-18", "2026-11-19"):
                wear = {"measure": "heart_rate", "day": day, "t": [60, 120], "v": [71, 72]}
                sent = doors.post("/v1/me/series", json={"series": [wear]}, headers=who.headers)
                assert sent.status_code == 200, sent.text
            doors.get("/v1/me/prompt", headers=who.headers)
        wish = {"doctor_id": opened.doctor.id, "package": "basic", "data_classes": ["body"]}
        assert doors.post("/v1/me/contract", json=wish, headers=mei.headers).status_code == 201
        doors.get("/v1/doctor/panel", headers=opened.doctor.headers)
        for who in (lin, mei):
            patient = f"/v1/doctor/patients/{who.id}"
            doors.get(f"{patient}/records", headers=opened.doctor.headers)
            assert doors.get("/v1/me/prompt", headers=who.headers).status_code == 200
        yield Target(opened.town, lin, opened.doctor, mei)


class Attack(NamedTuple):
    """One column, lin's rows of it and mei's, over a connection that writes."""

    conn: Any
    column: SealedColumn
    mine: list[Row[Any]]
    others: list[Row[Any]]

    def put(self, row: Row[Any], **values: Any) -> None:
        table = self.column.table
        same = and_(*(key == row._mapping[key.name] for key in self.column.keys))
        self.conn.execute(table.update().where(same).values(**values))

    def bytes_of(self, row: Row[Any]) -> bytes:
        return bytes(row._mapping[self.column.column.name])

    def seal(self, row: Row[Any], data: bytes) -> None:
        self.put(row, **{self.column.column.name: data})


def read(here: Target, path: str, who: Person) -> httpx.Response:
    if path.endswith("what-if"):
        wish = {"values": {"body_weight": 61}}
        return here.town.doors.post(path, json=wish, headers=who.headers)
    return here.town.doors.get(path, headers=who.headers)


def look(here: Target) -> tuple[Fault, ...]:
    house = here.town.house
    return verify(house.db, house.vault, house.system.secret("statistics")).faults


@contextmanager
def attacked(here: Target, table: str, change: Change) -> Iterator[Row[Any]]:
    """The change is made to lin's first row (or what `change` picks), and taken back at the end."""
    column = next(one for one in COLUMNS if one.table.name == table)
    writing = here.town.beneath.execution_options(kangma_writes=True)
    for who in (here.resident, here.other):
        # A prompt that is out of date is made anew and its old row never opened.
        here.town.doors.get("/v1/me/prompt", headers=who.headers)
    with writing.begin() as conn:
        before = [dict(row._mapping) for row in conn.execute(select(column.table))]
        mine, others = (rows_of(conn, column, UUID(who.id)) for who in (here.resident, here.other))
        change(Attack(conn, column, mine, others))
    try:
        yield mine[0]
    finally:
        with writing.begin() as conn:
            conn.execute(column.table.delete())
            conn.execute(column.table.insert(), before)


def rows_of(conn: Any, column: SealedColumn, resident: UUID) -> list[Row[Any]]:
    query = select(column.table).where(column.table.c.resident_id == resident)
    rows = conn.execute(query.order_by(*column.keys)).all()
    return [row for row in rows if row._mapping[column.column.name]]


def expect(here: Target, table: str, row: Row[Any], fault: str = "broken", more: int = 0) -> None:
    """Closed on the ordinary way, open for everybody else, named by the verification."""
    path = WAYS.get(table)
    if path is not None:
        counted = metrics.integrity._value.get()
        with structlog.testing.capture_logs() as lines:
            answer = read(here, path, here.resident)
        assert (answer.status_code, answer.json()["code"]) == (500, "integrity"), answer.text
        assert [line["event"] for line in lines if line["log_level"] == "critical"] == ["alert"]
        assert metrics.integrity._value.get() == counted + 1
        assert read(here, path, here.other).status_code == 200
    found = look(here)
    named = [(one.table, dict(one.key), one.fault) for one in found]
    column = next(one for one in COLUMNS if one.table.name == table)
    key = {one.name: _spelled(row._mapping[one.name]) for one in column.keys}
    assert (table, key, fault) in named
    assert len(found) == 1 + more, named


def _spelled(value: Any) -> str:
    return bytes(value).hex() if isinstance(value, bytes | memoryview) else str(value)
