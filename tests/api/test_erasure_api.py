"""Erasing one class: its rows and keys are gone, the rest stays, and a receipt says so."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import jwt
import pytest

from consent.vocabulary import DataClass
from service.app import create
from service.appeals import store as appeals
from service.counted import grounds
from service.house import House
from service.jobs import contribute, erasures
from service.keys import rings
from service.keys.keyring import Keyring, Slot
from service.keys.rings import ClassTombstone
from service.keys.vault import Vault
from service.kit.errors import Gone
from service.kit.settings import Settings
from service.upkeep import replay
from service.upkeep.verify import verify
from tests.api.test_contributions_api import agree
from tests.api.test_contributions_api import kept as contributed
from tests.asgi import doors
from tests.conftest import MovingClock
from tests.house_room import Person, Town, town
from tests.meanwhile import Meanwhile
from tests.record_room import observation
from tests.record_room import pressure as bp
from tests.words import without_ids

BODY = "/v1/me/data-classes/body"


@pytest.fixture
def here(settings: Settings, clock: MovingClock) -> Iterator[Town]:
    with town(settings, clock) as opened:
        yield opened


def log(here: Town, who: Person, *records: dict[str, object]) -> list[dict[str, object]]:
    answer = here.doors.post("/v1/me/records", json={"records": records}, headers=who.headers)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["results"])


def kept(here: Town, who: Person) -> list[dict[str, object]]:
    items = here.doors.get("/v1/me/records", headers=who.headers).json()["items"]
    return [item["values"] for item in items]


def faults(here: Town) -> object:
    house = here.house
    return verify(house.db, house.vault, house.system.secret("statistics")).faults


MIXED = {"systolic_bp": 131, "diastolic_bp": 84, "hba1c": 5.6}


def test_the_class_is_gone_and_every_other_stays(here: Town, clock: MovingClock) -> None:
    lin, zhao = here.resident("lin"), here.resident("zhao")
    pressure, mixed = bp(171), observation(MIXED)
    log(here, lin, pressure, mixed)
    log(here, zhao, bp(118))
    level = here.doors.get("/v1/me/prompt", headers=lin.headers).json()
    clock.advance(timedelta(minutes=1))
    answer = here.doors.delete(BODY, headers=lin.headers)
    assert answer.status_code == 200, answer.text
    assert kept(here, lin) == [{"hba1c": 5.6}]
    assert len(kept(here, zhao)) == 1
    after = here.doors.get("/v1/me/prompt", headers=lin.headers).json()
    assert "171" not in without_ids(json.dumps(after))
    assert after["level"] != level["level"]
    # A device that still holds the record does not bring it back.
    (again,) = log(here, lin, pressure)
    assert (again["status"], "deleted" in json.dumps(again)) == ("rejected", True)
    assert faults(here) == ()


def test_the_receipt_is_signed_and_names_the_class(here: Town, clock: MovingClock) -> None:
    lin = here.resident("lin")
    told = here.doors.delete(BODY, headers=lin.headers).json()
    key = here.house.system.signing_key("receipt")
    issuer = here.house.settings.issuer
    claims = jwt.decode(
        told["receipt"],
        key.public,
        algorithms=["EdDSA"],
        issuer=issuer,
        options={"verify_aud": False, "verify_exp": False, "verify_iat": False},
    )
    assert (claims["event"], claims["data_class"], claims["sub"]) == (
        "class-erased",
        "body",
        lin.id,
    )
    assert claims["final_at"] == (clock() + timedelta(days=30)).isoformat()


def test_writing_the_class_later_begins_new_keys(here: Town) -> None:
    lin = here.resident("lin")
    log(here, lin, bp(171))
    before = _dek_ids(here, lin, Slot.BODY)
    here.doors.delete(BODY, headers=lin.headers)
    assert [one["status"] for one in log(here, lin, bp(118))] == ["created"]
    assert kept(here, lin) == [{"systolic_bp": 118, "diastolic_bp": 82}]
    after = _dek_ids(here, lin, Slot.BODY)
    assert after
    assert not after & before


def test_a_process_that_remembers_the_old_keys_never_seals_under_them(here: Town) -> None:
    """The other worker has opened keys for five minutes; a write through it must not be lost."""
    lin = here.resident("lin")
    log(here, lin, bp(171))
    house = here.house
    other = Vault(house.keystore, house.keystore.deployment, clock=house.clock)
    mine = house.vault
    object.__setattr__(house, "vault", other)
    log(here, lin, bp(172))
    object.__setattr__(house, "vault", mine)
    here.doors.delete(BODY, headers=lin.headers)
    object.__setattr__(house, "vault", other)
    log(here, lin, bp(119))
    object.__setattr__(house, "vault", mine)
    assert kept(here, lin) == [{"systolic_bp": 119, "diastolic_bp": 82}]
    assert faults(here) == ()


def _appealed(here: Town, who: Person) -> None:
    """Log a night and object to it."""
    (made,) = log(here, who, observation({"sleep_duration": 6.0}))
    wish = {"about": {"record": made["id"]}, "reason": "the watch was off", "for_doctor": False}
    answer = here.doors.post("/v1/me/appeals", json=wish, headers=who.headers)
    assert answer.status_code == 201, answer.text


def test_the_old_ciphertext_is_gone_and_not_broken(here: Town) -> None:
    lin = here.resident("lin")
    log(here, lin, bp(171))
    with here.beneath.connect() as conn:
        rows = conn.exec_driver_sql("SELECT * FROM record_parts").all()
    here.doors.delete(BODY, headers=lin.headers)
    mei = here.resident("mei")
    for who in (lin, mei):
        _appealed(here, who)
    _put_back(here, rows)
    answer = here.doors.get("/v1/me/records", headers=lin.headers)
    assert (answer.status_code, answer.json()["code"]) == (410, "gone")
    assert [one.fault for one in faults(here)] == ["gone"]  # type: ignore[attr-defined]
    house = here.house
    done = replay.replay(
        house.db, house.keystore, house.system.secret("statistics"), now=house.clock()
    )
    assert (done.persons, done.classes, done.rows) == (0, 1, 1)
    assert kept(here, lin) == []
    # The words of an appeal lie under the profile's key, which opens what the backup brought back.
    assert here.doors.get("/v1/me/appeals", headers=lin.headers).json()["items"] == []
    assert here.doors.get("/v1/me/appeals", headers=mei.headers).json()["items"] != []


def test_step_up_is_asked_and_the_profile_stays(here: Town, clock: MovingClock) -> None:
    lin = here.resident("lin")
    assert here.doors.delete("/v1/me/data-classes/profile", headers=lin.headers).status_code == 409
    assert here.doors.delete("/v1/me/data-classes/nothing", headers=lin.headers).status_code == 404
    clock.advance(timedelta(minutes=6))
    answer = here.doors.delete(BODY, headers=lin.headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "step-up-required")


def test_a_cut_off_erasure_is_finished_at_the_next_start(here: Town, clock: MovingClock) -> None:
    """Rows gone, keys still there: the next start destroys the keys."""
    lin = here.resident("lin")
    log(here, lin, bp(171))
    before = _dek_ids(here, lin, Slot.BODY)
    _without_burying(here, lin)
    assert before <= _dek_ids(here, lin, Slot.BODY)
    assert erasures.finish(here.house, now=clock()) == 1
    assert not before & _dek_ids(here, lin, Slot.BODY)
    assert erasures.finish(here.house, now=clock()) == 0


def test_an_erasure_that_never_committed_destroys_nothing(here: Town, clock: MovingClock) -> None:
    lin = here.resident("lin")
    log(here, lin, bp(128))
    here.house.vault.condemn(UUID(lin.id), DataClass.BODY, now=clock(), reason="cut off")
    clock.advance(erasures.GIVEN_UP + timedelta(seconds=1))
    assert erasures.finish(here.house, now=clock()) == 0
    lin = here.sign_in("lin")
    assert kept(here, lin) == [{"systolic_bp": 128, "diastolic_bp": 82}]
    assert rings.class_tombstones_of(here.house.keystore) == []


def test_an_erasure_that_is_going_on_is_finished_whoever_starts_meanwhile(
    here: Town, elsewhere: House, clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process starts before the commit, and the one that erases dies right after it."""
    lin = here.resident("lin")
    log(here, lin, bp(171))
    before = _dek_ids(here, lin, Slot.BODY)
    condemn = Vault.condemn

    def condemned(*args: Any, **more: Any) -> ClassTombstone:
        stone = condemn(*args, **more)
        assert erasures.finish(elsewhere, now=clock()) == 0
        return stone

    monkeypatch.setattr(Vault, "condemn", condemned)
    _without_burying(here, lin)
    assert before <= _dek_ids(here, lin, Slot.BODY)
    assert erasures.finish(here.house, now=clock()) == 1
    assert not before & _dek_ids(here, lin, Slot.BODY)


