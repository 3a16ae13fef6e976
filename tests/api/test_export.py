"""Taking everything along: who may, what the log tells of it, and that each form holds it all."""

import json
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import jwt
import pytest

from service.domain.vocabulary.measures import MEASURES
from service.domain.vocabulary.record import KINDS
from service.exports.form import FORMAT
from service.jobs.reconcile import reconcile
from service.kit.settings import Settings
from tests.api.test_grants_api import ok, problem
from tests.conftest import MovingClock
from tests.contract.validated import document
from tests.export_room import (
    EXPORT,
    FORMS,
    FORMULA,
    SERIES,
    exported,
    furnished,
    log,
    plain,
    resources,
    sheets,
)
from tests.family_room import begin
from tests.house_room import Person, Town, town
from tests.record_room import observation

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def here(settings: Settings, clock: MovingClock) -> Iterator[Town]:
    with town(settings, clock) as opened:
        yield opened


def looks(here: Town, who: Person) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = ok(here.doors.get("/v1/me/access-log", headers=who.headers))[
        "items"
    ]
    return items


def every(here: Town, who: Person, path: str) -> list[dict[str, Any]]:
    found, cursor = [], {}
    while True:
        params = {"limit": 1000, **cursor}
        page = ok(here.doors.get(f"/v1/me{path}", params=params, headers=who.headers))
        found += page["items"]
        if page["next"] is None:
            return found
        cursor = {"cursor": page["next"]}


