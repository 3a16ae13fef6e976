"""Upkeep of keys, erasures and the log while people and other processes go on, or die."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import jwt
import pytest

from consent.vocabulary import DataClass
from service.audit import actions as audit
from service.audit import store as audit_store
from service.jobs import backup, checkpoint, erasures, renewal
from service.keys import inspection, rings
from service.keys.keyring import Keyring
from service.kit.settings import Settings
from service.upkeep.verify import verify
from tests.api.test_audit import CHECK_MINE
from tests.conftest import MovingClock
from tests.doctor_room import sign
from tests.house_room import Person, Town, town
from tests.meanwhile import ONE_WRITER
from tests.record_room import pressure

BODY = "/v1/me/data-classes/body"


@pytest.fixture
def here(settings: Settings, clock: MovingClock) -> Iterator[Town]:
    with town(settings, clock) as opened:
        yield opened


def log(doors: Any, who: Person, record: dict[str, Any]) -> None:
    answer = doors.post("/v1/me/records", json={"records": [record]}, headers=who.headers)
    assert [one["status"] for one in answer.json()["results"]] == ["created"], answer.text


def kept(doors: Any, who: Person) -> list[int]:
    answer = doors.get("/v1/me/records", headers=who.headers)
    assert answer.status_code == 200, answer.text
    return sorted(item["values"]["systolic_bp"] for item in answer.json()["items"])


def ring_of(here: Town, who: UUID) -> set[int]:
    keystore = here.house.keystore
    ring = Keyring.open(keystore.load(who), keystore.kek, keystore.deployment, who)
    return set(ring.slots())


def faults(here: Town) -> list[tuple[str, str]]:
    house = here.house
    seen = verify(house.db, house.vault, house.system.secret("statistics"))
    return sorted((one.table, one.fault) for one in seen.faults)


def test_a_late_resealing_keeps_what_yesterdays_backup_lies_under(
    settings: Settings, clock: MovingClock, tmp_path: Path
) -> None:
    """The rows were sealed anew long after the new keys were begun: backups are younger."""
    with town(settings, clock) as here:
        log(here.doors, here.resident("lin"), pressure(131))
        renewal.begin(here.house, None, None, internal=False, now=clock())
        clock.advance(timedelta(days=settings.backup_days + 1))
        backup.save(settings, tmp_path / "backup", keystore=False)
        *_, last = renewal.reseal(here.house, now=clock())
        assert last.sealed > 0
        clock.advance(timedelta(days=settings.backup_days - 1))
        list(renewal.reseal(here.house, now=clock()))
    backup.restore(settings, tmp_path / "backup", keystore=False, shut=False)
    with town(settings, clock) as here:
        assert faults(here) == []
        assert kept(here.doors, here.sign_in("lin")) == [131]


def test_an_erasure_that_never_came_is_not_finished_by_a_resealing(
    here: Town, clock: MovingClock
) -> None:
    """It died before its commit; then everything was moved away from its keys, as if it had."""
    lin = UUID(here.resident("lin").id)
    renewal.begin(here.house, None, None, internal=False, now=clock())
    clock.advance(timedelta(minutes=6))
    stone = here.house.vault.condemn(lin, DataClass.BODY, now=clock(), reason="cut off")
    list(renewal.reseal(here.house, now=clock()))
    assert erasures.finish(here.house, now=clock()) == 0
    # Backups lie under them.
    assert stone.doomed <= ring_of(here, lin)


def test_an_export_has_its_proof_whoever_makes_a_checkpoint_meanwhile(
    here: Town, clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    if here.beneath.dialect.name == "sqlite":
        pytest.skip(ONE_WRITER)
    lin, zhou = here.resident("lin"), here.doctor()
    sign(here, lin, zhou, "body")
    look = f"/v1/doctor/patients/{lin.id}/records"
    assert here.doors.get(look, headers=zhou.headers).status_code == 200
    assert checkpoint.make(here.house, now=clock()) is not None
    bucket_at = audit_store.bucket_at

    def meanwhile(*args: Any) -> Any:
        monkeypatch.setattr(audit_store, "bucket_at", bucket_at)
        assert here.doors.get(look, headers=zhou.headers).status_code == 200
        assert checkpoint.make(here.house, now=clock()) is not None
        return bucket_at(*args)

    monkeypatch.setattr(audit_store, "bucket_at", meanwhile)
    answer = here.doors.get("/v1/me/access-log/export", headers=lin.headers)
    claims = jwt.decode(answer.json()["export"], options={"verify_signature": False})
    assert claims["proof"] is not None


def test_an_export_has_every_entry_that_its_proof_knows_of(
    here: Town, clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody looks while it is made, and a checkpoint covers the look."""
    if here.beneath.dialect.name == "sqlite":
        pytest.skip(ONE_WRITER)
    lin, zhou = here.resident("lin"), here.doctor()
    sign(here, lin, zhou, "body")
    look = f"/v1/doctor/patients/{lin.id}/records"
    page = audit.page

    def then(*args: Any, **more: Any) -> Any:
        found = page(*args, **more)
        monkeypatch.setattr(audit, "page", page)
        assert here.doors.get(look, headers=zhou.headers).status_code == 200
        assert checkpoint.make(here.house, now=clock()) is not None
        return found

    assert here.doors.get(look, headers=zhou.headers).status_code == 200
    monkeypatch.setattr(audit, "page", then)
    answer = here.doors.get("/v1/me/access-log/export", headers=lin.headers)
    jwks = here.doors.get("/.well-known/jwks.json").json()
    CHECK_MINE(answer.json()["export"], jwks)


