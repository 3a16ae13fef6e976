"""The budget is charged before noise is drawn, whatever happens in between, on both databases."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from service.domain.anonymity import noise
from service.domain.anonymity.specification import current
from service.kit.db import Database
from service.kit.errors import Conflict
from service.releases import actions, artifact, store
from tests.city_room import contribute, make_tables, publish_here, someone

ROOT = Path(__file__).resolve().parents[2]
COST = current().release_nano_rho(current().cadence("annual"))
STEPS = {
    # name -> (module, function, killed before or after it ran, attempts charged, published)
    "before-charge": ("actions", "charge", "before", 0, False),
    "charge-uncommitted": ("store", "add_attempt", "after", 0, False),
    "before-draw": ("actions", "make_rows", "before", 1, False),
    "after-draw": ("actions", "make_rows", "after", 1, False),
    "before-insert": ("store", "add_artifact", "before", 1, False),
    "insert-uncommitted": ("store", "add_artifact", "after", 1, False),
}
KILLED = 41
SCRIPT = """
import os, sys
from service.kit.db import Database
from service.releases import actions, store
from tests.city_room import publish_here
url, module, name, when = sys.argv[1:]
place = {"actions": actions, "store": store}[module]
whole = getattr(place, name)
def dying(*args, **options):
    if when == "after":
        whole(*args, **options)
    os._exit(41)
setattr(place, name, dying)
publish_here(Database(url))
"""


@pytest.fixture
def db(database: Database) -> Iterator[Database]:
    make_tables(database)
    contribute(database, [(str(number), someone(number)) for number in range(50)])
    return database


def _spent(db: Database) -> dict[str, int]:
    return {entry.scope: entry.spent_nano_rho for entry in db.read(store.all_budgets)}


@pytest.mark.parametrize("step", STEPS)
def test_a_killed_publisher_leaves_nothing_uncharged_and_nothing_twice(
    db: Database, database_url: str, step: str
) -> None:
    module, name, when, attempts, published = STEPS[step]
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT, database_url, module, name, when], cwd=ROOT, timeout=120
    )
    assert ran.returncode == KILLED
    assert db.read(lambda conn: store.attempt_of(conn, "annual-2026")) == attempts
    assert (db.read(store.latest) is not None) == published
    assert _spent(db) == ({"year:2026": COST, "lifetime": COST} if attempts else {})
    publish_here(db)
    kept = db.read(store.latest)
    assert kept is not None
    assert json.loads(kept.manifest)["attempt"] == attempts + 1
    assert _spent(db) == {"year:2026": COST, "lifetime": COST}
    assert db.read(actions.verify_chain) == 1


class Killed(Exception):
    pass


def test_every_redraw_is_counted_and_shown(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def dying(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(noise, "draw", dying)
        for _ in range(3):
            with pytest.raises(Killed):
                publish_here(db)
    publish_here(db)
    kept = db.read(store.latest)
    assert kept is not None
    assert artifact.verify(kept.signature, kept.public_key)["attempt"] == 4
    assert _spent(db) == {"year:2026": COST, "lifetime": COST}
    ((charge, attempts, published),) = db.read(store.ledger)
    assert (charge.nano_rho, attempts, published) == (COST, 4, True)


def test_no_noise_is_drawn_before_the_charge_is_committed(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = noise.draw
    seen: list[int] = []

    def watching(*arguments):  # type: ignore[no-untyped-def]
        # Another connection sees only what is committed.
        charge = db.read(lambda conn: store.charge_of(conn, "annual-2026"))
        assert charge is not None
        seen.append(charge.nano_rho)
        return whole(*arguments)

    monkeypatch.setattr(noise, "draw", watching)
    publish_here(db)
    publish_here(db)
    assert seen == [COST]


def test_a_refused_charge_draws_nothing(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(conn):  # type: ignore[no-untyped-def]
        store.open_budget(conn, "lifetime", 5)
        return store.spend(conn, "lifetime", 5)

    def never(*_: object) -> None:
        pytest.fail("noise was drawn without a charge")

    assert db.write(full)
    monkeypatch.setattr(noise, "draw", never)
    with pytest.raises(Conflict):
        publish_here(db)
    assert _spent(db) == {"lifetime": 5}


def test_the_sum_of_all_charges_never_exceeds_the_caps(db: Database) -> None:
    for year in range(2026, 2030):
        publish_here(db, as_of=date(year, 12, 31))
    by_scope: dict[str, int] = {}
    for charge, _, _ in db.read(store.ledger):
        by_scope[charge.scope] = by_scope.get(charge.scope, 0) + charge.nano_rho
    for entry in db.read(store.all_budgets):
        charged = sum(by_scope.values()) if entry.scope == "lifetime" else by_scope[entry.scope]
        assert charged == entry.spent_nano_rho <= entry.cap_nano_rho
