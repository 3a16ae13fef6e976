"""Records are kept once, part by part, and nothing of what was amended or deleted stays."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, func, select, text, update

from consent.decision import Permit
from consent.vocabulary import DataClass
from service.keys.vault import PermitLacksClass
from service.kit.db import Database
from service.kit.errors import IntegrityBroken, NotFound, Stale
from service.records import actions, parts, store
from service.records.plan import Result
from service.records.tables import record_parts
from service.residents.store import Withdrawn, bump_consent, state
from tests.guarded_room import carrying
from tests.record_room import PROFILE, Home, observation, pressure


@pytest.fixture
def home(database: Database, keystore_url: str, tmp_path: Path) -> Iterator[Home]:
    made = Home(database, keystore_url, tmp_path)
    yield made
    made.keystore.close()


def keep(home: Home, resident: UUID, *entries: object) -> list[Result]:
    return home.write(
        lambda conn: actions.log(
            conn, home.vault, home.own(conn, resident), entries, home.now, profile=PROFILE
        )
    )


def parts_of(home: Home, resident: UUID) -> list[tuple[bytes, bool, bytes]]:
    query = select(record_parts.c.class_tag, record_parts.c.deleted, record_parts.c.sealed)
    found = home.read(
        lambda conn: conn.execute(query.where(record_parts.c.resident_id == resident)).all()
    )
    return [(bytes(tag), bool(deleted), bytes(sealed)) for tag, deleted, sealed in found]


def rev_of(home: Home, resident: UUID) -> int:
    found = home.read(lambda conn: state(conn, resident))
    assert found is not None
    return found.rev


def test_a_record_comes_back_as_it_was_sent(home: Home) -> None:
    resident = home.resident()
    sent = pressure(note="早餐前")
    (result,) = keep(home, resident, sent)
    assert result.status == "created"

    record, rev = home.read(
        lambda conn: actions.get(conn, home.vault, home.own(conn, resident), UUID(sent["id"]))
    )
    assert rev == result.rev
    assert record.values == {"systolic_bp": 128, "diastolic_bp": 82}
    assert record.note == "早餐前"
    assert record.start.isoformat() == "2026-11-20T00:00:00+00:00"


def test_the_same_upload_again_changes_nothing_at_all(home: Home) -> None:
    resident = home.resident()
    sent = [pressure(), observation({"body_weight": 61.5})]
    keep(home, resident, *sent)
    before = (rev_of(home, resident), parts_of(home, resident))
    again = keep(home, resident, *sent)
    assert [one.status for one in again] == ["unchanged", "unchanged"]
    assert {one.rev for one in again} == {before[0]}
    assert (rev_of(home, resident), parts_of(home, resident)) == before


def test_one_call_takes_the_counter_once(home: Home) -> None:
    resident = home.resident()
    before = rev_of(home, resident)
    results = keep(home, resident, *[pressure(120 + n) for n in range(5)])
    assert rev_of(home, resident) == before + 1
    assert {one.rev for one in results} == {before + 1}


def test_a_bad_record_is_rejected_with_its_place_and_harms_no_other(home: Home) -> None:
    resident = home.resident()
    good, bad = pressure(), pressure(70, 90)
    results = keep(home, resident, good, bad, 7, {"kind": "observation"})
    assert [one.status for one in results] == ["created", "rejected", "rejected", "rejected"]
    assert results[1].id == UUID(bad["id"])
    assert all(one.faults and one.code == "invalid" for one in results[1:])
    places = {fault.pointer for fault in results[1].faults}
    assert places == {"/records/1/values/systolic_bp"} or all(
        place.startswith("/records/1/values/") for place in places
    )
    assert len(parts_of(home, resident)) == 1


def test_the_same_id_twice_in_one_batch_ends_as_the_last_one(home: Home) -> None:
    resident = home.resident()
    first = pressure(128)
    results = keep(home, resident, first, first, {**first, "values": {"systolic_bp": 150}})
    assert [one.status for one in results] == ["created", "unchanged", "updated"]
    assert len({one.rev for one in results}) == 1
    record, _ = home.read(
        lambda conn: actions.get(conn, home.vault, home.own(conn, resident), UUID(first["id"]))
    )
    assert record.values == {"systolic_bp": 150}


def test_an_amendment_keeps_nothing_of_the_old_parts(home: Home) -> None:
    resident = home.resident()
    sent = observation({"body_weight": 61.5, "glucose_fasting": 5.4})
    keep(home, resident, sent)
    assert len(parts_of(home, resident)) == 2
    old = {sealed for _, _, sealed in parts_of(home, resident)}
    (result,) = keep(home, resident, {**sent, "values": {"body_weight": 62}})
    assert result.status == "updated"
    now = parts_of(home, resident)
    assert len(now) == 1
    assert not old & {sealed for _, _, sealed in now}


def test_a_deleted_record_leaves_an_empty_tombstone_and_its_id_stays_used(home: Home) -> None:
    resident = home.resident()
    sent = observation({"body_weight": 61.5, "glucose_fasting": 5.4})
    (result,) = keep(home, resident, sent)
    record_id = UUID(sent["id"])
    assert result.rev is not None
    rev = result.rev

    def remove(conn: Connection) -> None:
        actions.delete(conn, home.vault, home.own(conn, resident), record_id, if_match=rev)

    home.write(remove)
    assert parts_of(home, resident) == [(bytes(8), True, b"")]
    with pytest.raises(NotFound):
        home.read(lambda conn: actions.get(conn, home.vault, home.own(conn, resident), record_id))
    with pytest.raises(NotFound):
        home.write(remove)
    (again,) = keep(home, resident, sent)
    assert (again.status, again.code) == ("rejected", "deleted")
    assert parts_of(home, resident) == [(bytes(8), True, b"")]


def test_put_and_delete_need_the_current_revision(home: Home) -> None:
    resident = home.resident()
    sent = pressure()
    (result,) = keep(home, resident, sent)
    assert result.rev is not None
    rev = result.rev
    record_id = UUID(sent["id"])

    def put(conn: Connection, if_match: int, systolic: int) -> Result:
        return actions.put(
            conn,
            home.vault,
            home.own(conn, resident),
            record_id,
            {**sent, "values": {"systolic_bp": systolic}},
            home.now,
            profile=PROFILE,
            if_match=if_match,
        )

    with pytest.raises(Stale):
        home.write(lambda conn: put(conn, rev - 1, 130))
    newer = home.write(lambda conn: put(conn, rev, 130))
    assert newer.rev == rev + 1
    with pytest.raises(Stale):
        home.write(lambda conn: put(conn, rev, 140))
    with pytest.raises(Stale):
        home.write(
            lambda conn: actions.delete(
                conn, home.vault, home.own(conn, resident), record_id, if_match=rev
            )
        )
    assert rev_of(home, resident) == rev + 1


def test_a_reader_of_fewer_classes_gets_the_record_without_those_values(home: Home) -> None:
    resident = home.resident()
    sent = observation({"body_weight": 61.5, "glucose_fasting": 5.4, "phq9_total": 4})
    keep(home, resident, sent)
    record_id = UUID(sent["id"])

    def values(conn: Connection, *classes: DataClass) -> dict[str, object]:
        permit = home.doctor(conn, resident, classes)
        return dict(actions.get(conn, home.vault, permit, record_id)[0].values)

    assert home.read(lambda conn: values(conn, DataClass.BODY)) == {"body_weight": 61.5}
    assert home.read(lambda conn: values(conn, DataClass.BODY, DataClass.SCREENING)) == {
        "body_weight": 61.5,
        "glucose_fasting": 5.4,
    }
    # A record of which no part is visible does not exist for that reader.
    with pytest.raises(NotFound):
        home.read(lambda conn: values(conn, DataClass.LIFESTYLE))


def test_a_writer_of_fewer_classes_neither_adds_nor_overwrites_the_others(home: Home) -> None:
    resident = home.resident()
    mixed = observation({"body_weight": 61.5, "glucose_fasting": 5.4})
    keep(home, resident, mixed)
    body = frozenset({DataClass.BODY, DataClass.PROFILE})

    def log(conn: Connection, *entries: object) -> list[Result]:
        permit = home.own(conn, resident, body)
        return actions.log(conn, home.vault, permit, entries, home.now, profile=PROFILE)

    before = parts_of(home, resident)
    results = home.write(
        lambda conn: log(
            conn,
            observation({"glucose_fasting": 5.4}),
            {**mixed, "values": {"body_weight": 70}},
        )
    )
    assert [(one.status, one.code) for one in results] == [("rejected", "not-permitted")] * 2
    assert parts_of(home, resident) == before


def test_after_a_withdrawal_no_statement_runs_under_the_old_permit(home: Home) -> None:
    resident = home.resident()
    sent = pressure()
    (result,) = keep(home, resident, sent)
    record_id = UUID(sent["id"])
    permit: Permit = home.read(lambda conn: home.own(conn, resident))
    home.write(lambda conn: bump_consent(conn, resident))
    rev = result.rev or 0

    with pytest.raises(Withdrawn):
        home.read(carrying(permit, lambda conn: actions.get(conn, home.vault, permit, record_id)))
    with pytest.raises(Withdrawn):
        home.write(
            carrying(
                permit,
                lambda conn: actions.log(
                    conn, home.vault, permit, [pressure()], home.now, profile=PROFILE
                ),
            )
        )
    with pytest.raises(Withdrawn):
        home.write(
            carrying(
                permit,
                lambda conn: actions.delete(conn, home.vault, permit, record_id, if_match=rev),
            )
        )
    assert len(parts_of(home, resident)) == 1


def test_a_part_opens_only_in_its_own_row(home: Home) -> None:
    resident = home.resident()
    one, two = pressure(120), pressure(160)
    keep(home, resident, one, two)
    key_one = home.vault.row_key(resident, one["id"])
    key_two = home.vault.row_key(resident, two["id"])

    def swap(conn: Connection) -> None:
        sealed = dict(
            conn.execute(
                select(record_parts.c.record_key, record_parts.c.sealed).where(
                    record_parts.c.resident_id == resident
                )
            ).all()
        )
        for to, other in ((key_one, key_two), (key_two, key_one)):
            conn.execute(
                update(record_parts)
                .where(record_parts.c.record_key == to)
                .values(sealed=sealed[other])
            )

    home.write(swap)
    with pytest.raises(IntegrityBroken):
        home.read(
            lambda conn: actions.get(conn, home.vault, home.own(conn, resident), UUID(one["id"]))
        )


def test_rows_show_neither_ids_nor_times_nor_values(home: Home) -> None:
    resident = home.resident()
    sent = pressure(137, 91, note="canary 金丝雀")
    keep(home, resident, sent)
    row = home.read(
        lambda conn: conn.execute(
            select(record_parts).where(record_parts.c.resident_id == resident)
        ).one()
    )
    dump = b"|".join(
        bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
        for value in row
    )
    record_id = UUID(sent["id"])
    for canary in (record_id.bytes, sent["id"].encode(), b"2026-11-20", "金丝雀".encode()):
        assert canary not in dump
    assert abs(row.day - home.now.date().toordinal()) > 1


def test_a_permit_that_expired_opens_nothing(home: Home) -> None:
    resident = home.resident()
    sent = pressure()
    keep(home, resident, sent)
    permit = home.read(lambda conn: home.own(conn, resident))
    home.now += timedelta(days=1)
    with pytest.raises(Exception, match="expired"):
        home.read(
            carrying(permit, lambda conn: actions.get(conn, home.vault, permit, UUID(sent["id"])))
        )


def test_another_residents_permit_finds_nothing(home: Home) -> None:
    one, two = home.resident(), home.resident()
    sent = pressure()
    keep(home, one, sent)
    with pytest.raises(NotFound):
        home.read(lambda conn: actions.get(conn, home.vault, home.own(conn, two), UUID(sent["id"])))


def test_a_thousand_records_go_in_and_are_found_by_key(home: Home) -> None:
    resident = home.resident()
    batch = [observation({"body_weight": 60 + n % 30}) for n in range(1000)]
    assert {one.status for one in keep(home, resident, *batch)} == {"created"}
    assert {one.status for one in keep(home, resident, *batch)} == {"unchanged"}
    assert len(parts_of(home, resident)) == 1000


def test_two_processes_that_send_the_same_records_create_each_once(
    home: Home, database_url: str
) -> None:
    resident = home.resident()
    sent = [pressure(110 + n) for n in range(12)]
    before = rev_of(home, resident)
    other = Database(database_url)

    def job(entry: object) -> Callable[[Connection], list[Result]]:
        return lambda conn: actions.log(
            conn, home.vault, home.own(conn, resident), [entry], home.now, profile=PROFILE
        )

    def send(database: Database) -> list[Result]:
        return [database.write(job(entry))[0] for entry in sent]

    try:
        with ThreadPoolExecutor(2) as pool:
            both = list(pool.map(send, (home.database, other)))
    finally:
        other.close()
    statuses = sorted(one.status for results in both for one in results)
    assert statuses == ["created"] * 12 + ["unchanged"] * 12
    assert {one.rev for one in both[0]} == {one.rev for one in both[1]}
    assert rev_of(home, resident) == before + 12
    assert len(parts_of(home, resident)) == 12


def test_record_ids_of_two_residents_do_not_meet(home: Home) -> None:
    one, two = home.resident(), home.resident()
    sent = pressure()
    assert keep(home, one, sent)[0].status == "created"
    assert keep(home, two, sent)[0].status == "created"
    total = home.read(
        lambda conn: conn.execute(select(func.count(record_parts.c.rev.distinct()))).scalar()
    )
    assert total is not None
    keys = home.read(
        lambda conn: conn.execute(text("SELECT record_key FROM record_parts")).scalars().all()
    )
    assert len({bytes(key) for key in keys}) == 2


def test_an_unopened_class_stays_closed(home: Home) -> None:
    resident = home.resident()
    sent = observation({"phq9_total": 4})
    keep(home, resident, sent)

    def open_anyway(conn: Connection) -> None:
        permit = home.doctor(conn, resident, {DataClass.BODY})
        key = home.vault.row_key(resident, sent["id"])
        rows = store.existing(conn, permit, [key])[key]
        parts.open_record(home.vault, permit, rows)

    with pytest.raises(PermitLacksClass):
        home.read(open_anyway)


def test_an_id_is_made_when_none_is_sent(home: Home) -> None:
    resident = home.resident()
    sent = pressure()
    del sent["id"]
    (result,) = keep(home, resident, sent)
    assert isinstance(result.id, UUID)
    assert result.id != uuid4()
