"""What tests of the doctor's doors ask, log and sign."""

from typing import Any
from uuid import uuid4

import httpx

from tests.house_room import Person, Town

PRESSURE = {"systolic_bp": 192, "diastolic_bp": 118}


def ok(answer: httpx.Response, status: int = 200) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    document: dict[str, Any] = answer.json()
    return document


def log(here: Town, who: Person, values: dict[str, Any], day: str = "2026-11-20") -> str:
    record = {
        "id": str(uuid4()),
        "kind": "observation",
        "start": f"{day}T08:00:00+08:00",
        "values": values,
    }
    answer = here.doors.post("/v1/me/records", json={"records": [record]}, headers=who.headers)
    assert ok(answer)["results"][0]["status"] == "created", answer.text
    return record["id"]


def sign(here: Town, who: Person, doctor: Person, *classes: str) -> dict[str, Any]:
    body = {"doctor_id": doctor.id, "package": "basic", "data_classes": list(classes)}
    return ok(here.doors.post("/v1/me/contract", json=body, headers=who.headers), 201)


def patient(here: Town, doctor: Person, who: str, rest: str = "", **query: Any) -> httpx.Response:
    address = f"/v1/doctor/patients/{who}{rest}"
    return here.doors.get(address, params=query, headers=doctor.headers)


def access_log(here: Town, who: Person, **query: Any) -> list[dict[str, Any]]:
    answer = here.doors.get("/v1/me/access-log", params=query, headers=who.headers)
    items: list[dict[str, Any]] = ok(answer)["items"]
    return items
