"""Failed passwords on both databases: charged before they are looked at, held back, given back."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from service import migrations
from service.identity import actions, attempts, store
from service.kit.db import Database
from service.kit.engines import open_engine

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
TAG = bytes(range(16))
HOME, ELSEWHERE = "198.51.100.7", "203.0.113.9"


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    engine = open_engine(database_url)
    migrations.upgrade("data", engine)
    engine.dispose()
    opened = Database(database_url)
    yield opened
    opened.close()


def charge(db: Database, now: datetime = NOW, address: str = HOME, tag: bytes = TAG) -> float:
    held = db.write(lambda conn: attempts.charge(conn, tag, address, now))
    return 0.0 if held is None else held.total_seconds()


def tried(db: Database, times: int, address: str = HOME) -> None:
    for _ in range(times):
        assert charge(db, address=address) == 0


def test_some_tries_are_free_and_then_the_waits_double_up_to_a_bound(db: Database) -> None:
    tried(db, attempts.PLACE.free)
    now, waits = NOW, []
    for _ in range(13):
        wait = charge(db, now)
        waits.append(wait)
        now += timedelta(seconds=wait)
        assert charge(db, now) == 0
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]


def test_waiting_longer_is_not_punished(db: Database) -> None:
    tried(db, attempts.PLACE.free)
    for _ in range(20):
        assert charge(db) == 1
    assert charge(db, NOW + timedelta(seconds=1)) == 0


def test_a_guesser_elsewhere_slows_the_owner_down_by_half_a_minute_at_most(db: Database) -> None:
    """Nobody is locked out: that is the difference between a back-off and a lock."""
    now = NOW
    for _ in range(100):
        now += timedelta(seconds=charge(db, now, ELSEWHERE))
        charge(db, now, ELSEWHERE)
    wait = charge(db, now, HOME)
    assert 0 < wait <= attempts.NAME.longest.total_seconds()
    assert charge(db, now + timedelta(seconds=wait), HOME) == 0


def test_a_guesser_with_many_addresses_is_held_back_all_the_same(db: Database) -> None:
    passed = sum(charge(db, address=f"203.0.113.{number}") == 0 for number in range(200))
    assert passed == attempts.NAME.free


def test_a_right_password_gives_every_try_back(db: Database) -> None:
    tried(db, attempts.PLACE.free)
    db.write(lambda conn: attempts.settle(conn, TAG, HOME))
    tried(db, attempts.PLACE.free)
    assert charge(db) == 1


def test_names_are_counted_apart(db: Database) -> None:
    tried(db, attempts.PLACE.free)
    assert charge(db) > 0
    assert charge(db, tag=bytes(16)) == 0


def test_a_name_that_was_left_alone_begins_anew(db: Database) -> None:
    tried(db, attempts.PLACE.free)
    later = NOW + attempts.FORGOTTEN + timedelta(seconds=1)
    for _ in range(attempts.PLACE.free):
        assert charge(db, later) == 0
    assert charge(db, later) == 1


def test_a_hundred_guesses_at_once_count_as_a_hundred(db: Database, database_url: str) -> None:
    """Two processes, many requests: none looks at a password on a count that is out of date."""
    other = Database(database_url)
    try:
        with ThreadPoolExecutor(16) as pool:
            both = [db, other] * 30
            waits = list(pool.map(charge, both))
    finally:
        other.close()
    assert waits.count(0.0) == attempts.PLACE.free


def test_something_that_came_once_does_not_come_again(db: Database, database_url: str) -> None:
    """A proof that is replayed to another process at the same moment passes in one of them."""
    other = Database(database_url)
    digest, until = bytes(32), NOW + timedelta(minutes=1)

    def use(one: Database) -> bool:
        return one.write(lambda conn: store.use_once(conn, digest, until))

    try:
        with ThreadPoolExecutor(8) as pool:
            assert sorted(pool.map(use, [db, other] * 8)) == [False] * 15 + [True]
    finally:
        other.close()


def test_what_no_longer_matters_is_dropped(db: Database) -> None:
    tried(db, 1)
    db.write(lambda conn: store.use_once(conn, bytes(32), NOW))
    assert db.write(lambda conn: actions.tidy(conn, NOW)) == 0
    assert db.write(lambda conn: actions.tidy(conn, NOW + timedelta(hours=2))) == 3
    assert db.write(lambda conn: store.use_once(conn, bytes(32), NOW)) is True