def by_id(records: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    found = {one["id"]: one for one in records}
    assert len(found) == len(records)
    return found


def test_json_holds_what_every_door_tells(here: Town) -> None:
    lin = furnished(here)
    answer = exported(here, lin)
    told = answer.json()
    assert (told["format"], told["resident_id"]) == (FORMAT, lin.id)
    schemas = document()["components"]["schemas"]["PersonalExport"]["properties"]
    assert list(told) == list(schemas)
    kept = by_id(every(here, lin, "/records"))
    assert by_id(told["records"]) == kept
    assert len(kept) > 100
    assert {one["kind"] for one in kept.values()} == set(KINDS)
    for name, path in {
        "profile": "",
        "prompt": "/prompt",
        "automation": "/prompt/automation",
        "deny_all": "/deny-all",
        "emergency": "/emergency",
        "contributions": "/contributions",
    }.items():
        assert told[name] == ok(here.doors.get(f"/v1/me{path}", headers=lin.headers)), name
    for name in ("grants", "requests", "appeals", "notices"):
        assert told[name] == every(here, lin, f"/{name}"), name
        assert told[name], name
    assert told["access_log"] == every(here, lin, "/access-log")
    for name in ("prompts", "guardians", "children"):
        found = ok(here.doors.get(f"/v1/me/{name}", headers=lin.headers))["items"]
        assert told[name] == found, name
    assert {one["status"] for one in told["contracts"]} == {"active", "ended"}
    granted = {one["id"] for one in told["grants"] if not one["deny"]}
    assert {one["grant_id"] for one in told["receipts"]} == granted
    claims = jwt.decode(told["receipts"][0]["receipt"], options={"verify_signature": False})
    assert claims["processing"]["grant_id"] == told["receipts"][0]["grant_id"]
    for one in told["explanations"]:
        path = f"/v1/me/explanations/{one['id']}"
        assert one == ok(here.doors.get(path, headers=lin.headers))


def test_a_change_of_level_is_explained_in_it(here: Town) -> None:
    lin = here.resident()
    raised = {"systolic_bp": 188, "diastolic_bp": 112}
    log(here, lin, [observation(raised, f"2026-11-20T08:0{n}:00+08:00") for n in range(2)])
    told = exported(here, lin).json()
    assert told["prompt"]["level"] is not None
    assert told["prompt"]["explanation"] in {one["id"] for one in told["explanations"]}
    assert told["prompts"][0]["level"] == told["prompt"]["level"]


def test_samples_are_the_same_in_every_form(here: Town) -> None:
    lin = furnished(here)
    days = exported(here, lin).json()["series"]
    assert [(one["measure"], one["day"], one["t"], one["v"]) for one in days] == [
        (one["measure"], one["day"], one["t"], one["v"]) for one in SERIES
    ]
    sent = {
        (one["measure"], one["day"], t): v
        for one in SERIES
        for t, v in zip(one["t"], one["v"], strict=True)  # type: ignore[call-overload]
    }
    rows = sheets(exported(here, lin, "csv").content)["series"]
    assert {
        (row["measure"], row["day"], seconds(row["time"])): float(row["value"]) for row in rows
    } == sent
    assert len(rows) == len(sent)
    units = {one["measure"]: MEASURES[str(one["measure"])].unit for one in SERIES}
    assert all(row["unit"] == units[row["measure"]] for row in rows)
    found = [
        one
        for one in resources(exported(here, lin, "fhir").content, "Observation")
        if one["category"][0]["coding"][0]["code"] == "series"
    ]
    assert len(found) == len(sent)
    for (measure, day, t), value in sent.items():
        midnight = datetime.combine(date.fromisoformat(str(day)), time(), SHANGHAI)
        at = (midnight + timedelta(seconds=t)).isoformat()
        (one,) = [
            one for one in found if (own(one["code"]), one["effectiveDateTime"]) == (measure, at)
        ]
        quantity = one["valueQuantity"]
        assert (quantity["value"], quantity.get("code")) == (value, units[measure])


def seconds(wall: str) -> int:
    hours, minutes, rest = map(int, wall.split(":"))
    return hours * 3600 + minutes * 60 + rest


def own(concept: dict[str, Any]) -> str:
    """Our own code of a concept."""
    (code,) = [one["code"] for one in concept["coding"] if one["system"].startswith("urn:kangma:")]
    return str(code)


def test_values_and_units_are_the_same_in_csv(here: Town) -> None:
    lin = furnished(here)
    kept = by_id(every(here, lin, "/records"))
    rows = sheets(exported(here, lin, "csv").content)
    assert by_id(rows["grants"]).keys() == {one["id"] for one in every(here, lin, "/grants")}
    told: dict[str, dict[str, str]] = {one: {} for one in kept}
    for row in rows["records"]:
        record = kept[row["id"]]
        assert (row["kind"], row["start"]) == (record["kind"], record["start"])
        assert (row["code"], row["status"]) == (
            record.get("code") or "",
            record.get("status") or "",
        )
        assert (row["end"], plain(row["note"])) == (record["end"] or "", record["note"] or "")
        assert plain(row["source_name"]) == "+Omron"
        if row["name"]:
            assert row["name"] not in told[row["id"]]
            told[row["id"]][row["name"]] = row["value"]
        if row["name"] in record["values"]:
            assert row["unit"] == (MEASURES[row["name"]].unit or "")
    for record_id, record in kept.items():
        said = record["values"] | (record.get("answers") or {})
        assert {
            name: plain(cell) if isinstance(said[name], str) else float(cell)
            for name, cell in told[record_id].items()
        } == said


def test_no_cell_is_a_formula(here: Town) -> None:
    lin = furnished(here)
    rows = sheets(exported(here, lin, "csv").content)
    cells = [cell for table in rows.values() for row in table for cell in row.values()]
    assert f"'{FORMULA}" in cells
    assert "'@不对" in cells
    for cell in cells:
        assert not cell.startswith(("=", "@", "\t", "\r"))
        assert not cell.startswith(("+", "-")) or float(cell) == float(cell)


def test_one_entry_tells_of_it_before_anything_leaves(here: Town) -> None:
    lin = here.resident()
    before = len(looks(here, lin))
    for n, form in enumerate(FORMS, 1):
        exported(here, lin, form)
        assert len(looks(here, lin)) == before + n
    entry = looks(here, lin)[0]
    assert (entry["action"], entry["decision"], entry["rule"]) == ("export", "allow", "own-record")
    assert entry["actor"] == {"kind": "resident", "id": lin.id, "name": None, "on_behalf_of": None}
    told = exported(here, lin).json()
    # What its owner opens is counted nowhere, so the entry tells of nothing opened either.
    day = reconcile(here.house, date(2026, 11, 20))
    assert day.sound
    assert day.difference == 0
    assert told["access_log"][0]["action"] == "export"
    assert len(told["access_log"]) == before + len(FORMS) + 1


@pytest.mark.parametrize("form", FORMS)
def test_headers_are_neutral_and_nothing_is_stored_on_the_way(here: Town, form: str) -> None:
    lin = furnished(here)
    answer = exported(here, lin, form)
    assert answer.headers["cache-control"] == "no-store"
    suffix = "zip" if form == "csv" else "json"
    named = f'attachment; filename="export-2026-11-20.{suffix}"'
    assert answer.headers["content-disposition"] == named


def test_the_proof_must_be_fresh(here: Town, clock: MovingClock) -> None:
    lin = here.resident()
    clock.advance(timedelta(minutes=5, seconds=1))
    before = looks(here, lin)
    for form in FORMS:
        answer = here.doors.get(EXPORT, params={"format": form}, headers=lin.headers)
        problem(answer, 403, "step-up-required")
        assert 'max_age="300"' in answer.headers["www-authenticate"]
    assert looks(here, lin) == before
    exported(here, here.sign_in("lin"))


def test_nobody_else_gets_it(here: Town) -> None:
    """Neither a doctor whom everything is granted to, nor a guardian, nor another resident."""
    lin, zhou, wei = furnished(here), here.doctor("dr.zhou"), here.resident("wei")
    child = begin(here, lin)
    problem(here.doors.get(EXPORT, headers=zhou.headers), 401, "unauthenticated")
    problem(here.doors.get(EXPORT, headers=here.city().headers), 401, "unauthenticated")
    problem(here.doors.get(EXPORT), 401, "unauthenticated")
    for who in (wei, zhou, lin):
        for path in (f"/v1/me/children/{child.id}/export", f"/v1/doctor/patients/{lin.id}/export"):
            assert here.doors.inner.get(path, headers=who.headers).status_code == 404  # type: ignore[attr-defined]
    told = exported(here, wei)
    assert lin.id not in told.text
    for form in ("fhir", "csv"):
        assert lin.id.encode() not in exported(here, wei, form).content


def test_shutting_everybody_out_does_not_stop_its_owner(here: Town) -> None:
    lin = furnished(here)
    ok(here.doors.put("/v1/me/deny-all", json={"on": True}, headers=lin.headers))
    told = exported(here, lin).json()
    assert told["deny_all"] == {"on": True}
    assert len(told["records"]) > 100


def test_a_form_that_is_not_there_is_named(here: Town) -> None:
    lin = here.resident()
    answer = here.doors.get(EXPORT, params={"format": "xlsx"}, headers=lin.headers)
    told = problem(answer, 400, "bad-request")
    assert [one["pointer"] for one in told["errors"]] == ["/query/format"]
    assert "xlsx" not in answer.text
    problem(here.doors.get(f"{EXPORT}?of=me", headers=lin.headers), 400, "unknown-parameter")


def test_it_is_for_now_and_then(settings: Settings, clock: MovingClock) -> None:
    with town(settings.model_copy(update={"rate_limits": True}), clock) as here:
        lin, wei = here.resident(), here.resident("wei")
        for _ in range(10):
            exported(here, lin)
        refused = here.doors.get(EXPORT, headers=lin.headers)
        problem(refused, 429, "rate-limited")
        assert refused.headers["retry-after"] == "60"
        exported(here, wei)
        clock.advance(timedelta(seconds=61))
        exported(here, lin)


def test_the_bundle_names_nobody(here: Town) -> None:
    lin = furnished(here)
    ok(here.doors.patch("/v1/me", json={"contact": "13977310458"}, headers=lin.headers))
    bundle = exported(here, lin, "fhir").content
    assert "林梅" not in bundle.decode()
    assert b"13977310458" not in bundle
    (patient,) = resources(bundle, "Patient")
    assert patient.keys() == {"resourceType", "id", "gender", "birthDate"}
    assert json.loads(exported(here, lin).content)["profile"]["contact"] == "13977310458"
