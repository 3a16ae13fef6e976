"""Records and samples that cannot be: each is rejected with its place, its neighbours are kept.

On both databases, because what is promised is about what is stored.
"""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.standing_room import PRESSURE, Standing, everything_logged, refused, standing

CANARY = "canary-91c4"
START = "2026-11-18T07:00:00+08:00"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def here(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with standing(tmp_path_factory.mktemp("records"), request.param) as opened:
        yield opened


def send(here: Standing, path: str, body: Any, method: str = "POST") -> httpx.Response:
    headers = {**here.resident.headers, "content-type": "application/json", "if-match": '"1"'}
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return here.town.doors.request(method, path, content=content, headers=headers)


def observed(**values: Any) -> dict[str, Any]:
    return {"kind": "observation", "start": START, "values": values}


def at(start: Any, **rest: Any) -> dict[str, Any]:
    return {"kind": "observation", "start": start, "values": {"body_weight": 61.27}, **rest}


BAD: dict[str, tuple[Any, str, str]] = {
    "true": (observed(body_weight=True), "/values/body_weight", "not-a-number"),
    "a numeric text": (observed(body_weight="61.27"), "/values/body_weight", "not-a-number"),
    "text": (observed(body_weight=CANARY), "/values/body_weight", "not-a-number"),
    "null": (observed(body_weight=None), "/values/body_weight", "not-a-number"),
    "a list of one": (observed(body_weight=[61.27]), "/values/body_weight", "not-a-number"),
    "a huge whole number": (observed(body_weight=10**19), "/values/body_weight", "not-a-number"),
    "out of range": (observed(body_weight=6127), "/values/body_weight", "out-of-range"),
    "negative zero": (observed(body_weight=-0.0), "/values/body_weight", "out-of-range"),
    "below zero": (observed(body_weight=-61.27), "/values/body_weight", "out-of-range"),
    "the largest float": (observed(body_weight=1.7e308), "/values/body_weight", "out-of-range"),
    "unknown measure": (observed(no_such=61.27), "/values/no_such", "unknown-measure"),
    "a sentence as measure": (observed(**{f"my {CANARY}": 1}), "/values", "unknown-measure"),
    "a number as measure": (observed(**{"13800138000": 1}), "/values", "unknown-measure"),
    "wrong unit": ({**observed(body_weight=61.27), "units": {"body_weight": "mmol/L"}},
                   "/units/body_weight", "unknown-unit"),
    "a unit that is none": ({**observed(body_weight=61.27), "units": {"body_weight": CANARY}},
                            "/units/body_weight", "unknown-unit"),
    "a unit that is a number": ({**observed(body_weight=61.27), "units": {"body_weight": 1}},
                                "/units/body_weight", "wrong-type"),
    "a unit without value": ({**observed(body_weight=61.27), "units": {"body_height": "cm"}},
                             "/units/body_height", "unit-without-value"),
    "units that are a list": ({**observed(body_weight=61.27), "units": [CANARY]},
                              "/units", "wrong-type"),
    "no values": ({"kind": "observation", "start": START}, "/values", "no-values"),
    "empty values": (observed(), "/values", "no-values"),
    "unknown option": (observed(smoking_status=CANARY), "/values/smoking_status",
                       "unknown-option"),
    "a number for an option": (observed(smoking_status=1), "/values/smoking_status",
                               "wrong-type"),
    "systolic below diastolic": (observed(systolic_bp=80, diastolic_bp=120),
                                 "/values/systolic_bp", "pressure-order"),
    "systolic as diastolic": (observed(systolic_bp=90, diastolic_bp=90),
                              "/values/systolic_bp", "pressure-order"),
    "a future time": (at("2026-11-20T10:00:00+08:00"), "/start", "future"),
    "the far future": (at("9999-12-31T23:59:59-12:00"), "/start", "bad-time"),
    "before birth": (at("1980-05-16T12:00:00+08:00"), "/start", "before-birth"),
    "a naive time": (at("2026-11-18T07:00:00"), "/start", "bad-time"),
    "a day": (at("2026-11-18"), "/start", "bad-time"),
    "no day": (at("2026-02-30T07:00:00Z"), "/start", "bad-time"),
    "a leap second": (at("2026-06-30T23:59:60Z"), "/start", "bad-time"),
    "seconds since 1970": (at(1_790_000_000), "/start", "bad-time"),
    "digits of another script": (at("２０２６-11-18T07:00:00Z"), "/start", "bad-time"),
    "a text for a time": (at(CANARY), "/start", "bad-time"),
    "no time": ({"kind": "observation", "values": {"body_weight": 61.27}}, "/start", "required"),
    "an end before its start": (at(START, end="2026-11-18T06:59:59+08:00"), "/end",
                                "end-before-start"),
    "an unknown member": (at(START, colour=CANARY), "/colour", "unknown-field"),
    "a name in other letters": (at(START, Note=CANARY), "/Note", "unknown-field"),
    "a blank as a name": (at(START, **{f" {CANARY}": 1}), "", "unknown-field"),
    "a bad id": (at(START, id=CANARY), "/id", "bad-id"),
    "an id in braces": (at(START, id="{6f1c0a36-27bd-4b37-9d5c-3b1f0c6a0c11}"), "/id", "bad-id"),
    "an id that is a number": (at(START, id=5), "/id", "bad-id"),
    "an unknown kind": ({**at(START), "kind": CANARY}, "/kind", "unknown-kind"),
    "a kind that is a list": ({**at(START), "kind": []}, "/kind", "unknown-kind"),
    "an unknown source": (at(START, source={"kind": CANARY}), "/source/kind", "unknown-source"),
    "a source that is a text": (at(START, source=CANARY), "/source", "wrong-type"),
    "a long note": (at(START, note=CANARY * 200), "/note", "too-long"),
    "a note with a bell": (at(START, note=f"{CANARY}\a"), "/note", "bad-text"),
    "a note that is a number": (at(START, note=61.27), "/note", "wrong-type"),
    "an unknown code": ({"kind": "condition", "start": START, "code": CANARY}, "/code",
                        "unknown-code"),
    "a condition without code": ({"kind": "condition", "start": START}, "/code", "required"),
    "an unknown questionnaire": ({"kind": "questionnaire", "start": START,
                                  "questionnaire": CANARY, "answers": {}},
                                 "/questionnaire", "unknown-questionnaire"),
    "a list": ([CANARY], "", "wrong-type"),
    "a text": (CANARY, "", "wrong-type"),
    "nothing": (None, "", "wrong-type"),
}  # fmt: skip


def test_each_is_rejected_with_its_place_and_the_others_are_kept(here: Standing) -> None:
    before = {record["id"] for record in here.records()}
    good = [{**PRESSURE, "id": str(uuid4())} for _ in range(2)]
    batch = [good[0], *(raw for raw, _, _ in BAD.values()), good[1]]
    with everything_logged() as pages:
        answer = send(here, "/v1/me/records", {"records": batch})
    assert answer.status_code == 200
    assert CANARY not in answer.text
    assert CANARY not in pages.getvalue()
    assert "61.27" not in answer.text + pages.getvalue()
    first, *rejected, last = answer.json()["results"]
    assert (first["status"], last["status"]) == ("created", "created")
    for number, (what, (_, pointer, code)) in enumerate(BAD.items(), start=1):
        line = rejected[number - 1]
        assert line["status"] == "rejected", what
        assert line["problem"]["code"] == "invalid", what
        found = [(fault["pointer"], fault["code"]) for fault in line["problem"]["errors"]]
        assert (f"/records/{number}{pointer}", code) in found, (what, found)
    after = {record["id"] for record in here.records()}
    assert after - before == {record["id"] for record in good}


def test_a_replacement_that_cannot_be_leaves_the_record(here: Standing) -> None:
    path = f"/v1/me/records/{here.record}"
    before = here.records()
    etag = here.town.doors.get(path, headers=here.resident.headers).headers["etag"]
    headers = {**here.resident.headers, "if-match": etag}
    for what, (raw, pointer, code) in BAD.items():
        if what in {"a list", "a text", "nothing"}:
            pointer, code = "", "required" if raw is None else "not-an-object"
        if what in {"a bad id", "an id in braces", "an id that is a number"}:
            pointer, code = "/id", "other-id"
        answer = here.town.doors.put(path, json=raw, headers=headers)
        problem = refused(answer, CANARY, "61.27")
        assert problem["status"] == 422, what
        found = [(fault["pointer"], fault["code"]) for fault in problem["errors"]]
        assert (pointer, code) in found, (what, found)
    assert here.records() == before


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"records": []}, "/records", "wrong-length"),
        ({"records": [PRESSURE] * 1001}, "/records", "wrong-length"),
        ({"records": {"0": PRESSURE}}, "/records", "not-a-list"),
        ({"records": CANARY}, "/records", "not-a-list"),
        ({"records": None}, "/records", "not-a-list"),
        ({}, "/records", "required"),
        ({"records": [PRESSURE], "more": CANARY}, "/more", "unknown-field"),
    ],
)
def test_a_batch_that_is_none(here: Standing, body: Any, pointer: str, code: str) -> None:
    before = here.records()
    problem = refused(send(here, "/v1/me/records", body), CANARY)
    assert problem["status"] == 422
    found = [(fault["pointer"], fault["code"]) for fault in problem["errors"]]
    assert found == [(pointer, code)]
    assert here.records() == before


