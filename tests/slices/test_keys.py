"""The keystore and the vault on both databases: life and death of a keyring."""

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from sqlite3 import ProgrammingError
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, text

from consent.vocabulary import ALL_CLASSES, DataClass
from service.keys import cache
from service.keys.check import check
from service.keys.keystore import Keystore, is_founded
from service.keys.tables import keystore_metadata
from service.keys.wrapping import KeyRefused
from service.kit.engines import open_engine
from service.kit.errors import Gone, IntegrityBroken, NotFound
from tests.keyring_room import Room, file_key, found, place

NOW = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
BODY = DataClass.BODY


@pytest.fixture
def room(keystore_url: str, tmp_path: Path) -> Iterator[Room]:
    keystore = found(keystore_url, tmp_path)
    yield Room(keystore)
    keystore.close()


class Statements:
    """Counts the SELECTs on keyrings that an engine runs."""

    def __init__(self, keystore: Keystore) -> None:
        self.loads = 0
        event.listen(keystore.engine, "before_cursor_execute", self._seen)

    def _seen(self, conn: Any, cursor: Any, statement: str, *rest: Any) -> None:
        self.loads += "FROM keyrings" in statement and statement.startswith("SELECT")


def test_what_one_process_seals_another_opens(room: Room) -> None:
    one = room.resident()
    sealed = room.vault.seal(room.own(one), BODY, place(one), "72.5 公斤".encode())
    assert room.another_process().open(sealed, room.own(one)) == "72.5 公斤".encode()


def test_a_second_create_keeps_the_first_keys(room: Room) -> None:
    one = room.resident()
    sealed = room.vault.seal(room.own(one), BODY, place(one), b"first")
    room.vault.create(one)
    assert room.another_process().open(sealed, room.own(one)) == b"first"


def test_many_residents_are_created_at_once(room: Room) -> None:
    ids = [uuid4() for _ in range(1203)]
    room.vault.create_many(ids)
    assert set(room.keystore.load_many([*ids, uuid4()])) == set(ids)
    assert room.keystore.versions_in_use() == {1: 1203}


@pytest.mark.parametrize("lend", [Keystore.reading, Keystore.writing])
def test_a_look_that_outlives_the_keystore_leaves_no_line_open(
    keystore_url: str, tmp_path: Path, lend: Any
) -> None:
    """Back in a pool that was given up it would stay open for whoever serves the keystore."""
    keystore = found(keystore_url, tmp_path)
    with lend(keystore) as conn:
        line = conn.connection.driver_connection
        keystore.close()
        assert conn.execute(text("SELECT 1")).scalar() == 1
    if keystore.engine.dialect.name == "postgresql":
        assert line.closed
    else:
        with pytest.raises(ProgrammingError, match="closed"):
            line.execute("SELECT 1")


def test_an_unknown_resident_has_no_keys(room: Room) -> None:
    stranger = uuid4()
    with pytest.raises(NotFound):
        room.vault.seal(room.own(stranger), BODY, place(stranger), b"x")
    with pytest.raises(NotFound):
        room.vault.shred(stranger, now=NOW, reason="asked")


def test_preload_reads_a_panel_with_one_query(room: Room) -> None:
    ids = [uuid4() for _ in range(50)]
    room.vault.create_many(ids)
    sealed = [room.vault.seal(room.own(one), BODY, place(one), one.bytes) for one in ids]
    fresh = room.another_process()
    seen = Statements(room.keystore)
    fresh.preload(dict.fromkeys([*ids, uuid4()], 9), [BODY, DataClass.SCREENING])
    assert seen.loads == 1
    opened = [fresh.open(one, room.doctor(one.place.resident, [BODY])) for one in sealed]
    assert opened == [one.bytes for one in ids]
    fresh.preload(dict.fromkeys(ids, 9), [BODY])
    assert seen.loads == 1


def test_only_the_classes_a_permit_names_are_loaded(room: Room) -> None:
    one = room.resident()
    sealed = room.vault.seal(room.own(one), BODY, place(one), b"x")
    fresh = room.another_process()
    fresh.class_tag(one, BODY)
    assert _held(fresh, one) == set()
    fresh.open(sealed, room.doctor(one, [BODY, DataClass.LIFESTYLE]))
    assert _held(fresh, one) == {"body", "lifestyle"}
    fresh.preload({one: 9}, ["policy"])
    assert _held(fresh, one) == {"body", "lifestyle", "policy"}


def test_one_query_loads_all_that_a_permit_names(room: Room) -> None:
    one = room.resident()
    permit = room.own(one)
    places = {name: place(one) for name in DataClass}
    sealed = [room.vault.seal(permit, name, where, b"x") for name, where in places.items()]
    fresh = room.another_process()
    fresh.class_tag(one, BODY)
    seen = Statements(room.keystore)
    assert {fresh.open(each, permit) for each in sealed} == {b"x"}
    assert seen.loads == 1
    assert _held(fresh, one) == {*DataClass, "owner"}


