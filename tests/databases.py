"""Databases for tests: empty ones, and ones at their newest shape (PostgreSQL: behind wall 4).

Making a shape costs a second or two, copying it some hundredths: the first test of a run that
needs a shape makes it, and every later one, in any process of the run, has it copied.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Literal, get_args
from uuid import uuid4

import psycopg
from sqlalchemy import URL, inspect, make_url

from service import migrations
from service.kit.db import Database
from service.kit.engines import open_engine
from service.kit.settings import Settings
from service.migrations.draft import tables_of
from tests import postgres

DOCKER = Path(__file__).resolve().parents[1] / "docker"
ROLES, KEYSTORE = DOCKER / "roles.sql", DOCKER / "keystore.sql"
RUN = "TESTS_OF_THIS_RUN"
"""Processes of one run find here what the shapes are called."""
APP, DESK, OWNER, BACKUP = "kangma_app", "kangma_desk", "kangma_owner", "kangma_backup"
KEYS = "kangma_keys"
Shape = Literal["data", "keystore", "tables"]
"""Migrated stores, and a data store with every table that nobody migrated and no wall."""
_OWNERS: dict[Shape, tuple[Path, str]] = {"data": (ROLES, OWNER), "keystore": (KEYSTORE, KEYS)}
_LOCK = 7_000_013


def prepare(server: str) -> None:
    """Give a server that the tests found or started the roles of the service."""
    os.environ[postgres.ENVIRONMENT] = server
    os.environ[RUN] = uuid4().hex
    with _connected(make_url(server)) as conn:
        conn.execute(ROLES.read_text(encoding="utf-8").encode())
        conn.execute(KEYSTORE.read_text(encoding="utf-8").encode())
        word = make_url(server).password
        for login in (APP, DESK, OWNER, BACKUP, KEYS) if word else ():
            conn.execute(f"ALTER ROLE {login} PASSWORD '{word}'".encode())


def finish() -> None:
    """Leave no shape on a server that goes on."""
    with _connected(_server()) as conn:
        for shape in get_args(Shape):
            conn.execute(f"DROP DATABASE IF EXISTS {_name(shape)} WITH (FORCE)".encode())
    shutil.rmtree(_folder(), ignore_errors=True)


@contextmanager
def fresh_postgres() -> Iterator[str]:
    """The URL of a new, empty database that is dropped at the end."""
    with postgres_database(None) as url:
        yield url


@contextmanager
def postgres_database(shape: Shape | None) -> Iterator[str]:
    """The URL of a new database of a shape, or an empty one, as a superuser."""
    with _database(_made(shape) if shape else "template1") as name:
        yield _server().set(database=name).render_as_string(hide_password=False)


@contextmanager
def walled_postgres() -> Iterator[str]:
    """A migrated data store behind its walls, as the login of the command line.

    It can become every audience, so that one house serves doors and jobs alike; what is narrower
    about the doors' own login, tests/security/test_row_security.py tells.
    """
    with postgres_database("data") as url:
        yield as_login(url, DESK)


@contextmanager
def keystore_postgres() -> Iterator[str]:
    """A migrated keystore, as the login that owns it and is no superuser."""
    with postgres_database("keystore") as url:
        yield as_login(url, KEYS)


def lay_sqlite(settings: Settings) -> None:
    """Put migrated files where a house on SQLite has none yet, as `prepare` would make them."""
    stores: dict[Shape, str] = {"data": settings.data_store_url, "keystore": settings.keys_url}
    for shape, url in stores.items():
        address = make_url(url)
        if address.get_backend_name() == "sqlite" and not Path(address.database or "").exists():
            lay(shape, Path(address.database or ""))


def lay(shape: Shape, file: Path) -> None:
    """Put the SQLite file of a shape there."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    shutil.copy(_made_file(shape), file)


def furnish(database: Database) -> None:
    """Make every table in a data store that has none."""
    if not inspect(database.engine).has_table("residents"):
        tables_of("data").create_all(database.engine)


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
        # Copied as files: through the log, as is the default, it takes ten times as long.
        how = f"TEMPLATE {template} STRATEGY file_copy"
        conn.execute(f"CREATE DATABASE {name} {how}".encode())
        try:
            yield name
        finally:
            conn.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@cache
def _made(shape: Shape) -> str:
    """The name of the database of a shape, which is made when it is first asked for."""
    name = _name(shape)
    with _connected(_server()) as conn:
        # Held until the connection ends: processes of one run ask at the same moment.
        conn.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        found = conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
        if found is None:
            conn.execute(f"CREATE DATABASE half_{name}".encode())
            place = _server().set(database=f"half_{name}")
            if shape in _OWNERS:
                roles, owner = _OWNERS[shape]
                with _connected(place) as inside:
                    inside.execute(roles.read_text(encoding="utf-8").encode())
                place = place.set(username=owner)
            _make(shape, place.render_as_string(hide_password=False))
            conn.execute(f"ALTER DATABASE half_{name} RENAME TO {name}".encode())
    return name


@cache
def _made_file(shape: Shape) -> Path:
    """The SQLite file of a shape, which is made when it is first asked for."""
    path = _folder() / f"{shape}.db"
    with _connected(_server()) as conn:
        conn.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        if not path.exists():
            path.parent.mkdir(exist_ok=True, mode=0o700)
            half = path.with_suffix(".half")
            _make(shape, f"sqlite:///{half}")
            half.rename(path)
    return path


def _make(shape: Shape, url: str) -> None:
    engine = open_engine(url)
    if shape == "tables":
        tables_of("data").create_all(engine)
    else:
        migrations.upgrade(shape, engine)
    engine.dispose()


def _folder() -> Path:
    return Path(tempfile.gettempdir()) / f"kangma-shapes-{os.environ[RUN]}"


def _name(shape: Shape) -> str:
    return f"shape_{shape}_{os.environ[RUN]}"


def _server() -> URL:
    return make_url(os.environ[postgres.ENVIRONMENT])


def _connected(place: URL) -> psycopg.Connection[tuple[object, ...]]:
    plain = place.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain, autocommit=True)