def test_a_number_that_is_not_finite_stops_the_whole_batch(here: Standing) -> None:
    """The bytes are no JSON document, so no part of them is trusted."""
    before = here.records()
    good = json.dumps(PRESSURE)
    for number in ("NaN", "Infinity", "-Infinity", "1e999", "1" + "0" * 400):
        bad = good.replace("128", number)
        content = f'{{"records": [{good}, {bad}]}}'.encode()
        problem = refused(send(here, "/v1/me/records", content))
        assert (problem["status"], problem["code"]) == (400, "not-finite")
        assert problem["errors"][0]["pointer"] == "/records/1/values/systolic_bp"
    assert here.records() == before


def test_negative_zero_is_zero(here: Standing) -> None:
    record = {**observed(pain_score=-0.0), "id": str(uuid4())}
    assert send(here, "/v1/me/records", {"records": [record]}).json()["results"][0]["rev"]
    path = f"/v1/me/records/{record['id']}"
    read = here.town.doors.get(path, headers=here.resident.headers)
    assert str(read.json()["values"]["pain_score"]) in {"0", "0.0"}


def samples(**changes: Any) -> dict[str, Any]:
    day = {"measure": "heart_rate", "day": "2026-11-18", "t": [60, 120], "v": [61.27, 62]}
    return {**day, **changes}


