"""Records over HTTP: the shapes of the contract, bad input, ETags, filters."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from service.kit.settings import Settings
from tests.conftest import MovingClock
from tests.house_room import Person, Town, town
from tests.record_room import observation, pressure, pressures
from tests.words import without_ids


@pytest.fixture
def here(settings: Settings, clock: MovingClock) -> Iterator[Town]:
    with town(settings, clock) as opened:
        yield opened


def post(here: Town, who: Person, *records: Any) -> httpx.Response:
    return here.doors.post("/v1/me/records", json={"records": records}, headers=who.headers)


def kept(here: Town, who: Person, *records: Any) -> list[dict[str, Any]]:
    answer = post(here, who, *records)
    assert answer.status_code == 200, answer.text
    results: list[dict[str, Any]] = answer.json()["results"]
    return results


def listed(here: Town, who: Person, **query: Any) -> list[dict[str, Any]]:
    answer = here.doors.get("/v1/me/records", params=query, headers=who.headers)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    document: dict[str, Any] = answer.json()
    assert document["code"] == code
    return document


def test_logging_answers_with_results_and_the_level(here: Town) -> None:
    lin = here.resident()
    first, sent = pressures(172, 104)
    answer = post(here, lin, first, sent, pressure(80, 120))
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    _, created, rejected = body["results"]
    assert created == {"id": sent["id"], "status": "created", "rev": created["rev"]}
    assert rejected["status"] == "rejected"
    assert rejected["problem"]["code"] == "invalid"
    assert rejected["problem"]["errors"][0]["pointer"].startswith("/records/2/values/")
    assert body["prompt"]["level"] in range(1, 6)
    assert body["prompt"]["colour"] in {"green", "blue", "yellow", "orange", "red"}
    assert body["prompt"]["changed"] is True


def test_a_record_is_read_as_it_was_logged(here: Town) -> None:
    lin = here.resident()
    sent = pressure(note="早餐前")
    (result,) = kept(here, lin, sent)
    answer = here.doors.get(f"/v1/me/records/{sent['id']}", headers=lin.headers)
    assert answer.headers["etag"] == f'"{result["rev"]}"'
    assert answer.json() == {
        **sent,
        "start": "2026-11-20T00:00:00Z",
        "end": None,
        "units": {},
        "rev": result["rev"],
    }
    same = here.doors.get(
        f"/v1/me/records/{sent['id']}",
        headers={**lin.headers, "if-none-match": answer.headers["etag"]},
    )
    assert same.status_code == 304
    assert same.content == b""


def test_units_are_converted_to_the_measures_own(here: Town) -> None:
    lin = here.resident()
    kept(
        here,
        lin,
        observation({"glucose_fasting": 108}) | {"units": {"glucose_fasting": "mg/dL"}},
    )
    (found,) = listed(here, lin)
    assert found["values"]["glucose_fasting"] == pytest.approx(5.99, abs=0.02)
    assert found["units"] == {}


def test_replacing_and_deleting_need_the_revision_that_was_read(here: Town) -> None:
    lin = here.resident()
    sent = pressure(128)
    (result,) = kept(here, lin, sent)
    url = f"/v1/me/records/{sent['id']}"
    newer = {**sent, "values": {"systolic_bp": 131, "diastolic_bp": 84}}

    def put(if_match: str | None) -> httpx.Response:
        match = {} if if_match is None else {"if-match": if_match}
        return here.doors.put(url, json=newer, headers={**lin.headers, **match})

    problem(put(None), 428, "precondition-required")
    problem(put('"999"'), 412, "stale")
    problem(put("anything"), 412, "stale")
    replaced = put(f'"{result["rev"]}"')
    assert replaced.status_code == 200
    assert replaced.json()["values"] == newer["values"]
    etag = replaced.headers["etag"]
    problem(put(f'"{result["rev"]}"'), 412, "stale")

    problem(here.doors.delete(url, headers=lin.headers), 428, "precondition-required")
    stale = {**lin.headers, "if-match": '"1"'}
    problem(here.doors.delete(url, headers=stale), 412, "stale")
    gone = here.doors.delete(url, headers={**lin.headers, "if-match": etag})
    assert gone.status_code == 204
    problem(here.doors.get(url, headers=lin.headers), 404, "not-found")
    (again,) = kept(here, lin, sent)
    assert again["status"] == "rejected"
    assert again["problem"]["code"] == "deleted"


def test_a_put_cannot_rename_a_record(here: Town) -> None:
    lin = here.resident()
    sent = pressure()
    (result,) = kept(here, lin, sent)
    answer = here.doors.put(
        f"/v1/me/records/{sent['id']}",
        json={**sent, "id": str(uuid4())},
        headers={**lin.headers, "if-match": f'"{result["rev"]}"'},
    )
    assert problem(answer, 422, "invalid")["errors"][0]["pointer"] == "/id"


def test_what_was_read_can_be_put_back(here: Town) -> None:
    lin = here.resident()
    (result,) = kept(here, lin, pressure())
    url = f"/v1/me/records/{result['id']}"
    read = here.doors.get(url, headers=lin.headers)
    answer = here.doors.put(
        url, json=read.json(), headers={**lin.headers, "if-match": read.headers["etag"]}
    )
    assert answer.status_code == 200
    assert answer.json() == read.json()


def test_the_deleted_reading_no_longer_moves_the_level(here: Town) -> None:
    lin = here.resident()
    kept(here, lin, pressure(118, 76, "2026-11-19T08:00:00+08:00"))
    calm = here.doors.get("/v1/me/prompt", headers=lin.headers).json()["level"]
    (result,) = kept(here, lin, pressure(182, 112))
    assert here.doors.get("/v1/me/prompt", headers=lin.headers).json()["level"] == 5
    here.doors.delete(
        f"/v1/me/records/{result['id']}",
        headers={**lin.headers, "if-match": f'"{result["rev"]}"'},
    )
    assert here.doors.get("/v1/me/prompt", headers=lin.headers).json()["level"] == calm


def test_lists_page_and_narrow(here: Town) -> None:
    lin = here.resident()
    starts = [f"2026-11-{day:02}T08:00:00+08:00" for day in range(1, 16)]
    kept(here, lin, *[pressure(120 + n, 80, start) for n, start in enumerate(starts)])
    kept(here, lin, observation({"body_weight": 60}, starts[3]))
    found: list[dict[str, Any]] = []
    query: dict[str, Any] = {"limit": 4}
    while True:
        page = here.doors.get("/v1/me/records", params=query, headers=lin.headers).json()
        found += page["items"]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert [one["start"] for one in found] == sorted((one["start"] for one in found), reverse=True)
    assert len(found) == 16
    assert len(listed(here, lin, measure="body_weight")) == 1
    assert len(listed(here, lin, **{"from": "2026-11-03", "to": "2026-11-04"})) == 3
    spans = {"from": "2026-11-03T08:00:00+08:00", "to": "2026-11-04T07:59:59+08:00"}
    assert len(listed(here, lin, **spans)) == 1
    assert listed(here, lin, kind="condition") == []


def test_wrong_parameters_are_named_and_not_ignored(here: Town) -> None:
    lin = here.resident()
    for query, code in (
        ({"measure": "charm"}, "unknown-measure"),
        ({"from": "yesterday"}, "bad-from"),
        ({"to": "2026-13-01"}, "bad-to"),
        ({"from": "2026-11-01T08:00:00"}, "bad-from"),
        ({"from": "0001-01-01"}, "bad-from"),
        ({"to": "9999-12-31"}, "bad-to"),
        ({"cursor": "abc"}, "bad-cursor"),
        ({"limit": 0}, "bad-request"),
        ({"limit": 1001}, "bad-request"),
        ({"kind": "spell"}, "bad-request"),
        ({"measures": "systolic_bp"}, "unknown-parameter"),
    ):
        answer = here.doors.get("/v1/me/records", params=query, headers=lin.headers)
        problem(answer, 400, code)


@pytest.mark.parametrize(
    "envelope",
    [
        {},
        {"records": []},
        {"records": {}},
        {"records": [pressure()] * 1001},
        {"records": [pressure()], "extra": 1},
        [],
        "text",
        None,
    ],
)
def test_a_malformed_envelope_is_refused_whole(here: Town, envelope: Any) -> None:
    lin = here.resident()
    answer = here.doors.post("/v1/me/records", json=envelope, headers=lin.headers)
    problem(answer, 422, "invalid")
    assert listed(here, lin) == []


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"values": {"systolic_bp": True}}, "/values/systolic_bp"),
        ({"values": {"systolic_bp": "128"}}, "/values/systolic_bp"),
        ({"values": {"systolic_bp": 128, "diastolic_bp": 130}}, "/values"),
        ({"values": {"systolic_bp": 1280}}, "/values/systolic_bp"),
        ({"values": {"charm": 1}}, "/values/charm"),
        ({"values": {"body_weight": 60}, "units": {"body_weight": "furlong"}}, "/units"),
        ({"start": "2031-01-01T00:00:00Z"}, "/start"),
        ({"start": "1970-01-01T00:00:00Z"}, "/start"),
        ({"start": "2026-11-20 08:00"}, "/start"),
        ({"mood": "fine"}, "/mood"),
        ({"kind": "spell"}, "/kind"),
        ({"id": "7"}, "/id"),
        ({"note": "x" * 20_000}, "/note"),
    ],
)
def test_a_faulty_record_is_named_and_never_echoed(
    here: Town, change: dict[str, Any], pointer: str
) -> None:
    lin = here.resident()
    results = kept(here, lin, {**pressure(), **change}, pressure(121))
    assert results[0]["status"] == "rejected"
    places = [one["pointer"] for one in results[0]["problem"]["errors"]]
    assert any(place.startswith(f"/records/0{pointer}") for place in places), places
    assert results[1]["status"] == "created"
    for value in ("1280", "furlong", "2031", "1970", "spell", "xxx"):
        assert value not in without_ids(str(results[0]["problem"]))


def test_reasons_are_told_in_the_readers_language(here: Town) -> None:
    lin = here.resident()
    bad = {**pressure(), "kind": "spell"}
    details = set()
    for language in ("zh-CN", "en"):
        answer = here.doors.post(
            "/v1/me/records",
            json={"records": [bad]},
            headers={**lin.headers, "accept-language": language},
        )
        details.add(answer.json()["results"][0]["problem"]["detail"])
    assert len(details) == 2


def test_records_are_their_owners(here: Town) -> None:
    lin, wu = here.resident(), here.resident("wu")
    (result,) = kept(here, lin, pressure())
    url = f"/v1/me/records/{result['id']}"
    problem(here.doors.get(url, headers=wu.headers), 404, "not-found")
    match = {**wu.headers, "if-match": f'"{result["rev"]}"'}
    problem(here.doors.delete(url, headers=match), 404, "not-found")
    problem(here.doors.put(url, json=pressure(id=result["id"]), headers=match), 404, "not-found")
    assert listed(here, wu) == []
    assert here.doors.get(url).status_code == 401
    assert here.doors.get("/v1/me/records/7", headers=lin.headers).status_code == 404


def test_many_writers_of_one_resident_lose_nothing(here: Town) -> None:
    lin = here.resident()
    sent = [pressure(110 + n) for n in range(24)]
    answers = here.doors.together(
        ("POST", "/v1/me/records", {"json": {"records": [one]}, "headers": lin.headers})
        for one in [*sent, *sent]
    )
    statuses = [answer.json()["results"][0]["status"] for answer in answers]
    assert sorted(statuses) == ["created"] * 24 + ["unchanged"] * 24
    assert len(listed(here, lin)) == 24
    revs = {
        answer.json()["results"][0]["rev"]
        for answer in answers
        if answer.json()["results"][0]["status"] == "created"
    }
    assert len(revs) == 24


def test_an_erased_residents_token_writes_nothing(here: Town, clock: MovingClock) -> None:
    lin = here.resident()
    kept(here, lin, pressure())
    assert here.doors.delete("/v1/me", headers=lin.headers).status_code == 200
    clock.advance(timedelta(seconds=1))
    assert post(here, lin, pressure()).status_code in {401, 404}
