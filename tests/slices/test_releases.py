"""Publishing on both databases: charged once, drawn once, the same bytes ever after."""

import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from threading import Barrier, BrokenBarrierError

import pytest
from sqlalchemy import Connection, insert, update
from sqlalchemy.exc import IntegrityError

from service.domain.anonymity import noise
from service.domain.anonymity.specification import current
from service.kit.db import Database
from service.kit.errors import Conflict, IntegrityBroken
from service.releases import actions, artifact, store
from service.releases.calendar import due
from service.releases.tables import artifacts, attempts, budgets, charges
from tests.city_room import (
    NOW,
    SIGNER,
    contribute,
    make_tables,
    publish_here,
    someone,
    universe,
)

COST = current().release_nano_rho(current().cadence("annual"))


@pytest.fixture
def db(database: Database) -> Iterator[Database]:
    make_tables(database)
    contribute(database, [(str(number), someone(number)) for number in range(300)])
    return database


def _latest(db: Database) -> store.Artifact:
    found = db.read(store.latest)
    assert found is not None
    return found


def test_the_same_period_is_the_same_release(db: Database) -> None:
    first = publish_here(db)
    contribute(db, [(str(number), someone(number)) for number in range(300, 600)])
    again = publish_here(db, as_of=date(2026, 3, 1), now=NOW + timedelta(days=9))
    assert again == first
    assert len(db.read(store.ledger)) == 1
    assert db.read(lambda conn: store.attempt_of(conn, "annual-2026")) == 1


def test_the_artifact_is_signed_and_names_its_table(db: Database) -> None:
    publish_here(db)
    kept = _latest(db)
    signed = artifact.verify(kept.signature, kept.public_key, csv_content=kept.csv)
    assert signed == json.loads(kept.manifest)
    assert signed["release_id"] == "annual-2026"
    assert signed["table"]["sha256"] == kept.csv_sha256
    assert signed["specification"]["sha256"] == current().sha256
    assert signed["attempt"] == 1
    assert signed["privacy"]["epsilon"] <= 1
    tables = [family["metric"] for family in signed["families"]]
    assert tables == ["participation", *(metric.id for metric in current().metrics)]
    assert {family["level"] for family in signed["families"]} <= {"city", "district"}


def test_any_changed_byte_breaks_the_signature(db: Database) -> None:
    publish_here(db)
    kept = _latest(db)
    with pytest.raises(IntegrityBroken):
        artifact.verify(kept.signature, kept.public_key, csv_content=kept.csv + b" ")
    header, payload, seal = kept.signature.split(".")
    forged = f"{header}.{payload[:-4]}AAAA.{seal}"
    with pytest.raises(IntegrityBroken):
        artifact.verify(forged, kept.public_key)
    with pytest.raises(IntegrityBroken):
        artifact.verify(kept.signature, bytes(range(32)))


def test_a_specification_signature_is_no_release_signature(db: Database) -> None:
    publish_here(db)
    signed = db.read(lambda conn: store.specification(conn, current().sha256))
    assert signed is not None
    key = artifact.raw_public_key(SIGNER)
    with pytest.raises(IntegrityBroken):
        artifact.verify(signed.signature, key)


def test_releases_form_a_chain(db: Database) -> None:
    for year in (2026, 2027, 2028):
        publish_here(db, as_of=date(year, 12, 31))
    assert db.read(actions.verify_chain) == 3
    kept = [
        db.read(lambda conn, y=year: store.artifact(conn, f"annual-{y}"))
        for year in (2026, 2027, 2028)
    ]
    assert [one.previous_sha256 for one in kept] == [
        None,
        kept[0].manifest_sha256,
        kept[1].manifest_sha256,
    ]
    with pytest.raises(IntegrityBroken):
        artifact.verify(kept[2].signature, kept[2].public_key, previous=kept[0].manifest)


def test_a_tampered_release_is_found(db: Database) -> None:
    publish_here(db)
    altered = update(artifacts).values(csv=_latest(db).csv.replace(b"all,all", b"all,ALL", 1))
    db.write(lambda conn: conn.execute(altered).rowcount)
    with pytest.raises(IntegrityBroken):
        db.read(actions.verify_chain)


def test_two_years_have_their_own_budgets_and_share_a_lifetime(db: Database) -> None:
    publish_here(db, as_of=date(2026, 12, 31))
    publish_here(db, as_of=date(2027, 12, 31))
    spent = {entry.scope: entry.spent_nano_rho for entry in db.read(store.all_budgets)}
    assert spent == {"year:2026": COST, "year:2027": COST, "lifetime": 2 * COST}


