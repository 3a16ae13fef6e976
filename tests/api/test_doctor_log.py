"""Looks by a doctor as the resident reads them in the access log."""

from collections.abc import Iterator

import jwt
import pytest
from sqlalchemy import Connection

from service.jobs import checkpoint
from service.kit.settings import Settings
from tests.conftest import MovingClock
from tests.doctor_room import PRESSURE, access_log, log, ok, patient, sign
from tests.house_room import Town, town


@pytest.fixture
def here(settings: Settings, clock: MovingClock) -> Iterator[Town]:
    with town(settings, clock) as opened:
        yield opened


def test_every_look_is_in_the_log_in_plain_words(here: Town) -> None:
    lin, zhou = here.resident(), here.doctor()
    log(here, lin, PRESSURE)
    signed = sign(here, lin, zhou, "body")
    ok(patient(here, zhou, lin.id))
    ok(patient(here, zhou, lin.id, "/records"))
    ok(here.doors.get("/v1/doctor/panel", headers=zhou.headers))
    entries = access_log(here, lin)
    assert [one["seq"] for one in entries] == [3, 2, 1]
    for one in entries:
        assert one["actor"] == {
            "kind": "practitioner",
            "id": zhou.id,
            "name": "周医生",
            "on_behalf_of": "河街卫生站",
        }
        assert one["data_classes"] == ["profile", "body"]
        assert (one["decision"], one["purpose"], one["action"]) == ("allow", "care", "read")
        assert one["grant_id"] == signed["grant_id"]
        assert "周医生" in one["text"]["zh"]
        assert "体征" in one["text"]["zh"]
        assert "Body and vital signs" in one["text"]["en"]
        assert one["rows"] == 1
    pages = [access_log(here, lin, limit=2)]
    first = ok(here.doors.get("/v1/me/access-log", params={"limit": 2}, headers=lin.headers))
    pages.append(access_log(here, lin, limit=2, cursor=first["next"]))
    assert [one["seq"] for page in pages for one in page] == [3, 2, 1]
    assert checkpoint.prove(here.house) is None


def test_the_exported_log_is_signed_and_whole(here: Town) -> None:
    lin, zhou = here.resident(), here.doctor()
    sign(here, lin, zhou, "body")
    for _ in range(3):
        ok(patient(here, zhou, lin.id))
    export = ok(here.doors.get("/v1/me/access-log/export", headers=lin.headers))
    published = jwt.PyJWKSet.from_dict(ok(here.doors.get("/.well-known/jwks.json")))
    key = published[jwt.get_unverified_header(export["export"])["kid"]].key
    claims = jwt.decode(export["export"], key, algorithms=["EdDSA"])
    assert claims["sub"] == lin.id
    assert [one["seq"] for one in claims["entries"]] == [1, 2, 3]
    shown = access_log(here, lin)
    # What is exported has besides all that somebody needs to compute the hashes again.
    assert [{name: one[name] for name in shown[0]} for one in claims["entries"][::-1]] == shown


def test_a_failed_attempt_is_logged_and_leaves_nothing_behind(here: Town) -> None:
    lin, zhou = here.resident(), here.doctor()
    signed = sign(here, lin, zhou, "body")
    # A grant without the profile class: results cannot be checked without age and sex.
    body = {
        "grantee": {"kind": "practitioner", "id": zhou.id},
        "purposes": ["care"],
        "data_classes": ["body"],
        "actions": ["read", "write"],
        "separate_consent": True,
    }
    address = f"/v1/me/grants/{signed['grant_id']}"
    ok(here.doors.put(address, json=body, headers=lin.headers))
    record = {"kind": "observation", "start": "2026-11-20T08:00:00+08:00", "values": PRESSURE}
    answer = here.doors.post(
        f"/v1/doctor/patients/{lin.id}/records", json={"records": [record]}, headers=zhou.headers
    )
    assert ok(answer, 403)["rule"] == "no-grant"
    entry = access_log(here, lin)[0]
    assert (entry["action"], entry["rows"]) == ("write", 0)
    assert ok(here.doors.get("/v1/me/records", headers=lin.headers))["items"] == []
    shown = ok(patient(here, zhou, lin.id))
    assert (shown["profile"], shown["prompt"], shown["due"]) == (None, None, [])


def test_a_look_writes_its_entry_and_nothing_else(here: Town) -> None:
    """Reads undo nothing when they fail (`Look.changes`), so there must be nothing to undo."""
    if here.house.db.dialect != "sqlite":
        pytest.skip("the statements are the same on both databases, and SQLite tells them")
    lin, zhou = here.resident(), here.doctor()
    log(here, lin, PRESSURE)
    sign(here, lin, zhou, "body")
    told: list[str] = []

    def listen(conn: Connection) -> None:
        conn.connection.driver_connection.set_trace_callback(told.append)  # type: ignore[union-attr]

    here.house.db.write(listen)
    for rest in ("", "/records", "/series/heart_rate"):
        told.clear()
        assert patient(here, zhou, lin.id, rest).status_code == 200
        written = {
            words[2].strip('"') for one in told if (words := one.split()) and words[0] == "INSERT"
        }
        assert written == {"access_log", "access_heads", "access_tree", "access_tallies"}
        assert not any(one.startswith(("UPDATE", "DELETE", "SAVEPOINT")) for one in told)
