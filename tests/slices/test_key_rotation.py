"""The root key's rotation: step by step, resumable, and two people for its end."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from consent.vocabulary import DataClass
from service.keys import rewrap, rotation, stages
from service.keys.check import every_key
from service.keys.control import Control, NotConfirmed
from service.keys.keyring import Keyring
from service.keys.keystore import Keystore
from service.keys.providers import load_root_key
from service.keys.system import SystemKeys
from service.keys.tables import destructions, key_operators, ring_keys, system_keys
from service.keys.wrapping import KeyRefused
from service.kit import dumps
from service.kit.clock import utc_now
from service.kit.passwords import Passwords
from tests.keyring_room import Room, found, place

WAIT = timedelta(seconds=300)
MOMENT = timedelta(microseconds=1)
BODY = DataClass.BODY
ANNA, BEN, EVE = "anna's long secret", "ben's long secret", "eve's long secret"


@pytest.fixture
def room(keystore_url: str, tmp_path: Path) -> Iterator[Room]:
    keystore = found(keystore_url, tmp_path)
    yield Room(keystore)
    keystore.close()


@pytest.fixture(scope="module")
def passwords() -> Iterator[Passwords]:
    made = Passwords()
    yield made
    made.close()


def advance(room: Room, later: timedelta = timedelta()) -> rotation.Step:
    room.now += later
    return rotation.advance(room.keystore, now=room.now, wait=WAIT)


def rewrapped(keystore: Keystore, batch: int = 1000) -> rewrap.Progress:
    *_, last = rewrap.rewrap(keystore, batch=batch)
    return last


def rotated(room: Room) -> None:
    """Through every step until version 1 is retired."""
    advance(room)
    advance(room, WAIT)
    rewrapped(room.keystore)
    assert advance(room, WAIT).done == "retired"


def another_process(room: Room, keystore_url: str, folder: Path) -> Keystore:
    return Keystore(keystore_url, load_root_key(f"file:{folder / 'kek' / 'kek.json'}"))


def test_a_rotation_waits_before_each_step(room: Room) -> None:
    room.resident()
    assert (advance(room).done, room.keystore.kek.primary) == ("added", 1)
    step = advance(room, WAIT - MOMENT)
    assert (step.done, room.keystore.kek.primary) == ("waiting", 1)
    assert step.not_before is not None
    assert (advance(room, MOMENT).done, room.keystore.kek.primary) == ("made-primary", 2)
    assert "rewrap" in advance(room, WAIT).next.en
    rewrapped(room.keystore)
    assert advance(room).done == "retired"
    assert advance(room).done == "added"


def test_a_version_added_before_a_crash_is_taken_up(room: Room) -> None:
    room.keystore.kek.add_version()
    assert advance(room).version == 2
    assert room.keystore.kek.versions == {1, 2}


def test_everything_opens_before_during_and_after(
    room: Room, keystore_url: str, tmp_path: Path
) -> None:
    """A process started before the rotation reads and writes to its end, and never restarts."""
    old = another_process(room, keystore_url, tmp_path)
    ids = [room.resident() for _ in range(7)]
    sealed = {one: room.vault.seal(room.own(one), BODY, place(one), b"118/76") for one in ids}
    secret = SystemKeys(room.keystore).secret("code")
    before = Room(old)

    def look() -> None:
        before.now = room.now
        fresh = before.another_process(lifetime=0.0)
        assert {fresh.open(one, before.own(who)) for who, one in sealed.items()} == {b"118/76"}
        assert SystemKeys(old).secret("code") == secret
        made = before.resident()
        assert room.another_process().class_tag(made, BODY)

    look()
    for step in (timedelta(), WAIT):
        advance(room, step)
        look()
    for _ in rewrap.rewrap(room.keystore, batch=2):
        look()
    rewrapped(room.keystore)
    assert advance(room, WAIT).done == "retired"
    look()
    with room.keystore.reading() as conn:
        assert set(stages.wrapped_by(conn)) == {2}
    old.close()


def test_a_rewrap_that_was_cut_off_goes_on_with_the_rest(room: Room) -> None:
    for _ in range(9):
        room.resident()
    SystemKeys(room.keystore).secret("code")
    advance(room)
    advance(room, WAIT)
    steps = rewrap.rewrap(room.keystore, batch=3)
    done = [next(steps).done, next(steps).done]
    assert done == [1, 4]
    steps.close()  # type: ignore[attr-defined]
    with room.keystore.reading() as conn:
        assert stages.wrapped_by(conn) == {1: 6, 2: 4}
    last = rewrapped(room.keystore, 4)
    assert (last.done, last.left, last.broken) == (6, 0, ())
    assert every_key(room.keystore).sound


def test_a_keyring_that_does_not_open_is_named_and_holds_up_nobody(room: Room) -> None:
    ids = [room.resident() for _ in range(5)]
    bad = ids[2]
    _alter(room, ring_keys, wrapped_rdek=room.keystore.load(ids[0]).wrapped_rdek, resident_id=bad)
    advance(room)
    advance(room, WAIT)
    last = rewrapped(room.keystore, 2)
    assert (last.done, last.left, last.broken) == (4, 1, (str(bad),))
    report = every_key(room.keystore)
    assert (report.sound, report.broken) == (False, [f"keyring {bad}"])
    assert advance(room, WAIT).done == "waiting"


def test_a_broken_system_key_is_named(room: Room) -> None:
    SystemKeys(room.keystore).secret("code")
    SystemKeys(room.keystore).secret("cursor")
    rows = {row.name: row for row in room.keystore.system()}
    _alter(room, system_keys, wrapped=rows["secret-cursor"].wrapped, name="secret-code")
    assert every_key(room.keystore).broken == [f"system key {rows['secret-code'].kid}"]


def test_a_process_that_missed_the_retirement_wraps_nothing_by_the_old_version(
    room: Room, keystore_url: str, tmp_path: Path
) -> None:
    """Even a provider that never looks again cannot keep a key under a version that ends."""
    late = another_process(room, keystore_url, tmp_path)
    rotated(room)
    stale = Keyring.fresh()
    ring = stale.seal(late.kek, late.deployment, room.resident())
    old = type(ring)(1, ring.wrapped_rdek, ring.sealed_document)
    with pytest.raises(stages.Outgrown):
        late.add([(room.resident(), old)], now=utc_now())
    late.close()


# -- two operators -----------------------------------------------------------------------------


def control(room: Room, passwords: Passwords) -> Control:
    made = Control(room.keystore, SystemKeys(room.keystore), passwords)
    made.add_operator("anna", ANNA, now=room.now)
    made.add_operator("ben", BEN, now=room.now)
    return made


def test_one_asks_and_another_confirms(room: Room, passwords: Passwords) -> None:
    who = room.resident()
    sealed = room.vault.seal(room.own(who), BODY, place(who), b"118/76")
    desk = control(room, passwords)
    rotated(room)
    assert desk.destroy(1, "anna", ANNA, now=room.now).approved_by is None
    assert room.keystore.kek.versions == {1, 2}
    assert desk.destroy(1, "ben", BEN, now=room.now + timedelta(hours=23)).approved_by == "ben"
    assert room.keystore.kek.versions == {2}
    assert room.another_process().open(sealed, room.own(who)) == b"118/76"
    assert every_key(room.keystore).sound
    room.keystore.refresh()


def test_nobody_confirms_for_themselves_or_with_a_wrong_secret(
    room: Room, passwords: Passwords
) -> None:
    room.resident()
    desk = control(room, passwords)
    rotated(room)
    desk.destroy(1, "anna", ANNA, now=room.now)
    for name, secret in (("anna", ANNA), ("ben", ANNA), ("nobody", BEN), ("ben", "")):
        with pytest.raises(NotConfirmed):
            desk.destroy(1, name, secret, now=room.now)
    assert room.keystore.kek.versions == {1, 2}


def test_a_request_ends_after_a_day(room: Room, passwords: Passwords) -> None:
    room.resident()
    desk = control(room, passwords)
    rotated(room)
    desk.destroy(1, "anna", ANNA, now=room.now)
    late = room.now + timedelta(hours=24)
    again = desk.destroy(1, "ben", BEN, now=late)
    assert (again.requested_by, again.approved_by) == ("ben", None)
    assert desk.destroy(1, "anna", ANNA, now=late).approved_by == "anna"


def test_a_version_in_use_is_never_destroyed(room: Room, passwords: Passwords) -> None:
    room.resident()
    desk = control(room, passwords)
    with pytest.raises(NotConfirmed, match="not-confirmed") as caught:
        desk.destroy(1, "anna", ANNA, now=room.now)
    assert "still wraps" in caught.value.sentence.en
    advance(room)
    advance(room, WAIT)
    rewrapped(room.keystore)
    with pytest.raises(NotConfirmed) as caught:
        desk.destroy(1, "anna", ANNA, now=room.now)
    assert "not retired" in caught.value.sentence.en
    advance(room, WAIT)
    desk.destroy(1, "anna", ANNA, now=room.now)
    # A restored keyring turns up under it between the two.
    _alter(room, ring_keys, kek_version=1)
    with pytest.raises(NotConfirmed):
        desk.destroy(1, "ben", BEN, now=room.now)
    assert room.keystore.kek.versions == {1, 2}


def test_a_destruction_cut_off_before_the_provider_is_finished(
    room: Room, passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.resident()
    desk = control(room, passwords)
    rotated(room)
    desk.destroy(1, "anna", ANNA, now=room.now)

    def away(_: object, version: int) -> None:
        raise KeyRefused

    with monkeypatch.context() as patch:
        patch.setattr(type(room.keystore.kek), "destroy", away)
        with pytest.raises(KeyRefused):
            desk.destroy(1, "ben", BEN, now=room.now)
    assert room.keystore.kek.versions == {1, 2}
    desk.destroy(1, "anna", ANNA, now=room.now)
    assert room.keystore.kek.versions == {2}


def test_a_third_operator_needs_two_to_vouch(room: Room, passwords: Passwords) -> None:
    desk = control(room, passwords)
    for vouchers in ({}, {"anna": ANNA}, {"anna": ANNA, "ben": ANNA}, {"anna": ANNA, "eve": EVE}):
        with pytest.raises(NotConfirmed):
            desk.add_operator("eve", EVE, now=room.now, vouchers=vouchers)
    desk.add_operator("eve", EVE, now=room.now, vouchers={"anna": ANNA, "ben": BEN})
    with pytest.raises(NotConfirmed):
        desk.add_operator("eve", EVE, now=room.now, vouchers={"anna": ANNA, "ben": BEN})


def test_rows_written_past_the_command_count_for_nothing(room: Room, passwords: Passwords) -> None:
    """Somebody with the keystore's database but not the root key invents an operator, a request."""
    room.resident()
    desk = control(room, passwords)
    rotated(room)
    mallory = {"name": "mallory", "secret_hash": passwords.hash(EVE), "added_at": room.now}
    _insert(room, key_operators, **mallory, seal=bytes(32))
    with pytest.raises(NotConfirmed):
        desk.destroy(1, "mallory", EVE, now=room.now)
    asked = {"version": 1, "requested_by": "ben", "requested_at": room.now, "seal": bytes(32)}
    _insert(room, destructions, **asked)
    assert desk.destroy(1, "anna", ANNA, now=room.now).approved_by is None
    assert room.keystore.kek.versions == {1, 2}