def test_a_spent_year_refuses_another_release(db: Database) -> None:
    def spend_all(conn):  # type: ignore[no-untyped-def]
        store.open_budget(conn, "year:2026", current().budget.year_nano_rho)
        return store.spend(conn, "year:2026", current().budget.year_nano_rho - COST + 1)

    assert db.write(spend_all)
    with pytest.raises(Conflict) as refused:
        publish_here(db)
    assert refused.value.code == "budget-spent"
    assert db.read(store.ledger) == []
    assert db.read(store.latest) is None
    budget = {entry.scope: entry.spent_nano_rho for entry in db.read(store.all_budgets)}
    assert budget["year:2026"] == current().budget.year_nano_rho - COST + 1


def test_the_database_itself_keeps_the_caps(db: Database) -> None:
    """A charge that slips past the code is refused by SQL."""
    publish_here(db)
    year = budgets.c.scope == "year:2026"
    over = [
        update(budgets).where(year).values(spent_nano_rho=budgets.c.cap_nano_rho + 1),
        update(budgets).where(year).values(spent_nano_rho=-1),
        update(budgets).where(year).values(cap_nano_rho=60_000_000),
        insert(charges).values(
            release_id="x",
            scope="year:2026",
            nano_rho=20_000_000,
            cap_nano_rho=14_973_000,
            specification_sha256="",
            charged_at=NOW,
        ),
        insert(charges).values(
            release_id="x",
            scope="year:1999",
            nano_rho=1,
            cap_nano_rho=1,
            specification_sha256="",
            charged_at=NOW,
        ),
        insert(attempts).values(release_id="x", attempt=1, started_at=NOW),
        insert(artifacts).values(**(_latest(db)._asdict() | {"release_id": "x", "sequence": 2})),
    ]
    for statement in over:
        with pytest.raises(IntegrityError):
            db.write(lambda conn, s=statement: conn.execute(s).rowcount)


def test_two_publishers_at_once_make_one_release(db: Database) -> None:
    other = Database(db.engine.url.render_as_string(hide_password=False))
    try:
        with ThreadPoolExecutor(4) as pool:
            runs = [pool.submit(publish_here, (db, other)[number % 2]) for number in range(4)]
            results = [run.result() for run in runs]
    finally:
        other.close()
    assert all(result == results[0] for result in results)
    assert len(db.read(store.ledger)) == 1
    spent = {entry.spent_nano_rho for entry in db.read(store.all_budgets)}
    assert spent == {COST}


