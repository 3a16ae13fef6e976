"""Fixtures every folder shares: both databases, a prepared house, a clock that a test moves."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import hypothesis
import pytest

from service import house
from service.api import edge
from service.kit.audience import speak_for
from service.kit.db import Database
from service.kit.passwords import Passwords
from service.kit.settings import Settings
from tests import databases, postgres
from tests.databases import (
    BACKUP,
    OWNER,
    Shape,
    as_login,
    keystore_postgres,
    lay,
    postgres_database,
    walled_postgres,
)
from tests.guarded_room import let_tests_look

# A push meets the same examples every time; `./run test --all` draws new ones, and more.
# Neither looks at the clock: on a busy machine drawing examples takes what it takes.
unhurried = hypothesis.settings(
    deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.register_profile("push", unhurried, derandomize=True)
hypothesis.settings.register_profile("night", unhurried, max_examples=300)
hypothesis.settings.load_profile("push")

# Houses of tests hash passwords cheaply: every person made costs two hashes of 30 ms and more. The
# true cost is held by tests/slices/test_identity.py, and test_indistinguishable.py takes it back.
house.Passwords = partial(Passwords, memory_kib=64, passes=1)  # type: ignore[misc, assignment]
# They do not wait for the beat of refusals either; test_alike_in_time.py takes that back.
edge.BEAT = 0.0

_server: postgres.Server | None = None
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_configure(config: pytest.Config) -> None:
    """The controlling process starts one server; xdist workers find it in their environment."""
    global _server
    if not hasattr(config, "workerinput"):
        _server = postgres.start()
        databases.prepare(_server.url)


def pytest_unconfigure(config: pytest.Config) -> None:
    if _server is not None and not hasattr(config, "workerinput"):
        databases.finish()
        _server.stop()


@pytest.fixture(autouse=True)
def _tests_may_look(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Statements that tests write themselves pass the guard, but for the tests of the walls."""
    if request.node.get_closest_marker("walled") is None:
        let_tests_look(monkeypatch)
        speak_for("upkeep")
    else:
        speak_for("anyone")


@pytest.fixture(params=["sqlite", "postgresql"])
def dialect(request: pytest.FixtureRequest) -> str:
    """Each of the two databases."""
    kind: str = request.param
    return kind


@pytest.fixture
def database_url(request: pytest.FixtureRequest, dialect: str, tmp_path: Path) -> Iterator[str]:
    """A data store, as whoever may do anything in it. Empty unless the test has it opened."""
    shape: Shape | None = "tables" if "database" in request.fixturenames else None
    if dialect == "sqlite":
        file = tmp_path / "kangma.db"
        if shape:
            lay(shape, file)
        yield f"sqlite:///{file}"
        return
    with postgres_database(shape) as url:
        yield url


@pytest.fixture
def keystore_url(dialect: str, tmp_path: Path) -> Iterator[str]:
    """A keystore beside the data store, on the same kind of database; nothing is founded in it."""
    if dialect == "sqlite":
        lay("keystore", tmp_path / "keys.db")
        yield f"sqlite:///{tmp_path / 'keys.db'}"
        return
    with keystore_postgres() as url:
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An open data store with every table, and no walls."""
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
def settings(dialect: str, tmp_path: Path) -> Iterator[Settings]:
    """Settings of a house; on PostgreSQL it is behind wall 4, as a login that owns nothing."""
    with ExitStack() as stack:
        yield Settings(
            data=tmp_path / "data",
            kek=f"file:{tmp_path / 'keys' / 'kek.json'}",
            profile="test",
            **stores(dialect, stack),
        )


def stores(dialect: str, stack: ExitStack) -> dict[str, str]:
    """The settings that say where both stores are: in the folder of the data, or on PostgreSQL."""
    if dialect == "sqlite":
        return {}
    desk, keys = stack.enter_context(walled_postgres()), stack.enter_context(keystore_postgres())
    return {
        "database_url": desk,
        "owner_url": as_login(desk, OWNER),
        "backup_url": as_login(desk, BACKUP),
        "keystore_url": keys,
    }


@pytest.fixture
def shared() -> Path:
    """The folder of real input; tests that read it skip where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the folder ../shared/data with real input is not beside this checkout")
    return SHARED
