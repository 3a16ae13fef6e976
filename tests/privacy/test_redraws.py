"""Rolling the dice again: every draw shows in ledger and manifest, and a void gives nothing back.

Bugs it would catch: a voided release that comes out after all, a charge that a void hands back, a
redraw under a plan that costs more than was charged, attempts that reset or stay hidden.
"""

import json
import threading
from collections.abc import Iterator

import pytest

from service.domain.anonymity import noise
from service.domain.anonymity.count import Tally
from service.domain.anonymity.specification import current, parse
from service.kit.db import Database
from service.kit.errors import Conflict
from service.releases import actions, store, views
from service.releases.calendar import due
from tests.city_room import (
    NOW,
    SIGNER,
    People,
    contribute,
    make_tables,
    publish_here,
    someone,
    universe,
)

RELEASE = "monthly-2026-11"
COST = current().release_nano_rho(current().cadence("monthly"))
BUDGETS = {"lifetime": COST, "year:2026": COST}
(PERIOD,) = due(current(), today=NOW.date(), as_of=None, profile="test", cadence="monthly")


class Killed(Exception):
    pass


@pytest.fixture
def db(database: Database) -> Iterator[Database]:
    make_tables(database)
    contribute(database, [(str(number), someone(number)) for number in range(50)])
    return database


def _die(db: Database, times: int) -> None:
    def dying(*_: object) -> None:
        raise Killed

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(noise, "draw", dying)
        for _ in range(times):
            with pytest.raises(Killed):
                publish_here(db, cadence="monthly")


def _shown(db: Database) -> tuple[str, int, int]:
    """What the city reads of the only charge: state, attempts, billionths of rho."""
    (charge,) = json.loads(db.read(views.budget))["charges"]
    return charge["state"], charge["attempts"], charge["amount"]["nano_rho"]


def _spent(db: Database) -> dict[str, int]:
    return {entry.scope: entry.spent_nano_rho for entry in db.read(store.all_budgets)}


def test_the_city_sees_every_attempt_before_and_after_the_release(db: Database) -> None:
    _die(db, 2)
    assert _shown(db) == ("charged", 2, COST)
    made = publish_here(db, cadence="monthly")
    assert json.loads(made.manifest)["attempt"] == 3
    (listed,) = json.loads(db.read(views.listed))["items"]
    assert listed["attempt"] == 3
    for _ in range(3):
        assert publish_here(db, cadence="monthly") == made
    assert _shown(db) == ("published", 3, COST)
    assert _spent(db) == BUDGETS


def test_a_void_keeps_charge_and_attempts_and_ends_the_release(db: Database) -> None:
    _die(db, 2)
    assert db.write(lambda conn: actions.void(conn, release_id=RELEASE, now=NOW))
    assert not db.write(lambda conn: actions.void(conn, release_id=RELEASE, now=NOW))
    for _ in range(2):
        with pytest.raises(Conflict):
            publish_here(db, cadence="monthly")
    assert _shown(db) == ("voided", 2, COST)
    assert _spent(db) == BUDGETS
    assert db.read(store.latest) is None


def test_a_release_voided_while_it_is_drawn_does_not_come_out(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever voids after a look at the draw must not find it published afterwards."""
    whole = noise.draw

    def voided_meanwhile(*arguments):  # type: ignore[no-untyped-def]
        assert db.write(lambda conn: actions.void(conn, release_id=RELEASE, now=NOW))
        return whole(*arguments)

    monkeypatch.setattr(noise, "draw", voided_meanwhile)
    with pytest.raises(Conflict) as refused:
        publish_here(db, cadence="monthly")
    assert refused.value.code == "release-voided"
    assert db.read(store.latest) is None
    assert _shown(db) == ("voided", 1, COST)


def test_a_void_during_the_insert_waits_and_finds_the_release(
    db: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = store.add_artifact
    other = Database(database_url)
    told: list[bool] = []

    def void() -> None:
        told.append(other.write(lambda conn: actions.void(conn, release_id=RELEASE, now=NOW)))

    thread = threading.Thread(target=void)

    def inserting(*arguments):  # type: ignore[no-untyped-def]
        whole(*arguments)
        thread.start()
        thread.join(0.3)

    monkeypatch.setattr(store, "add_artifact", inserting)
    publish_here(db, cadence="monthly")
    thread.join()
    other.close()
    assert told == [False]
    assert _shown(db) == ("published", 1, COST)


def test_a_dearer_plan_is_not_drawn_under_an_old_charge(db: Database) -> None:
    """The plan changed between the crash and the second attempt; the charge did not."""
    _die(db, 1)
    old = (b"share = 0.05\n", b"share = 0.18\n")
    new = (b"share = 0.10\n", b"share = 0.13\n")
    source = current().source
    for was, becomes in zip(old, new, strict=True):
        assert source.count(was) == 1
        source = source.replace(was, becomes)
    dearer = parse(source)
    assert dearer.release_nano_rho(dearer.cadence("monthly")) > COST
    plan = universe(specification=dearer, cadence="monthly")

    def tally() -> Tally:
        return People.random(plan, 10).tally

    with pytest.raises(Conflict):
        actions.publish(db, universe=plan, tally=tally, signer=SIGNER, period=PERIOD, now=NOW)
    assert db.read(store.latest) is None
    assert _shown(db) == ("charged", 1, COST)
