"""Yesterday's backup of the data with today's keystore opens everybody but the erased."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from service.house import prepare
from service.jobs import backup, renewal
from service.jobs.backup import BackupRefused
from service.kit import dumps
from service.kit.errors import ServiceError
from service.kit.settings import Settings
from service.residents.tables import resident_state
from service.upkeep.verify import verify
from tests.conftest import MovingClock
from tests.house_room import PASSWORD, Person, Town, town
from tests.record_room import observation, pressure

PEOPLE = ("lin", "zhao", "mei")


def items(here: Town, who: Person) -> list[dict[str, Any]]:
    found: list[dict[str, Any]]
    found = here.doors.get("/v1/me/records", headers=who.headers).json()["items"]
    return found


def kept(here: Town, who: Person) -> list[dict[str, Any]]:
    return sorted((item["values"] for item in items(here, who)), key=str)


def log(here: Town, who: Person, *records: dict[str, Any]) -> None:
    answer = here.doors.post("/v1/me/records", json={"records": records}, headers=who.headers)
    assert {one["status"] for one in answer.json()["results"]} == {"created"}, answer.text


def epochs(here: Town) -> dict[UUID, bytes]:
    state = resident_state.c
    with here.beneath.connect() as conn:
        rows = conn.execute(select(state.resident_id, state.epoch))
        return {row.resident_id: bytes(row.epoch) for row in rows}


def faults(here: Town) -> list[tuple[str, str]]:
    house = here.house
    seen = verify(house.db, house.vault, house.system.secret("statistics"))
    return sorted((one.table, one.fault) for one in seen.faults)


def _password(name: str) -> dict[str, str]:
    return {"grant_type": "password", "username": name, "password": PASSWORD}


@contextmanager
def yesterday(settings: Settings, clock: MovingClock, folder: Path) -> Iterator[dict[str, Any]]:
    """Three people, a backup; then zhao erases himself, mei one class, and keys are renewed."""
    told: dict[str, Any] = {}
    with town(settings, clock) as here:
        people = {name: here.resident(name) for name in PEOPLE}
        for number, who in enumerate(people.values()):
            log(here, who, pressure(130 + number), observation({"hba1c": 5.1 + number / 10}))
        told["epochs"] = epochs(here)
        told["people"] = people
        backup.save(settings, folder, keystore=False)
        clock.advance(timedelta(minutes=1))
        delete = here.doors.delete
        assert delete("/v1/me", headers=people["zhao"].headers).status_code == 200
        erased = delete("/v1/me/data-classes/body", headers=people["mei"].headers)
        assert erased.status_code == 200, erased.text
        renewal.begin(here.house, None, None, internal=False, now=clock())
        clock.advance(timedelta(minutes=6))
        *_, last = renewal.reseal(here.house, now=clock())
        assert last.sealed > 0
        assert (last.dropped, last.broken) == (0, 0)
        assert faults(here) == []
        log(here, people["lin"], pressure(199))
    yield told


def test_everybody_but_the_erased_opens(
    settings: Settings, clock: MovingClock, tmp_path: Path
) -> None:
    with yesterday(settings, clock, tmp_path / "backup") as told:
        done = backup.restore(settings, tmp_path / "backup", keystore=False, shut=False)
    assert (done["persons"], done["classes"]) == (1, 1)
    with town(settings, clock) as here:
        lin, mei = here.sign_in("lin"), here.sign_in("mei")
        # The backup is yesterday's: what was logged after it is not there.
        assert kept(here, lin) == [{"diastolic_bp": 82, "systolic_bp": 130}, {"hba1c": 5.1}]
        assert kept(here, mei) == [{"hba1c": 5.3}]
        refused = here.token(grant_type="password", username="zhao", password=PASSWORD)
        assert refused.status_code == 401
        assert faults(here) == []
        assert here.doors.get("/v1/me/prompt", headers=mei.headers).status_code == 200
        log(here, mei, pressure(121))
        assert len(kept(here, mei)) == 2
        after = epochs(here)
        assert after.keys() == told["epochs"].keys()
        assert not set(after.values()) & set(told["epochs"].values())
        with here.beneath.connect() as conn:
            owners = conn.exec_driver_sql("SELECT resident_id FROM record_parts").scalars()
            assert UUID(told["people"]["zhao"].id).bytes not in {bytes(one) for one in owners}


def revisions(here: Town) -> set[int]:
    with here.beneath.connect() as conn:
        return set(conn.exec_driver_sql("SELECT rev FROM record_parts").scalars())


def test_a_backup_restored_twice_gives_no_revision_a_second_time(
    settings: Settings, clock: MovingClock, tmp_path: Path
) -> None:
    """Who read a record after the first restore must not change another after the second."""
    with town(settings, clock) as here:
        log(here, here.resident("lin"), pressure(130))
        before = revisions(here)
        backup.save(settings, tmp_path / "backup", keystore=False)
    lives = []
    for top in (121, 122):
        backup.restore(settings, tmp_path / "backup", keystore=False, shut=False)
        clock.advance(timedelta(minutes=1))
        with town(settings, clock) as here:
            lin = here.sign_in("lin")
            log(here, lin, pressure(top))
            (newest,) = [one for one in items(here, lin) if one["values"]["systolic_bp"] == top]
            body = pressure(top + 10) | {"id": newest["id"]}
            match = {"If-Match": f'"{newest["rev"]}"'}
            path = f"/v1/me/records/{newest['id']}"
            changed = here.doors.put(path, json=body, headers=lin.headers | match)
            assert changed.status_code == 200, changed.text
            assert here.doors.get("/v1/me/prompt", headers=lin.headers).status_code == 200
            lives.append(revisions(here) - before)
    assert min(map(len, lives)) > 0
    assert not lives[0] & lives[1]


def test_what_was_erased_is_unreadable_even_before_the_replay(
    settings: Settings, clock: MovingClock, tmp_path: Path
) -> None:
    """The bytes come back with the backup; no key does."""
    with yesterday(settings, clock, tmp_path / "backup"):
        file = next((tmp_path / "backup").glob("store.*"))
        dumps.restore(settings.owning_url, file)
    # As an operator goes on by hand: the walls are put back, and nothing is erased again.
    prepare(settings)
    with town(settings, clock) as here:
        found = faults(here)
        assert ("record_parts", "gone") in found
        assert {fault for _, fault in found} == {"gone"}
        lin, mei = here.sign_in("lin"), here.sign_in("mei")
        assert len(kept(here, lin)) == 2
        answer = here.doors.get("/v1/me/records", headers=mei.headers)
        assert (answer.status_code, answer.json()["code"]) == (410, "gone")
        # Zhao's rows are whole and his password is right; there is nothing left to open them with.
        zhao = here.sign_in("zhao")
        answer = here.doors.get("/v1/me/records", headers=zhao.headers)
        assert (answer.status_code, answer.json()["code"]) == (410, "gone")


def test_a_restore_can_shut_everybody_else_out(
    settings: Settings, clock: MovingClock, tmp_path: Path
) -> None:
    with town(settings, clock) as here:
        here.resident("lin")
        backup.save(settings, tmp_path / "backup", keystore=False)
    backup.restore(settings, tmp_path / "backup", keystore=False, shut=True)
    with town(settings, clock) as here:
        lin = here.sign_in("lin")
        assert here.doors.get("/v1/me/deny-all", headers=lin.headers).json()["on"] is True


def test_no_sign_in_and_no_recovery_code_of_the_backup_is_good_again(
    settings: Settings, clock: MovingClock, tmp_path: Path
) -> None:
    """A thief spent both before the restore, or had them taken away."""
    with town(settings, clock) as here:
        lin = here.resident("lin")
        made = here.doors.post("/v1/me/recovery-codes", headers=lin.headers)
        code, old = made.json()["codes"][0], here.token(**_password("lin")).json()["refresh_token"]
        backup.save(settings, tmp_path / "backup", keystore=False)
    backup.restore(settings, tmp_path / "backup", keystore=False, shut=False)
    with town(settings, clock) as here:
        # An access token that was revoked since is not good for what is left of its ten minutes.
        assert here.doors.get("/v1/me", headers=lin.headers).status_code == 401
        again = here.token(grant_type="refresh_token", refresh_token=old)
        assert again.status_code == 401, again.text
        sent = {"login": "lin", "code": code, "new_password": "another-horse-battery"}
        assert here.doors.post("/v1/auth/recover", json=sent).status_code == 401
        # The password of the backup is all there is to begin with.
        lin = here.sign_in("lin")
        left = here.doors.get("/v1/me/recovery-codes", headers=lin.headers)
        assert left.json()["left"] == 0


def test_the_two_stores_never_share_a_backup(
    settings: Settings, clock: MovingClock, tmp_path: Path
) -> None:
    with town(settings, clock) as here:
        lin = here.resident("lin")
        log(here, lin, pressure(130))
        data, keys = tmp_path / "data-backup", tmp_path / "keys-backup"
        backup.save(settings, data, keystore=False)
        backup.save(settings, keys, keystore=True)
        ring = here.house.keystore.load(UUID(lin.id))
    held = b"".join(path.read_bytes() for path in data.iterdir())
    assert ring.wrapped_rdek not in held
    assert ring.wrapped_rdek.hex().encode() not in held
    for folder, keystore in ((data, True), (keys, False)):
        with pytest.raises(BackupRefused):
            backup.restore(settings, folder, keystore=keystore, shut=False)
    with pytest.raises(BackupRefused):
        backup.save(settings, data, keystore=True)
    _change_last_byte(next(data.glob("store.*")))
    with pytest.raises(BackupRefused):
        backup.restore(settings, data, keystore=False, shut=False)


def test_a_keystore_backup_restores_the_keystore(
    settings: Settings, clock: MovingClock, tmp_path: Path
) -> None:
    with town(settings, clock) as here:
        lin = here.resident("lin")
        log(here, lin, pressure(130))
        backup.save(settings, tmp_path / "keys-backup", keystore=True)
        with here.house.keystore.writing() as conn:
            conn.exec_driver_sql("DELETE FROM keyrings")
            conn.exec_driver_sql("DELETE FROM ring_keys")
    backup.restore(settings, tmp_path / "keys-backup", keystore=True, shut=False)
    with town(settings, clock) as here:
        assert len(kept(here, here.sign_in("lin"))) == 1


def test_without_the_tools_of_postgresql_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for act in (
        lambda: dumps.save("postgresql+psycopg://k@/none", tmp_path),
        lambda: dumps.restore("postgresql+psycopg://k@/none", tmp_path / dumps.POSTGRESQL_FILE),
    ):
        with pytest.raises(ServiceError, match="backup-refused"):
            act()


def _change_last_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
