"""PostgreSQL databases for tests: empty ones, and ones at their newest shape behind wall 4.

Making the shape costs a second or two, copying it a tenth of that: the first test of a run that
needs a shape makes it, and every later one, in any process of the run, has it copied.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from uuid import uuid4

import psycopg
from sqlalchemy import URL, make_url

from service import migrations
from service.kit.db import open_engine
from service.kit.settings import Settings
from tests import postgres

ROLES = Path(__file__).resolve().parents[1] / "docker" / "roles.sql"
RUN = "TESTS_OF_THIS_RUN"
"""Processes of one run find here what the shapes are called."""
APP, DESK, OWNER, BACKUP = "kangma_app", "kangma_desk", "kangma_owner", "kangma_backup"
_LOCK = 7_000_013


def prepare(server: str) -> None:
    """Give a server that the tests found or started the roles of the service."""
    os.environ[postgres.ENVIRONMENT] = server
    os.environ[RUN] = uuid4().hex
    with _connected(make_url(server)) as conn:
        conn.execute(ROLES.read_text(encoding="utf-8").encode())
        word = make_url(server).password
        for login in (APP, DESK, OWNER, BACKUP) if word else ():
            conn.execute(f"ALTER ROLE {login} PASSWORD '{word}'".encode())


def finish() -> None:
    """Leave no shape on a server that goes on."""
    with _connected(_server()) as conn:
        for store in ("data", "keystore"):
            conn.execute(f"DROP DATABASE IF EXISTS {_shape(store)} WITH (FORCE)".encode())


@contextmanager
def fresh_postgres() -> Iterator[str]:
    """The URL of a new, empty database that is dropped at the end."""
    with _database("template1") as name:
        yield _server().set(database=name).render_as_string(hide_password=False)


@contextmanager
def walled_postgres() -> Iterator[str]:
    """A migrated data store behind its walls, as the login of the command line.

    It can become every audience, so that one house serves doors and jobs alike; what is narrower
    about the doors' own login, tests/security/test_row_security.py tells.
    """
    with _database(_made("data")) as name:
        yield as_login(_server().set(database=name).render_as_string(hide_password=False), DESK)


@contextmanager
def keystore_postgres() -> Iterator[str]:
    """A migrated keystore."""
    with _database(_made("keystore")) as name:
        yield _server().set(database=name).render_as_string(hide_password=False)


def beneath(settings: Settings) -> str:
    """The data store as somebody whom no wall of PostgreSQL binds: a thief, or whoever restores."""
    url = settings.data_store_url
    return url if url.startswith("sqlite") else as_login(url, _server().username or "")


def as_login(url: str, login: str) -> str:
    return make_url(url).set(username=login).render_as_string(hide_password=False)


@contextmanager
def _database(template: str) -> Iterator[str]:
    name = f"t_{uuid4().hex}"
    with _connected(_server()) as conn:
        conn.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        try:
            yield name
        finally:
            conn.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@cache
def _made(store: migrations.Store) -> str:
    """The name of the shape of a store, which is made when it is first asked for."""
    name = _shape(store)
    with _connected(_server()) as conn:
        # Held until the connection ends: processes of one run ask at the same moment.
        conn.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        found = conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
        if found is None:
            conn.execute(f"CREATE DATABASE half_{name}".encode())
            _migrate(store, _server().set(database=f"half_{name}"))
            conn.execute(f"ALTER DATABASE half_{name} RENAME TO {name}".encode())
    return name


def _migrate(store: migrations.Store, place: URL) -> None:
    if store == "data":
        with _connected(place) as conn:
            conn.execute(ROLES.read_text(encoding="utf-8").encode())
        place = place.set(username=OWNER)
    engine = open_engine(place.render_as_string(hide_password=False))
    migrations.upgrade(store, engine)
    engine.dispose()


def _shape(store: str) -> str:
    return f"shape_{store}_{os.environ[RUN]}"


def _server() -> URL:
    return make_url(os.environ[postgres.ENVIRONMENT])


def _connected(place: URL) -> psycopg.Connection[tuple[object, ...]]:
    plain = place.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain, autocommit=True)