def test_erasing_the_person_empties_every_row_of_health(here: Town) -> None:
    lin, zhao = here.resident("lin"), here.resident("zhao")
    log(here, lin, bp(171))
    log(here, zhao, bp(118))
    here.doors.delete("/v1/me", headers=lin.headers)
    with here.beneath.connect() as conn:
        for table in ("record_parts", "latest", "prompt_now", "prompt_history", "panel_cards"):
            owners = conn.exec_driver_sql(f"SELECT DISTINCT resident_id FROM {table}").scalars()
            assert UUID(lin.id) not in {UUID(bytes=bytes(one)) for one in owners}
    assert len(kept(here, zhao)) == 1
    with pytest.raises(Gone):
        here.house.keystore.load(UUID(lin.id))


@pytest.mark.parametrize("path", ["/v1/me", BODY])
def test_a_contribution_that_is_just_being_made_goes_as_well(
    here: Town,
    elsewhere: House,
    clock: MovingClock,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
) -> None:
    """The job has made it and holds the row; the erasure begins before the job's commit."""
    lin = here.resident("lin")
    agree(here, lin)
    erasure = Meanwhile(here.beneath, lambda: here.doors.delete(path, headers=lin.headers))
    monkeypatch.setattr(grounds, "keep", erasure.before(grounds.keep))
    made = contribute.contribute(elsewhere, now=clock())
    assert made == (1, 0)
    answer = erasure.result()
    assert answer.status_code == 200, answer.text
    assert contributed(here) == []