def test_the_cache_is_bounded_and_forgets_the_least_used(room: Room) -> None:
    ids = [room.resident() for _ in range(4)]
    small = room.another_process(capacity=3)
    for one in (*ids[:3], ids[0], ids[3]):
        small.class_tag(one, BODY)
    assert len(small._cache) == 3
    assert [small._cache.get(one.int) is not None for one in ids] == [True, False, True, True]


def test_keys_are_dropped_after_their_time(room: Room) -> None:
    one = room.resident()
    hasty = room.another_process(lifetime=0.0)
    seen = Statements(room.keystore)
    for _ in range(3):
        hasty.class_tag(one, BODY)
    assert seen.loads == 3
    for _ in range(3):
        room.vault.class_tag(one, BODY)
    assert seen.loads == 4


def test_keys_that_nobody_asks_for_again_are_swept_out(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = 1000.0
    monkeypatch.setattr(cache, "time", SimpleNamespace(monotonic=lambda: moment))
    earlier, later = room.resident(), room.resident()
    fresh = room.another_process()
    for one in (earlier, later):
        moment += 10
        drops = fresh.drops
        fresh.class_tag(one, BODY)
        fresh.keep_opened(one, "grants", "opened", drops=drops)
    moment = 1010 + cache.LIFETIME - 0.1
    fresh.sweep()
    assert set(fresh._cache._kept) == {earlier.int, later.int}
    moment = 1010 + cache.LIFETIME
    fresh.sweep()
    assert set(fresh._cache._kept) == set(fresh._cache._beside) == {later.int}
    assert fresh.opened(later, "grants") == "opened"
    # Loaded anew, the keys stay; what the older ones opened does not.
    moment += 5
    fresh.preload({later: 9}, [BODY])
    moment = 1020 + cache.LIFETIME
    fresh.sweep()
    assert set(fresh._cache._kept) == {later.int}
    assert not fresh._cache._beside


def test_forget_drops_one_resident(room: Room) -> None:
    one, other = room.resident(), room.resident()
    for resident in (one, other):
        room.vault.class_tag(resident, BODY)
    room.vault.forget(one)
    assert room.vault._cache.get(one.int) is None
    assert room.vault._cache.get(other.int) is not None


def test_a_shredded_resident_never_opens_and_others_do(room: Room) -> None:
    one, other = room.resident(), room.resident()
    kept = {
        who: room.vault.seal(room.own(who), BODY, place(who), who.bytes) for who in (one, other)
    }
    stone = room.vault.shred(one, now=NOW, reason="asked")
    assert (stone.resident, stone.at, stone.reason, len(stone.hash)) == (one, NOW, "asked", 32)
    for vault in (room.vault, room.another_process()):
        with pytest.raises(Gone):
            vault.open(kept[one], room.own(one))
        with pytest.raises(Gone):
            vault.class_tag(one, BODY)
        assert vault.open(kept[other], room.own(other)) == other.bytes


def test_shredding_twice_gives_the_same_tombstone(room: Room) -> None:
    one = room.resident()
    first = room.vault.shred(one, now=NOW, reason="asked")
    later = NOW + timedelta(days=1)
    assert room.vault.shred(one, now=later, reason="again") == first
    assert room.keystore.tombstones() == [first]


def test_an_erased_resident_is_not_created_again(room: Room) -> None:
    one, other = room.resident(), uuid4()
    room.vault.shred(one, now=NOW, reason="asked")
    with pytest.raises(Gone):
        room.vault.create_many([other, one])
    with pytest.raises(NotFound):
        room.vault.class_tag(other, BODY)


def test_a_keyring_from_an_old_backup_stays_closed(room: Room) -> None:
    one = room.resident()
    sealed = room.vault.seal(room.own(one), BODY, place(one), b"x")
    row = room.keystore.load(one)
    room.vault.shred(one, now=NOW, reason="asked")
    with room.keystore.engine.execution_options(kangma_writes=True).begin() as conn:
        tables = keystore_metadata.tables
        back = {"resident_id": one, "sealed_document": row.sealed_document}
        key = {"kek_version": row.kek_version, "wrapped_rdek": row.wrapped_rdek}
        conn.execute(tables["keyrings"].insert().values(back))
        conn.execute(tables["ring_keys"].insert().values(resident_id=one, **key))
    with pytest.raises(Gone):
        room.another_process().open(sealed, room.own(one))
    fresh = room.another_process()
    fresh.preload({one: 9}, [BODY])
    assert fresh._cache.get(one.int) is None
    report = check(room.keystore)
    assert (report.revenants, report.sound) == (1, False)
    room.vault.shred(one, now=NOW, reason="replay")
    assert check(room.keystore).revenants == 0


def test_a_load_that_races_an_erasure_leaves_nothing_cached(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = room.resident()
    load = room.keystore.load

    def slow(resident: UUID) -> Any:
        row = load(resident)
        monkeypatch.setattr(room.keystore, "load", load)
        room.vault.shred(one, now=NOW, reason="asked")
        return row

    monkeypatch.setattr(room.keystore, "load", slow)
    with pytest.raises(Gone):
        room.vault.class_tag(one, BODY)
    assert room.vault._cache.get(one.int) is None


def test_threads_share_one_vault(room: Room) -> None:
    ids = [room.resident() for _ in range(6)]
    permits = {one: room.own(one) for one in ids}
    shared = room.another_process(capacity=3)
    wrong: list[object] = []

    def work(seed: int) -> None:
        try:
            for turn in range(60):
                one = ids[(seed * 5 + turn) % len(ids)]
                data_class = sorted(ALL_CLASSES)[(seed + turn) % len(ALL_CLASSES)]
                here = place(one, row=turn, revision=seed)
                sealed = shared.seal(permits[one], data_class, here, here.row)
                if turn % 7 == 0:
                    shared.forget(one)
                if shared.open(sealed, permits[one]) != here.row:
                    wrong.append(here)
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_days_and_tags_agree_between_processes(room: Room) -> None:
    one, day = room.resident(), date(2026, 11, 20)
    fresh = room.another_process()
    assert room.vault.unshift_day(one, fresh.shift_day(one, day)) == day
    assert room.vault.measure_tag(one, "bp") == fresh.measure_tag(one, "bp")
    assert room.vault.row_key(one, "a") == fresh.row_key(one, "a") != fresh.row_key(one, "b")
    other = room.resident()
    assert room.vault.class_tag(one, BODY) != room.vault.class_tag(other, BODY)


def test_an_altered_keyring_harms_nobody_else(room: Room) -> None:
    one, other = room.resident(), room.resident()
    _rewrite(room, one, room.keystore.load(other).sealed_document)
    with pytest.raises(IntegrityBroken):
        room.vault.class_tag(one, BODY)
    assert room.vault.class_tag(other, BODY)
    report = check(room.keystore)
    assert (report.sampled, report.unreadable, report.sound) == (2, 1, False)


def test_a_wrong_root_key_is_refused(room: Room, keystore_url: str, tmp_path: Path) -> None:
    for versions, word in (({1: b"w" * 32}, "does not fit"), ({2: b"w" * 32}, "lacks version 1")):
        wrong = file_key(tmp_path, versions, next(iter(versions)))
        with pytest.raises(KeyRefused) as caught:
            Keystore(keystore_url, wrong)
        assert word in caught.value.sentence.en


def test_an_unfounded_keystore_is_refused(keystore_url: str, tmp_path: Path) -> None:
    kek = file_key(tmp_path, {1: bytes(32)}, 1)
    for _ in range(2):
        with pytest.raises(KeyRefused, match="kangma init"):
            Keystore(keystore_url, kek)
        engine = open_engine(keystore_url)
        keystore_metadata.create_all(engine)
        engine.dispose()
    assert not is_founded(keystore_url)
    Keystore.found(keystore_url, kek).close()
    assert is_founded(keystore_url)
    with pytest.raises(KeyRefused, match="exists already"):
        Keystore.found(keystore_url, kek)


def test_a_new_version_of_the_root_key_joins_the_old(keystore_url: str, tmp_path: Path) -> None:
    old, new = {1: b"1" * 32}, {1: b"1" * 32, 2: b"2" * 32}
    first = Keystore.found(keystore_url, file_key(tmp_path, old, 1))
    before = Room(first)
    one = before.resident()
    sealed = before.vault.seal(before.own(one), BODY, place(one), b"old")
    second = Keystore(keystore_url, file_key(tmp_path, new, 2))
    after = Room(second)
    other = after.resident()
    assert after.vault.open(sealed, after.own(one)) == b"old"
    assert second.versions_in_use() == {1: 1, 2: 1}
    assert other in second.load_many([other])
    with pytest.raises(KeyRefused, match="lacks version 2"):
        Keystore(keystore_url, file_key(tmp_path, old, 1))
    first.close()
    second.close()


def test_check_reports_a_sound_keystore(room: Room) -> None:
    room.resident()
    report = check(room.keystore)
    assert report.sound
    assert (report.primary, report.versions, report.keyrings) == (1, [1], {1: 1})
    assert (report.sampled, report.unreadable, report.tombstones, report.revenants) == (1, 0, 0, 0)


def test_errors_of_the_keystore_print_no_key(room: Room) -> None:
    row = room.keystore.load(room.resident())
    with (
        pytest.raises(Exception, match="nowhere") as caught,
        room.keystore.engine.connect() as conn,
    ):
        conn.execute(text("SELECT :key FROM nowhere"), {"key": row.wrapped_rdek.hex()})
    assert row.wrapped_rdek.hex() not in str(caught.value)


def _held(vault: Any, resident: UUID) -> set[str]:
    return {str(slot) for slot in vault._cache.get(resident.int).loaded()}


def _rewrite(room: Room, resident: UUID, document: bytes) -> None:
    table = keystore_metadata.tables["keyrings"]
    with room.keystore.engine.execution_options(kangma_writes=True).begin() as conn:
        conn.execute(
            table.update().where(table.c.resident_id == resident).values(sealed_document=document)
        )