def test_noise_is_drawn_once_whoever_publishes_meanwhile(
    db: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process begins while this one draws: it ends meanwhile, or it waits."""
    other = Database(database_url)
    runs: list[Future[store.Artifact]] = []
    drawn = []
    draw = noise.draw

    with ThreadPoolExecutor(1) as pool:

        def drawing(*arguments):  # type: ignore[no-untyped-def]
            drawn.append(arguments)
            if not runs:
                runs.append(pool.submit(publish_here, other))
                wait(runs, 1.0)
            return draw(*arguments)

        monkeypatch.setattr(noise, "draw", drawing)
        made = publish_here(db)
    other.close()
    assert runs[0].result() == made
    ((_, attempts, published),) = db.read(store.ledger)
    assert (len(drawn), attempts, published) == (1, 1, True)
    assert json.loads(made.manifest)["attempt"] == 1


def test_three_publishers_of_other_releases_make_one_chain(
    db: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has read which release is the last one before any of them keeps its own."""
    all_there = Barrier(3)
    latest = store.latest

    def met(conn: Connection) -> store.Artifact | None:
        found = latest(conn)
        with suppress(BrokenBarrierError):
            all_there.wait(1.0)
        return found

    monkeypatch.setattr(store, "latest", met)
    others = [Database(database_url) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        cadences = ("monthly", "quarterly", "communities")
        runs = [
            pool.submit(publish_here, other, cadence=cadence)
            for other, cadence in zip(others, cadences, strict=True)
        ]
        made = {run.result().sequence for run in runs}
    for other in others:
        other.close()
    assert made == {1, 2, 3}
    assert db.read(actions.verify_chain) == 3
    assert [attempts for _, attempts, _ in db.read(store.ledger)] == [1, 1, 1]


def test_a_voided_release_stays_charged_and_is_never_made(db: Database) -> None:
    def charge(conn):  # type: ignore[no-untyped-def]
        (period,) = due(current(), today=NOW.date(), as_of=None, profile="test", cadence="annual")
        return actions.charge(conn, universe(), period, NOW)

    assert db.write(charge) == 1
    assert db.write(lambda conn: actions.void(conn, release_id="annual-2026", now=NOW))
    with pytest.raises(Conflict) as refused:
        publish_here(db)
    assert refused.value.code == "release-voided"
    assert db.read(store.all_budgets)[0].spent_nano_rho == COST


def test_a_published_release_cannot_be_voided(db: Database) -> None:
    publish_here(db)
    assert not db.write(lambda conn: actions.void(conn, release_id="annual-2026", now=NOW))


JANUARY = ["monthly-2026-12", "quarterly-2026-q4", "communities-2026", "annual-2026"]


@pytest.mark.parametrize(
    ("day", "as_of", "expected"),
    [
        ("2026-12-31", None, []),
        ("2027-01-01", None, JANUARY),
        ("2027-01-10", None, JANUARY),
        ("2027-01-11", None, JANUARY[1:]),
        ("2027-01-15", None, JANUARY[1:]),
        ("2027-01-16", None, JANUARY[2:]),
        ("2027-01-31", None, JANUARY[2:]),
        ("2027-02-01", None, ["monthly-2027-01"]),
        ("2026-04-01", None, ["monthly-2026-03", "quarterly-2026-q1"]),
        ("2028-03-02", None, ["monthly-2028-02"]),
        ("2026-06-15", None, []),
        ("2027-01-05", "2026-12-31", JANUARY),
        ("2027-01-05", "2027-01-05", []),
        ("2027-01-05", "2025-12-31", []),
    ],
)
def test_production_follows_the_calendar(day: str, as_of: str | None, expected: list[str]) -> None:
    today = date.fromisoformat(day)
    chosen = date.fromisoformat(as_of) if as_of else None
    if not expected:
        with pytest.raises(Conflict):
            due(current(), today=today, as_of=chosen, profile="production")
        return
    found = due(current(), today=today, as_of=chosen, profile="production")
    assert [period.release_id for period in found] == expected
    assert all(period.cut_off < today for period in found)


def test_each_day_of_a_year_has_its_releases_and_each_release_once() -> None:
    """Whoever publishes daily makes 12 + 4 + 1 + 1 releases a year, each within its window."""
    seen: dict[str, int] = {}
    for number in range(365):
        today = date(2027, 2, 1) + timedelta(days=number)
        try:
            found = due(current(), today=today, as_of=None, profile="production")
        except Conflict:
            continue
        for period in found:
            seen[period.release_id] = seen.get(period.release_id, 0) + 1
    assert len(seen) == 18
    windows = {cadence.id: cadence.window_days for cadence in current().cadences}
    for release_id, days in seen.items():
        assert days <= windows[release_id.split("-")[0]]


def test_all_cadences_are_published_and_cost_the_year_together(db: Database) -> None:
    for month in range(1, 13):
        publish_here(db, cadence=None, as_of=date(2026, month, 28))
    kept = [release_id for release_id, _, _ in db.read(store.manifests)]
    assert len(kept) == len(set(kept)) == 18
    spent = {entry.scope: entry.spent_nano_rho for entry in db.read(store.all_budgets)}
    assert spent["year:2026"] == current().year_nano_rho <= current().budget.year_nano_rho
    assert db.read(actions.verify_chain) == 18


def test_production_refuses_a_chosen_day_before_counting(db: Database) -> None:
    with pytest.raises(Conflict):
        publish_here(db, profile="production", now=datetime(2026, 6, 1, tzinfo=UTC))
    assert db.read(store.all_budgets) == []


def test_a_city_of_nobody_is_published_like_any_other(database: Database) -> None:
    make_tables(database)
    publish_here(database)
    rows = artifact.read_csv(_latest(database).csv)
    full = [row for row in rows if row["metric"] == "participation"]
    assert len(full) == 6 * 15
    assert any(row["measured"] for row in full)


def test_a_city_without_regions_is_refused_with_a_sentence(db: Database) -> None:
    with pytest.raises(Conflict) as refused:
        publish_here(db, region_tree=[])
    assert refused.value.code == "no-regions"
    assert db.read(store.all_budgets) == []
