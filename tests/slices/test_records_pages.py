"""Lists come newest first, in whole, within the reader's classes and window."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Connection

from consent.decision import Permit
from consent.vocabulary import DataClass
from service.kit import guard
from service.kit.db import Database
from service.kit.paging import BadCursor
from service.records import actions, pages
from service.records.pages import Found, Query
from service.residents.store import Withdrawn, bump_consent
from tests.record_room import PROFILE, Home, observation, pressure


@pytest.fixture
def home(database: Database, keystore_url: str, tmp_path: Path) -> Iterator[Home]:
    made = Home(database, keystore_url, tmp_path)
    yield made
    made.keystore.close()


def keep(home: Home, resident: UUID, *entries: object) -> None:
    results = home.write(
        lambda conn: actions.log(
            conn, home.vault, home.own(conn, resident), entries, home.now, profile=PROFILE
        )
    )
    assert {one.status for one in results} == {"created"}


def walk(home: Home, resident: UUID, query: Query, limit: int) -> list[Found]:
    """Every page of a list, one after the other."""
    found: list[Found] = []
    cursor = None
    while True:

        def job(conn: Connection, after: str | None = cursor) -> pages.Page:
            permit = home.own(conn, resident)
            return pages.page(conn, home.vault, permit, query, limit=limit, cursor=after)

        page = home.read(job)
        assert len(page.items) <= limit
        found += page.items
        cursor = page.next
        if cursor is None:
            return found


def first(home: Home, permit_of: object, query: Query | None = None) -> list[Found]:
    def job(conn: Connection) -> list[Found]:
        assert callable(permit_of)
        permit: Permit = permit_of(conn)
        guard.admit(conn, permit)
        return pages.page(conn, home.vault, permit, query or Query(), limit=1000).items

    return home.read(job)


def many(home: Home, resident: UUID, count: int) -> list[datetime]:
    """Records at random minutes of few days, several at the very same instant."""
    chance = random.Random(7)
    starts = [
        home.now - timedelta(days=chance.randrange(6), minutes=chance.randrange(1400))
        for _ in range(count)
    ]
    starts[1] = starts[0]
    keep(home, resident, *[pressure(start=start.isoformat()) for start in starts])
    return sorted(starts, reverse=True)


@pytest.mark.parametrize("limit", [1, 7, 1000])
def test_pages_join_to_the_whole_list_newest_first(home: Home, limit: int) -> None:
    resident = home.resident()
    count = 25 if limit == 1 else 400
    starts = many(home, resident, count)
    found = walk(home, resident, Query(), limit)
    assert [one.record.start for one in found] == starts
    assert len({one.record.id for one in found}) == count


def test_an_empty_list_has_no_next_page(home: Home) -> None:
    assert walk(home, home.resident(), Query(), 10) == []


def test_a_span_holds_its_beginning_and_not_its_end(home: Home) -> None:
    resident = home.resident()
    noon = datetime(2026, 11, 18, 4, 0, tzinfo=UTC)
    for step in (-1, 0, 1):
        start = noon + timedelta(microseconds=step)
        keep(home, resident, pressure(start=start.isoformat()))
    before = walk(home, resident, Query(until=noon), 10)
    after = walk(home, resident, Query(since=noon), 10)
    assert len(before) == 1
    assert len(after) == 2
    assert all(one.record.start >= noon for one in after)


def test_a_kind_and_a_measure_narrow_the_list(home: Home) -> None:
    resident = home.resident()
    keep(
        home,
        resident,
        pressure(),
        observation({"body_weight": 60, "glucose_fasting": 5.5}),
        {
            "kind": "condition",
            "code": "hypertension",
            "start": "2026-01-01T00:00:00Z",
        },
    )
    assert len(walk(home, resident, Query(kind="condition"), 10)) == 1
    (weight,) = walk(home, resident, Query(measure="body_weight"), 10)
    # Only parts of the measure's class are opened for such a list.
    assert weight.record.values == {"body_weight": 60}
    (glucose,) = walk(home, resident, Query(measure="glucose_fasting"), 10)
    assert glucose.record.values == {"glucose_fasting": 5.5}


def test_a_doctor_sees_granted_classes_of_granted_days_only(home: Home) -> None:
    resident = home.resident()
    inside = observation({"body_weight": 60, "glucose_fasting": 5.5}, "2026-11-10T12:00:00+08:00")
    early = pressure(start="2026-11-09T23:59:59+08:00")
    late = pressure(start="2026-11-12T00:00:00+08:00")
    hidden = observation({"glucose_fasting": 6}, "2026-11-10T13:00:00+08:00")
    edges = [
        pressure(start="2026-11-10T00:00:00+08:00"),
        pressure(start="2026-11-11T23:59:59+08:00"),
    ]
    keep(home, resident, inside, early, late, hidden, *edges)

    def permit(conn: Connection) -> Permit:
        return home.doctor(
            conn,
            resident,
            {DataClass.BODY},
            first=date(2026, 11, 10),
            last=date(2026, 11, 11),
        )

    found = first(home, permit)
    ids = {str(one.record.id) for one in found}
    assert ids == {inside["id"], edges[0]["id"], edges[1]["id"]}
    assert all("glucose_fasting" not in one.record.values for one in found)
    # A measure outside the grant finds nothing, and does not say whether there is any.
    assert first(home, permit, Query(measure="glucose_fasting")) == []


def test_a_cursor_serves_one_owner_and_one_query(home: Home) -> None:
    resident, other = home.resident(), home.resident()
    many(home, resident, 20)
    many(home, other, 20)

    def page(who: UUID, query: Query, cursor: str | None) -> pages.Page:
        return home.read(
            lambda conn: pages.page(
                conn, home.vault, home.own(conn, who), query, limit=5, cursor=cursor
            )
        )

    cursor = page(resident, Query(), None).next
    assert cursor is not None
    assert len(page(resident, Query(), cursor).items) == 5
    changed = ("A" if cursor[10] != "A" else "B").join((cursor[:10], cursor[11:]))
    for who, query, wrong in (
        (other, Query(), cursor),
        (resident, Query(kind="observation"), cursor),
        (resident, Query(), changed),
        (resident, Query(), cursor[:-4]),
        (resident, Query(), "%%%"),
        (resident, Query(), ""),
    ):
        with pytest.raises(BadCursor):
            page(who, query, wrong)


def test_a_cursor_shows_no_time(home: Home) -> None:
    resident = home.resident()
    starts = many(home, resident, 3)
    cursor = home.read(
        lambda conn: pages.page(conn, home.vault, home.own(conn, resident), Query(), limit=1).next
    )
    assert cursor is not None
    import base64

    raw = base64.urlsafe_b64decode(cursor)
    micros = int(starts[0].timestamp() * 1_000_000).to_bytes(8, "big")
    assert micros[:4] not in raw


def test_a_withdrawn_permit_lists_nothing_not_even_an_empty_page(home: Home) -> None:
    resident = home.resident()
    permit = home.read(lambda conn: home.doctor(conn, resident, {DataClass.BODY}))
    home.write(lambda conn: bump_consent(conn, resident))
    for query in (Query(), Query(measure="glucose_fasting")):
        with pytest.raises(Withdrawn):
            first(home, lambda conn: permit, query)