def test_an_appeal_that_is_just_being_filed_goes_as_well(
    here: Town, elsewhere: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    lin = here.resident("lin")
    (made,) = log(here, lin, observation({"sleep_duration": 6.0}))
    wish = {"about": {"record": made["id"]}, "reason": "the watch was off", "for_doctor": True}
    erasure = Meanwhile(here.beneath, lambda: here.doors.delete("/v1/me", headers=lin.headers))
    monkeypatch.setattr(appeals, "add", erasure.before(appeals.add))
    with doors(create(elsewhere)) as there:
        filed = there.post("/v1/me/appeals", json=wish, headers=lin.headers)
    assert filed.status_code == 201, filed.text
    assert erasure.result().status_code == 200
    with here.beneath.connect() as conn:
        assert conn.exec_driver_sql("SELECT count(*) FROM appeals").scalar_one() == 0


def _dek_ids(here: Town, who: Person, slot: Slot) -> set[int]:
    keystore, resident = here.house.keystore, UUID(who.id)
    sealed = keystore.load(resident)
    ring = Keyring.open(sealed, keystore.kek, keystore.deployment, resident)
    return {entry.dek_id for entry in ring.of({slot})}


def _without_burying(here: Town, who: Person) -> None:
    """The request is cut off between its two halves."""

    def cut(*_: object) -> None:
        raise OSError("the machine went away")

    vault = here.house.vault
    vault.bury = cut  # type: ignore[method-assign]
    try:
        assert here.doors.delete(BODY, headers=who.headers).status_code == 500
    finally:
        del vault.bury


def _put_back(here: Town, rows: object) -> None:
    """What a restored backup would bring back."""
    from service.records.tables import record_parts

    fresh = [dict(row._mapping) for row in rows]  # type: ignore[attr-defined]
    for row in fresh:
        row["resident_id"] = UUID(bytes=bytes(row["resident_id"]))
        row["deleted"] = bool(row["deleted"])
    with here.beneath.execution_options(kangma_writes=True).begin() as conn:
        conn.execute(record_parts.delete())
        conn.execute(record_parts.insert(), fresh)
