"""What guardians keep, and a log about somebody erased, checked by scripts that share no code."""

import runpy
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.exceptions import InvalidSignature
from sqlalchemy import Connection

from service.audit import store
from service.grants import looks
from service.jobs import checkpoint
from service.jobs.reconcile import reconcile
from service.kit.clock import city_day
from service.kit.errors import Gone, NotFound
from service.kit.guard import Crossing, dangerously_crossing
from service.kit.settings import Settings
from tests.conftest import MovingClock
from tests.family_room import Child, begin, ok
from tests.house_room import Person, Town, town

VERIFIERS = Path(__file__).resolve().parents[2] / "clients" / "verifiers"
CHECK_MINE = runpy.run_path(str(VERIFIERS / "access_log.py"))["check"]
CHECK_ALL = runpy.run_path(str(VERIFIERS / "whole_log.py"))["check"]
RECEIPT = runpy.run_path(str(VERIFIERS / "receipt.py"))


@pytest.fixture
def here(settings: Settings, clock: MovingClock) -> Iterator[Town]:
    with town(settings, clock) as opened:
        yield opened


@pytest.fixture
def child(here: Town) -> Child:
    return begin(here, here.resident("mother"))


def jwks(here: Town) -> Any:
    return ok(here.doors.get("/.well-known/jwks.json"))


def mark(here: Town) -> str:
    made = checkpoint.make(here.house, now=here.house.clock())
    assert made is not None
    return made.text


def wish(doctor: Person) -> dict[str, Any]:
    return {"doctor_id": doctor.id, "package": "basic", "data_classes": ["body"]}


def test_a_guardians_receipt_is_good_and_names_who_agreed(here: Town, child: Child) -> None:
    grant = ok(child.ask("POST", "/contract", wish(here.doctor())), 201)["grant_id"]
    father = child.joined_by(here.resident("father", name="陈伟"))
    given = ok(father.ask("GET", f"/grants/{grant}/receipt"))["receipt"]
    ok(father.ask("DELETE", f"/grants/{grant}"))
    ended = ok(child.ask("GET", f"/grants/{grant}/receipt"))["receipt"]
    told = [RECEIPT["verify"](receipt, jwks(here)) for receipt in (given, ended)]
    assert [one["header"]["pii_principal_id"] for one in told] == [child.id, child.id]
    assert [[event["entity_id"] for event in one["events"]] for one in told] == [
        [child.guardian.id],
        [child.guardian.id, father.guardian.id],
    ]
    assert told[1]["events"][-1]["event_state"] == "withdrawn"
    # The child keeps both: no year is promised for what lasts until somebody erases it.
    assert "删除" in told[0]["processing"]["retention_period"]
    for receipt in (given, ended):
        other = "B" if receipt[-9] == "A" else "A"
        with pytest.raises(RECEIPT["Wrong"]):
            RECEIPT["verify"](receipt[:-9] + other + receipt[-8:], jwks(here))


def test_entries_of_guardians_are_proven_by_the_childs_export(here: Town, child: Child) -> None:
    father = child.joined_by(here.resident("father", name="陈伟"))
    ok(father.ask("GET", "/records"))
    mark(here)
    ok(child.ask("GET", "/records"))
    for guardian in (child, father):
        export = ok(guardian.ask("GET", "/access-log/export"))["export"]
        entries, proven = CHECK_MINE(export, jwks(here))
        # Looks after the checkpoint are chained, and those before it proven as well.
        assert entries > proven >= 4
        for place in range(0, len(export) - 1, 97):
            other = "A" if export[place] != "A" else "B"
            with pytest.raises((ValueError, KeyError, InvalidSignature)):
                CHECK_MINE(export[:place] + other + export[place + 1 :], jwks(here))


def test_an_export_of_the_log_asks_for_a_fresh_sign_in(
    here: Town, child: Child, clock: MovingClock
) -> None:
    mother = child.guardian
    address = "/v1/me/access-log/export"
    ok(here.doors.get(address, headers=mother.headers))
    clock.advance(timedelta(minutes=6))
    ok(here.doors.get("/v1/me/access-log", headers=mother.headers))
    refused = here.doors.get(address, headers=mother.headers)
    assert ok(refused, 403)["code"] == "step-up-required"
    assert 'max_age="300"' in refused.headers["www-authenticate"]
    assert ok(child.ask("GET", "/access-log/export"), 403)["code"] == "step-up-required"
    fresh = here.sign_in(mother.login)
    ok(here.doors.get(address, headers=fresh.headers))
    ok(child.by(fresh).ask("GET", "/access-log/export"))


def test_the_log_stays_whole_and_green_when_its_subject_is_erased(
    here: Town, clock: MovingClock
) -> None:
    house, lin, mei, zhou = here.house, here.resident(), here.resident("mei"), here.doctor()
    for who in (lin, mei):
        ok(here.doors.post("/v1/me/contract", json=wish(zhou), headers=who.headers), 201)
        ok(here.doors.get(f"/v1/doctor/patients/{who.id}", headers=zhou.headers))
    kept = mark(here)
    assert classes_told(here, lin) == classes_told(here, mei) == {"body", "profile"}
    ok(here.doors.delete("/v1/me", headers=lin.headers))

    assert checkpoint.prove(house, [kept]) is None
    ok(here.doors.get(f"/v1/doctor/patients/{lin.id}", headers=zhou.headers), 404)
    ok(here.doors.get(f"/v1/doctor/patients/{mei.id}", headers=zhou.headers))
    later = mark(here)
    assert checkpoint.prove(house, [kept, later]) is None
    with pytest.raises((Gone, NotFound)):
        classes_told(here, lin)
    assert classes_told(here, mei) == {"body", "profile"}
    file = StringIO()
    size = checkpoint.export(house, file, now=clock())
    assert CHECK_ALL(file.getvalue(), jwks(here)) == (size, 2)
    found = reconcile(house, city_day(clock()))
    assert found.sound
    assert found.erased >= 1
    export = ok(here.doors.get("/v1/me/access-log/export", headers=mei.headers))["export"]
    assert CHECK_MINE(export, jwks(here), [kept, later]) == (2, 2)

    with here.beneath.begin() as conn:
        conn.exec_driver_sql("UPDATE access_log SET row_count = 77 WHERE seq = 1 AND leaf = 0")
    breach = checkpoint.prove(house, [kept])
    assert breach is not None
    assert (breach.subject, breach.seq) == (UUID(lin.id), 1)


def classes_told(here: Town, who: Person) -> set[str]:
    """The classes that the entries about somebody tell of, opened as an auditor never does."""

    def read(conn: Connection) -> set[str]:
        entries = store.between(
            conn, here.house.clock() - timedelta(days=1), here.house.clock() + timedelta(days=1)
        )
        mine = [one.entry for one in entries if one.entry.subject == UUID(who.id)]
        assert mine
        return {name for one in mine for name in looks.classes_of(here.house.vault, one)}

    return here.house.db.read(dangerously_crossing(Crossing.VERIFICATION, read))
