"""What is measured: a deployment on PostgreSQL with fsync on, and the people who live in it."""

import json
import secrets
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
from sqlalchemy import create_engine, make_url, text

from bench import machine
from service.cli.demo import city, population
from service.cli.demo.load import SetBack, move_in
from service.house import build
from service.kit.clock import city_day, utc_now
from tests import postgres
from tests.journeys.server import Installation, install, serving

PASSWORD = "correct-horse-battery"
WORKERS = 2


@dataclass(frozen=True)
class Person:
    """A signed-in resident."""

    id: UUID
    login: str
    token: str


@dataclass
class Stage:
    """A running deployment. `database` is its data store as psycopg takes it."""

    installation: Installation
    database: str
    people: list[Person]
    doctor: dict[str, Any]
    process: int
    """The parent of the service's workers."""
    postmaster: int

    @property
    def port(self) -> int:
        return make_url(self.installation.url).port or 0

    def sign_in(self, login: str, password: str = PASSWORD) -> str:
        """A fresh access token; they live ten minutes."""
        form = {"grant_type": "password", "username": login, "password": password}
        answer = httpx.post(f"{self.installation.url}/v1/auth/token", data=form, timeout=30)
        answer.raise_for_status()
        return str(answer.json()["access_token"])

    def awake(self) -> list[Person]:
        """Everybody with a fresh token."""
        self.people = [replace(one, token=self.sign_in(one.login)) for one in self.people]
        return self.people


def made_database(server: str) -> str:
    """The URL of a new database on a server."""
    name = f"bench_{uuid4().hex[:12]}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    engine.dispose()
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def _register(installation: Installation, count: int) -> Iterator[Person]:
    """Newcomers through the door everybody uses."""
    with httpx.Client(base_url=installation.url, timeout=30) as client:
        for number in range(count):
            login = f"bench-{number}-{secrets.token_hex(3)}"
            wish = {
                "login": login,
                "password": PASSWORD,
                "name": "林美",
                "birth_date": f"{1950 + number % 40}-03-09",
                "sex": "female" if number % 2 else "male",
                "region": city.regions()["regions"][-1]["code"],
            }
            answer = client.post("/v1/auth/register", json=wish)
            answer.raise_for_status()
            yield Person(UUID(answer.json()["resident_id"]), login, "")


def _panel(installation: Installation, size: int, doctor: UUID) -> None:
    """Residents with two years of records, all signed with one doctor."""
    clock = SetBack()
    house = build(installation.settings(), clock=clock)
    try:
        homes = [row["code"] for row in city.regions()["regions"] if row["level"] == "community"]
        newcomers = population.people(size, homes, city_day(utc_now()) - timedelta(days=1))
        signed = (replace(one, contract=True, statistics=False, steps={}) for one in newcomers)
        hashed = house.passwords.hash(PASSWORD)
        move_in(
            house, clock, signed, password_hash=hashed, doctors=[doctor], arrived=lambda _: None
        )
    finally:
        house.close()


@contextmanager
def open_stage(*, residents: int, panel: int, workers: int = WORKERS) -> Iterator[Stage]:
    """Everything in place and warm enough to be measured; gone when the block ends."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="kangma-bench-")))
        server = postgres.start(fsync=True)
        stack.callback(server.stop)
        data, keys = made_database(server.url), made_database(server.url)
        installation = install(folder, data, keys)
        doctor = installation.kangma(
            "people", "add-doctor", "--login", "doctor", "--name", "周医生", "--clinic", "潮音"
        )
        _panel(installation, panel, UUID(doctor["practitioner_id"]))
        stack.enter_context(serving(installation, workers=workers))
        people = list(_register(installation, residents))
        database = make_url(data).set(drivername="postgresql")
        yield Stage(
            installation,
            database.render_as_string(hide_password=False),
            people,
            doctor,
            machine.child("serve"),
            postmaster(server),
        )


def postmaster(server: postgres.Server) -> int:
    """Its process, or 0 where it is not ours."""
    if server.folder is None:
        return 0
    return int((server.folder / "data" / "postmaster.pid").read_text().split()[0])


def versions(database: str) -> dict[str, str]:
    """PostgreSQL's version and the settings that decide how durable and fast it is."""
    names = ("server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers")
    with psycopg.connect(database) as connection:
        return {name: str(connection.execute(f"SHOW {name}").fetchone()[0]) for name in names}  # type: ignore[index]


def spelled(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2, default=str)


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Rows as a Markdown table; the first is its head."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "|" + "---|" * len(rows[0]))
    return "\n".join(lines)