BAD_SERIES: dict[str, tuple[Any, str, str]] = {
    "true": (samples(v=[True, 62]), "/v/0", "not-a-number"),
    "text": (samples(v=[61, CANARY]), "/v/1", "not-a-number"),
    "a value out of range": (samples(v=[61, 6127]), "/v/1", "out-of-range"),
    "fewer values": (samples(v=[61.27]), "/v", "length-mismatch"),
    "a second beyond the day": (samples(t=[60, 86_400]), "/t/1", "not-a-second"),
    "a second before the day": (samples(t=[-1, 60]), "/t/0", "not-a-second"),
    "half a second": (samples(t=[0.5, 60]), "/t/0", "not-a-second"),
    "true as a second": (samples(t=[True, 60]), "/t/0", "not-a-second"),
    "a huge second": (samples(t=[10**19, 60]), "/t/0", "not-a-second"),
    "a record's measure": (samples(measure="body_weight"), "/measure", "not-a-series"),
    "an unknown measure": (samples(measure=CANARY), "/measure", "unknown-measure"),
    "a future day": (samples(day="2026-11-21"), "/day", "future"),
    "a day before birth": (samples(day="1980-05-16"), "/day", "before-birth"),
    "no day": (samples(day="2026-02-30"), "/day", "bad-day"),
    "an instant for a day": (samples(day="2026-11-18T00:00:00Z"), "/day", "bad-day"),
    "another unit": (samples(unit="mmol/L"), "/unit", "unknown-unit"),
    "an unknown member": (samples(colour=CANARY), "/colour", "unknown-field"),
    "a text for a column": (samples(v=CANARY), "/v", "wrong-type"),
    "a text": (CANARY, "", "wrong-type"),
}


