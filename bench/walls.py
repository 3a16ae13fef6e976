"""What is asked of PostgreSQL behind wall 4 in cities of two sizes: `python -m bench.walls`.

A look asks about one resident, and a panel about those who stand on it; neither may take longer
because more people live in the city. Rows of contracts, grants and standings are copied into the
tables as they would lie there, nothing in them can be opened, and the statements of the gate run in
the role of a doctor and of a panel. Times are of the clock, the least of some rounds.
"""

import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from uuid import UUID, uuid4

import psycopg
from sqlalchemy import Connection

from bench.stage import columns
from bench.trials import Finding
from consent.grant import Grantee
from consent.vocabulary import GranteeKind
from service import migrations
from service.grants import askers
from service.grants import store as grants
from service.kit import guard
from service.kit.audience import speaking_for
from service.kit.db import Database
from service.kit.engines import open_engine
from service.panel import store as panel
from tests import databases, postgres
from tests.walled_room import plain

PANEL = 2_000
CITIES = (10_000, 100_000)
ROUNDS = 12


def cities() -> list[Finding]:
    """Milliseconds of a decision's statement and of a panel's two; raw is the smaller city."""
    with ExitStack() as stack:
        server = postgres.start()
        stack.callback(server.stop)
        databases.prepare(server.url)
        stack.callback(databases.finish)
        small, large = (_measured(size) for size in CITIES)
    return [
        Finding(
            f"{name}, of {CITIES[1]:,} residents (raw: of {CITIES[0]:,})",
            large[name],
            "ms",
            None,
            more_is_better=False,
            raw=small[name],
        )
        for name in large
    ]


def _measured(size: int) -> dict[str, float]:
    with databases.walled_postgres() as desk:
        owner = open_engine(databases.as_login(desk, databases.OWNER))
        migrations.upgrade("data", owner)
        owner.dispose()
        superuser = databases.as_login(desk, "kangma")
        with closing(plain(superuser)) as conn:
            doctor, people = _peopled(conn, size)
        with closing(Database(desk)) as db, speaking_for("doctor"):
            return {
                name: min(_timed(db, act) for _ in range(ROUNDS))
                for name, act in _acts(doctor, people).items()
            }


def _acts(doctor: UUID, people: list[UUID]) -> dict[str, Callable[[Connection], object]]:
    one, names = people[PANEL // 2], [Grantee(GranteeKind.PRACTITIONER, str(doctor))]

    def decision(conn: Connection) -> object:
        guard.ask(conn, one)
        return askers.facing(conn, one, doctor, names)()

    def on_panel(conn: Connection) -> list[panel.Slot]:
        guard.ask(conn, doctor, str(doctor))
        found = panel.of_panel(conn, names, doctor)
        if len(found) != PANEL:
            raise RuntimeError("not everybody is on the panel")
        return found

    def decided(conn: Connection) -> object:
        guard.ask(conn, doctor, str(doctor))
        with guard.looking_for_a_panel(conn):
            return grants.standings_of_panel(conn, names, doctor), grants.active_to(conn, names)

    return {
        "what a decision asks of one resident": decision,
        f"who is on a panel of {PANEL:,}": on_panel,
        f"the standings and grants of a panel of {PANEL:,}": decided,
    }


def _timed(db: Database, act: Callable[[Connection], object]) -> float:
    def job(conn: Connection) -> float:
        began = time.perf_counter()
        act(conn)
        return (time.perf_counter() - began) * 1000

    return db.read(job)


def _peopled(conn: psycopg.Connection[tuple[object, ...]], size: int) -> tuple[UUID, list[UUID]]:
    """A doctor and residents, the first of them theirs, the others' of colleagues elsewhere."""
    people, doctors = [uuid4() for _ in range(size)], [uuid4() for _ in range(size // PANEL)]
    signed = [doctors[number // PANEL] for number in range(size)]
    cursor = conn.cursor()
    tables: dict[str, list[tuple[object, ...]]] = {
        "practitioners (practitioner_id, name, clinic, clinic_id, role, disabled)": [
            (one.bytes, "", "", uuid4().bytes, "family-doctor", False) for one in doctors
        ],
        "residents (resident_id, status, sealed_profile, profile_rev)": [
            (one.bytes, "active", b"", 1) for one in people
        ],
        "resident_state (resident_id, rev, epoch, consent_revision, deny_all, emergency_refused)": [
            (one.bytes, 1, 1, 1, False, False) for one in people
        ],
        "contracts (resident_id, contract_id, practitioner_id, active, version, sealed_body)": [
            (one.bytes, uuid4().bytes, whose.bytes, True, 1, bytes(200))
            for one, whose in zip(people, signed, strict=True)
        ],
        "grants (resident_id, grant_id, grantee_kind, grantee_id, status, version, sealed_body)": [
            (one.bytes, uuid4().bytes, "practitioner", str(whose), "active", 1, bytes(400))
            for one, whose in zip(people, signed, strict=True)
        ],
    }
    for table, rows in tables.items():
        with cursor.copy(f"COPY {table} FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
    conn.execute("ANALYZE")
    return doctors[0], people


def table(found: list[Finding]) -> str:
    rows = [[one.name, f"{one.value:.2f} ms", f"{one.raw or 0:.2f} ms"] for one in found]
    return columns([["what", "result", "in the smaller city"], *rows])


if __name__ == "__main__":
    print(table(cities()))
