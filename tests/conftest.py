"""Fixtures every folder shares: both databases, a prepared house, a clock that a test moves."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import hypothesis
import psycopg
import pytest
from sqlalchemy import create_engine, make_url, text

from service.kit.audience import speak_for
from service.kit.db import Database
from service.kit.settings import Settings
from tests import postgres
from tests.guarded_room import let_tests_look

# A push meets the same examples every time; `./run test --all` draws new ones, and more.
hypothesis.settings.register_profile("push", deadline=None, derandomize=True)
hypothesis.settings.register_profile("night", deadline=None, max_examples=300)
hypothesis.settings.load_profile("push")

_server: postgres.Server | None = None
ROLES = Path(__file__).resolve().parents[1] / "docker" / "roles.sql"
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_configure(config: pytest.Config) -> None:
    """The controlling process starts one server; xdist workers find it in their environment."""
    global _server
    if not hasattr(config, "workerinput"):
        _server = postgres.start()
        os.environ[postgres.ENVIRONMENT] = _server.url
        _make_roles(_server.url)


def _make_roles(server: str) -> None:
    """The roles of docker/roles.sql, so that every house on PostgreSQL stands behind its walls."""
    plain = make_url(server).set(drivername="postgresql")
    with psycopg.connect(plain.render_as_string(hide_password=False), autocommit=True) as opened:
        opened.execute(ROLES.read_text(encoding="utf-8").encode())


def pytest_unconfigure(config: pytest.Config) -> None:
    if _server is not None and not hasattr(config, "workerinput"):
        _server.stop()


@contextmanager
def fresh_postgres() -> Iterator[str]:
    """The URL of a new, empty database that is dropped at the end."""
    server = make_url(os.environ[postgres.ENVIRONMENT])
    name = f"t_{uuid4().hex}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    try:
        yield server.set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
        engine.dispose()


@pytest.fixture(autouse=True)
def _tests_may_look(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Statements that tests write themselves pass the guard, but for the tests of the walls."""
    if request.node.get_closest_marker("walled") is None:
        let_tests_look(monkeypatch)
        speak_for("upkeep")
    else:
        speak_for("anyone")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty data store on each of the two databases."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'kangma.db'}"
        return
    with fresh_postgres() as url:
        yield url


@pytest.fixture
def keystore_url(database_url: str, tmp_path: Path) -> Iterator[str]:
    """An empty keystore beside the data store, on the same kind of database."""
    if database_url.startswith("sqlite"):
        yield f"sqlite:///{tmp_path / 'keys.db'}"
        return
    with fresh_postgres() as url:
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An open data store with no tables yet."""
    opened = Database(database_url)
    yield opened
    opened.close()


class MovingClock:
    """A clock that stands still until a test moves it."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, step: timedelta) -> None:
        self.now += step


@pytest.fixture
def clock() -> MovingClock:
    return MovingClock(datetime(2026, 11, 20, 1, 0, tzinfo=UTC))


@pytest.fixture
def settings(database_url: str, keystore_url: str, tmp_path: Path) -> Settings:
    return Settings(
        data=tmp_path / "data",
        database_url=database_url,
        keystore_url=keystore_url,
        kek=f"file:{tmp_path / 'keys' / 'kek.json'}",
        profile="test",
    )


@pytest.fixture
def shared() -> Path:
    """The folder of real input; tests that read it skip where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the folder ../shared/data with real input is not beside this checkout")
    return SHARED