def test_samples_that_cannot_be_are_rejected_by_the_day(here: Standing) -> None:
    good = samples(day="2026-11-17")
    batch = [*(raw for raw, _, _ in BAD_SERIES.values()), good]
    with everything_logged() as pages:
        answer = send(here, "/v1/me/series", {"series": batch})
    assert answer.status_code == 200
    assert CANARY not in answer.text + pages.getvalue()
    assert "61.27" not in answer.text + pages.getvalue()
    *rejected, kept = answer.json()["results"]
    assert kept["status"] in {"created", "unchanged"}
    for number, (what, (_, pointer, code)) in enumerate(BAD_SERIES.items()):
        line = rejected[number]
        assert line["status"] == "rejected", what
        found = [(fault["pointer"], fault["code"]) for fault in line["problem"]["errors"]]
        assert (f"/series/{number}{pointer}", code) in found, (what, found)
    read = here.town.doors.get("/v1/me/series/heart_rate", headers=here.resident.headers)
    assert read.json()["day"] == "2026-11-17"
    assert read.json()["t"] == [60, 120]


def test_a_series_batch_that_is_none(here: Standing) -> None:
    for body in ({"series": []}, {"series": [samples()] * 1001}, {"series": CANARY}, {}):
        problem = refused(send(here, "/v1/me/series", body), CANARY)
        assert problem["status"] == 422
        assert [fault["pointer"] for fault in problem["errors"]] == ["/series"]


def test_values_that_are_only_imagined_are_checked_too(here: Standing) -> None:
    cases = {
        "body_weight": ([True, "61.27", 6127, 10**19, CANARY], "/values/body_weight"),
        "no_such": ([61.27], "/values"),
        "smoking_status": ([CANARY, 1], "/values/smoking_status"),
    }
    for code, (values, pointer) in cases.items():
        for value in values:
            answer = send(here, "/v1/me/prompt/what-if", {"values": {code: value}})
            problem = refused(answer, CANARY, "61.27")
            assert problem["status"] == 422
            # A union of shapes may add the shape's own name behind the place.
            places = {fault["pointer"] for fault in problem["errors"]}
            assert all(place.startswith(pointer) for place in places), places


def test_what_a_doctor_sends_is_checked_alike(here: Standing) -> None:
    before = here.records()
    path = f"/v1/doctor/patients/{here.resident.id}/records"
    answer = here.town.doors.post(
        path,
        json={"records": [raw for raw, _, _ in BAD.values()]},
        headers=here.doctor.headers,
    )
    assert answer.status_code == 200
    assert CANARY not in answer.text
    statuses = {
        what: line["status"] for what, line in zip(BAD, answer.json()["results"], strict=True)
    }
    accepted = [what for what, status in statuses.items() if status != "rejected"]
    # Who measured is the doctor whatever the record says, so a bad source is not read.
    assert accepted == ["an unknown source", "a source that is a text"]
    kept = {record["id"] for record in here.records()} - {record["id"] for record in before}
    assert len(kept) == 2
