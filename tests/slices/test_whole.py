"""All of a resident a piece at a time, on both databases: each thing once, whatever moves."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, text

from consent.vocabulary import DataClass
from service.domain.vocabulary.measures import MEASURES
from service.kit.db import Database
from service.kit.errors import IntegrityBroken
from service.records import actions, series, whole
from service.records.pages import Found
from service.records.whole import Stretch
from service.residents.store import Withdrawn
from tests.record_room import PROFILE, Home, observation

RATE = MEASURES["heart_rate"]


@pytest.fixture
def home(database: Database, keystore_url: str, tmp_path: Path) -> Iterator[Home]:
    room = Home(database, keystore_url, tmp_path)
    yield room
    room.keystore.close()


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    # Odd, so that a piece ends between the two parts of a record.
    monkeypatch.setattr(whole, "PARTS", 13)
    monkeypatch.setattr(whole, "FRAMES", 4)


def mixed(day: int = 1, **more: Any) -> dict[str, Any]:
    """A record with values of two classes: two parts."""
    start = f"2026-10-{1 + day % 30:02}T08:{day // 30:02}:00+08:00"
    return observation({"body_weight": 60 + day % 7, "hba1c": 5.4}, start, **more)


def pieces(
    home: Home, resident: UUID, between: Callable[[int], None] | None = None
) -> list[Stretch[Found, bytes]]:
    """All pieces; what is done `between` them is done by others."""
    found: list[Stretch[Found, bytes]] = []
    after: bytes | None = whole.FIRST_KEY
    while after is not None:
        if between is not None:
            between(len(found))
        found.append(home.read(following(home, resident, after)))
        after = found[-1].after
    return found


def following(
    home: Home, resident: UUID, after: bytes
) -> Callable[[Connection], Stretch[Found, bytes]]:
    return lambda conn: whole.records(conn, home.vault, home.own(conn, resident), after=after)


def records(found: list[Stretch[Found, bytes]]) -> list[Any]:
    return [one.record for stretch in found for one in stretch.items]


@pytest.mark.parametrize("count", [0, 1, 6, 7, 8, 40])
def test_every_record_comes_once_and_whole(home: Home, count: int) -> None:
    lin, wei = home.resident(), home.resident()
    sent = [mixed(n) for n in range(count)]
    if sent:
        home.log(lin, *sent)
    home.log(wei, mixed())
    found = pieces(home, lin)
    assert sorted(str(one.id) for one in records(found)) == sorted(one["id"] for one in sent)
    assert {len(one.values) for one in records(found)} <= {2}
    assert max(len(stretch.items) for stretch in found) <= whole.PARTS / 2


def test_what_moves_or_goes_meanwhile_is_met_at_most_once(home: Home) -> None:
    """By days, those that move to a day already passed would be missed, and others met twice."""
    lin = home.resident()
    sent = [mixed(n) for n in range(30)]
    home.log(lin, *sent)
    added: list[dict[str, Any]] = []

    def meanwhile(piece: int) -> None:
        moved = [{**one, "start": f"2026-0{1 + piece}-02T08:00:00+08:00"} for one in sent[:20]]
        added.append(mixed(piece))
        home.log(lin, *moved, added[-1])
        if piece == 1:
            home.write(lambda conn: drop(home, conn, lin, UUID(sent[29]["id"])))

    met = [str(one.id) for one in records(pieces(home, lin, meanwhile))]
    assert len(met) == len(set(met))
    there = {one["id"] for one in sent[:29]}
    assert there <= set(met) <= {one["id"] for one in [*sent, *added]}


def drop(home: Home, conn: Connection, resident: UUID, record: UUID) -> None:
    permit = home.own(conn, resident)
    _, rev = actions.get(conn, home.vault, permit, record)
    actions.delete(conn, home.vault, permit, record, if_match=rev)


def test_a_permit_shows_its_own_classes_only(home: Home) -> None:
    lin = home.resident()
    home.log(lin, *[mixed(n) for n in range(9)])
    found = home.read(
        lambda conn: whole.records(
            conn, home.vault, home.own(conn, lin, frozenset({DataClass.BODY}))
        )
    )
    assert {tuple(one.record.values) for one in found.items} == {("body_weight",)}


def test_a_withdrawn_permit_reads_nothing_more(home: Home) -> None:
    """Each piece asks for the revision again, as every statement on records does."""
    lin = home.resident()
    home.log(lin, *[mixed(n) for n in range(9)])

    def stale(conn: Connection) -> None:
        permit = home.own(conn, lin)
        bump = "UPDATE resident_state SET consent_revision = consent_revision + 1"
        conn.execute(text(bump))
        for read in (
            lambda: whole.records(conn, home.vault, permit),
            lambda: whole.days_of(conn, home.vault, permit, RATE),
        ):
            with pytest.raises(Withdrawn):
                read()

    home.write(stale)


def test_an_altered_part_is_never_passed_over(home: Home) -> None:
    lin = home.resident()
    home.log(lin, *[mixed(n) for n in range(20)])
    swap = (
        "UPDATE record_parts SET sealed = (SELECT sealed FROM record_parts WHERE resident_id = :id"
        " ORDER BY record_key, class_tag LIMIT 1) WHERE resident_id = :id AND record_key ="
        " (SELECT record_key FROM record_parts WHERE resident_id = :id"
        " ORDER BY record_key DESC LIMIT 1)"
    )
    with home.database.engine.begin() as conn:
        # A row of somebody who writes beneath the service; wall 3 does not look there.
        conn.connection.cursor().execute(*_of_driver(conn, swap, lin))
    with pytest.raises(IntegrityBroken):
        pieces(home, lin)


def _of_driver(conn: Connection, statement: str, resident: UUID) -> tuple[str, Any]:
    mark = "%s" if conn.dialect.name == "postgresql" else "?"
    times = statement.count(":id")
    return statement.replace(":id", mark), (resident.bytes,) * times


def wear(home: Home, resident: UUID, *days: tuple[date, int]) -> None:
    """So many samples on each day."""
    entries = [
        {
            "measure": "heart_rate",
            "day": day.isoformat(),
            "t": list(range(n)),
            # Without a pattern, so that a long day needs many frames.
            "v": [60 + t * t * 7919 % 97 for t in range(n)],
        }
        for day, n in days
    ]
    home.write(
        lambda conn: series.append(
            conn, home.vault, home.own(conn, resident), entries, home.now, profile=PROFILE
        )
    )


def days(home: Home, resident: UUID) -> list[tuple[date | None, int]]:
    found: list[tuple[date | None, int]] = []
    after: int | None = whole.FIRST_DAY
    while after is not None:
        at = after

        def read(conn: Connection, at: int = at) -> Any:
            return whole.days_of(conn, home.vault, home.own(conn, resident), RATE, after=at)

        stretch = home.read(read)
        found += [(one.day, one.samples.t.size) for one in stretch.items]
        after = stretch.after
    return found


def test_every_day_of_samples_comes_once_and_whole(home: Home) -> None:
    """Also one that fills many frames, between days of one."""
    lin, first = home.resident(), date(2026, 11, 1)
    assert days(home, lin) == []
    kept = [(first + timedelta(days=n), 86_400 if n == 3 else n + 1) for n in range(9)]
    for one in kept:
        wear(home, lin, one)
    with home.database.engine.connect() as conn:
        frames = conn.execute(text("SELECT COUNT(*) FROM series_days")).scalar_one()
    assert frames > len(kept) + whole.FRAMES
    assert days(home, lin) == kept
    assert days(home, home.resident()) == []


def test_samples_of_a_class_that_is_not_permitted_stay_closed(home: Home) -> None:
    lin = home.resident()
    wear(home, lin, (date(2026, 11, 1), 3))
    found = home.read(
        lambda conn: whole.days_of(
            conn, home.vault, home.own(conn, lin, frozenset({DataClass.LIFESTYLE})), RATE
        )
    )
    assert found == Stretch((), None)


def test_keys_are_met_in_one_order_on_both_databases(home: Home) -> None:
    lin = home.resident()
    home.log(lin, *[mixed(n, id=str(uuid4())) for n in range(40)])
    found = pieces(home, lin)
    keys = [
        home.vault.row_key(lin, str(one.record.id)) for stretch in found for one in stretch.items
    ]
    assert keys == sorted(keys)