def _alter(room: Room, table: Any, **values: Any) -> None:
    where = [
        table.c[name] == values.pop(name) for name in ("resident_id", "name") if name in values
    ]
    with room.keystore.writing() as conn:
        conn.execute(table.update().where(*where).values(**values))


def _insert(room: Room, table: Any, **values: Any) -> None:
    with room.keystore.writing() as conn:
        conn.execute(table.insert().values(**values))


def test_a_suite_that_is_chosen_while_a_version_is_added_stays_chosen(
    room: Room, keystore_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check row of the new version names the suite as well, and the newest row decides."""
    other = another_process(room, keystore_url, tmp_path)
    refresh = room.keystore.refresh

    def meanwhile() -> None:
        refresh()
        other.choose_suite(2)

    monkeypatch.setattr(room.keystore, "refresh", meanwhile)
    assert advance(room).done == "added"
    other.close()
    fresh = another_process(room, keystore_url, tmp_path)
    assert fresh.suite == 2
    fresh.close()


def test_a_version_that_a_restored_keystore_takes_for_the_primary_is_retired(
    room: Room, keystore_url: str, tmp_path: Path
) -> None:
    """The keystore is of before the rotation, the root key of after it."""
    room.resident()
    (tmp_path / "backup").mkdir()
    file = dumps.save(keystore_url, tmp_path / "backup")
    rotated(room)
    room.keystore.close()
    dumps.restore(keystore_url, file)
    room.keystore = another_process(room, keystore_url, tmp_path)
    assert every_key(room.keystore).sound
    rewrapped(room.keystore)
    done = [advance(room, WAIT).done for _ in range(2)]
    assert done == ["made-primary", "retired"]
    with room.keystore.reading() as conn:
        assert stages.wrapped_by(conn).keys() == {2}
        known = {one.version: one.stage for one in stages.standings(conn)}
    assert known == {1: stages.RETIRED, 2: stages.PRIMARY}
    room.keystore.close()