def test_verification_finds_no_fault_in_what_was_erased_meanwhile(
    here: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    if here.beneath.dialect.name == "sqlite":
        pytest.skip(ONE_WRITER)
    lin = here.resident("lin")
    log(here.doors, lin, pressure(131))
    look = inspection.look

    def meanwhile(*args: Any) -> Any:
        monkeypatch.setattr(inspection, "look", look)
        assert here.doors.delete(BODY, headers=lin.headers).status_code == 200
        return look(*args)

    monkeypatch.setattr(inspection, "look", meanwhile)
    assert faults(here) == []


def test_a_class_that_could_not_be_erased_once_can_be_later(here: Town, clock: MovingClock) -> None:
    """Every attempt dies before its commit and leaves new keys on the ring."""
    lin = here.resident("lin")
    log(here.doors, lin, pressure(131))
    for _ in range(2):
        for _ in range(5):
            here.house.vault.condemn(UUID(lin.id), DataClass.BODY, now=clock(), reason="cut off")
            clock.advance(erasures.GIVEN_UP + timedelta(seconds=1))
            erasures.finish(here.house, now=clock())
        clock.advance(timedelta(minutes=6))
        list(renewal.reseal(here.house, now=clock()))
        clock.advance(timedelta(days=here.house.settings.backup_days + 1))
        list(renewal.reseal(here.house, now=clock()))
    lin = here.sign_in("lin")
    assert kept(here.doors, lin) == [131]
    answer = here.doors.delete(BODY, headers=lin.headers)
    assert answer.status_code == 200, answer.text
    assert rings.class_tombstones_of(here.house.keystore)[0].done


def test_a_clock_that_was_ahead_does_not_hold_back_checkpoints(
    here: Town, clock: MovingClock
) -> None:
    lin, zhou = here.resident("lin"), here.doctor("zhou")

    def look() -> None:
        path = f"/v1/doctor/patients/{lin.id}/records"
        assert here.doors.get(path, headers=zhou.headers).status_code == 200

    sign(here, lin, zhou, "body")
    look()
    clock.advance(timedelta(days=365))
    assert checkpoint.make_when_due(here.house, now=clock()) is not None
    clock.advance(timedelta(days=-365))
    look()
    clock.advance(checkpoint.AGE)
    assert checkpoint.make_when_due(here.house, now=clock()) is not None
