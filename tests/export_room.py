"""A resident with something of every kind, and the three forms of an export read back as data."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from uuid import uuid4
from zipfile import ZipFile

import httpx
from anyio import sleep_forever, to_thread

from service.domain.questionnaires.instruments import INSTRUMENTS
from service.domain.vocabulary.codes import CODES
from service.domain.vocabulary.measures import MEASURES, Measure
from tests.api.test_grants_api import care, give, ok, sign
from tests.house_room import Person, Town

EXPORT = "/v1/me/export"
FORMS = ("json", "fhir", "csv")
START = "2026-11-18T08:00:00+08:00"
STATED = ("condition", "medication", "family_history", "procedure", "vaccination", "workout")
FORMULA = '=HYPERLINK("http://evil.test")'
Value = tuple[str, str, float | str, str | None]
"""Record, measure, value and unit; or measure, moment, value and unit."""


def entries() -> list[dict[str, Any]]:
    """Records of every kind, and a value of every measure that an adult woman may log."""
    found = [_entry("observation", values={code: value}) for code, value in _values()]
    pressure = {"systolic_bp": 131, "diastolic_bp": 84}
    found.append(_entry("observation", values=pressure, note=FORMULA))
    for kind in STATED:
        code = next(iter(CODES[kind]))
        found.append(_entry(kind, code=code, note='第一行\n第二行, "引号"'))
    found.append(
        _entry("condition", code="hypertension", status="resolved", end="2026-11-19T08:00:00+08:00")
    )
    found.append(_entry("goal", code=next(iter(CODES["goal"])), values={"body_weight": 58.25}))
    found.append(_entry("sleep", values={"sleep_duration": 7.5}, end="2026-11-18T16:00:00+08:00"))
    found.append(_entry("fitness_test", values={"grip_strength": 31.5}))
    phq = INSTRUMENTS["phq9"]
    answers = dict.fromkeys(phq.items, 0)
    found.append(_entry("questionnaire", questionnaire="phq9", answers=answers))
    return found


def _entry(kind: str, **more: Any) -> dict[str, Any]:
    source = {"kind": "device", "name": "+Omron"}
    return {"id": str(uuid4()), "kind": kind, "start": START, "source": source, **more}


def _values() -> Iterator[tuple[str, float | str]]:
    for code, measure in MEASURES.items():
        if measure.storage == "record" and measure.sex != "male":
            yield code, _some(measure)


def _some(measure: Measure) -> float | str:
    if measure.options:
        return list(measure.options)[-1]
    low, high = measure.plausible
    return round(((low or 0) + (high if high is not None else 100)) / 2, 0)


SERIES = [
    {"measure": "heart_rate", "day": "2026-11-18", "t": [0, 60, 86399], "v": [61, 62.5, 63]},
    {"measure": "heart_rate", "day": "2026-11-19", "t": [3600], "v": [71]},
    {"measure": "steps", "day": "2026-11-19", "t": [60, 120], "v": [12, 34]},
]


def furnished(here: Town, login: str = "lin") -> Person:
    """Somebody with all of it; what is not kept (a measure that is derived) is kept nowhere."""
    lin, zhou = here.resident(login), here.doctor(f"dr.{login}")
    sign(here, lin, zhou, "profile", "body")
    ok(here.doors.delete("/v1/me/contract", headers=lin.headers))
    sign(here, lin, zhou, "profile", "lifestyle")
    refusal = care(zhou, "mental", deny=True)
    assert give(here, lin, refusal).status_code == 201
    log(here, lin, entries())
    ok(here.doors.post("/v1/me/series", json={"series": SERIES}, headers=lin.headers))
    ok(here.doors.get("/v1/me/prompt", headers=lin.headers))
    record = ok(here.doors.get("/v1/me/records?limit=1", headers=lin.headers))["items"][0]["id"]
    body = {"about": {"record": record}, "reason": "@不对", "for_doctor": False}
    ok(here.doors.post("/v1/me/appeals", json=body, headers=lin.headers), 201)
    asked = f"/v1/doctor/patients/{lin.id}/requests"
    # The first may not ask again for a while: a contract with them was ended.
    other = here.doctor(f"dr.other.{login}")
    assert give(here, lin, care(other, "body")).status_code == 201
    ok(here.doors.post(asked, json={"data_classes": ["fitness"]}, headers=other.headers), 201)
    return lin


def log(here: Town, who: Person, records: list[dict[str, Any]]) -> None:
    for start in range(0, len(records), 1000):
        body = {"records": records[start : start + 1000]}
        ok(here.doors.post("/v1/me/records", json=body, headers=who.headers))


def exported(here: Town, who: Person, form: str = "json") -> httpx.Response:
    answer = here.doors.get(EXPORT, params={"format": form}, headers=who.headers)
    assert answer.status_code == 200, answer.text
    return answer


def sheets(body: bytes) -> dict[str, list[dict[str, str]]]:
    """The rows of each CSV file, as a program reads them."""
    with ZipFile(io.BytesIO(body)) as archive:
        assert archive.testzip() is None
        texts = {one: archive.read(one).decode("utf-8") for one in archive.namelist()}
    assert all(text.startswith("\ufeff") for text in texts.values())
    return {
        name.removesuffix(".csv"): list(csv.DictReader(io.StringIO(text[1:], newline="")))
        for name, text in texts.items()
    }


def plain(cell: str) -> str:
    """A text as it was before it was guarded."""
    return cell.removeprefix("'")


def resources(body: bytes, kind: str) -> list[dict[str, Any]]:
    bundle = json.loads(body)
    return [one["resource"] for one in bundle["entry"] if one["resource"]["resourceType"] == kind]


class Taken(NamedTuple):
    """What came of a stream, and whether the application said that it was all."""

    status: int
    body: bytes
    is_whole: bool


def streamed(
    here: Town,
    who: Person,
    form: str = "json",
    *,
    meanwhile: Callable[[int], None] = lambda chunk: None,
    keep: bool = True,
) -> Taken:
    """An export as a server takes it, chunk by chunk; `meanwhile` runs before each is taken on."""
    app = here.doors._client._transport.app  # type: ignore[attr-defined]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "headers": [(name.encode(), text.encode()) for name, text in who.headers.items()],
        "scheme": "http",
        "path": EXPORT,
        "raw_path": EXPORT.encode(),
        "query_string": f"format={form}".encode(),
        "server": ("kangma.test", 80),
        "client": ("127.0.0.1", 50000),
        "root_path": "",
    }

    async def take() -> Taken:
        status, chunks, body, whole, asked = 0, 0, bytearray(), False, False

        async def receive() -> dict[str, Any]:
            nonlocal asked
            if asked:
                await sleep_forever()
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            nonlocal status, chunks, whole
            if message["type"] == "http.response.start":
                status = message["status"]
                return
            if keep:
                body.extend(message.get("body", b""))
            whole = not message.get("more_body", False)
            await to_thread.run_sync(meanwhile, chunks)
            chunks += 1

        await app(scope, receive, send)
        return Taken(status, bytes(body), whole)

    return here.doors._portal.call(take)
