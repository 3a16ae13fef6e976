"""A town in which somebody is found unconscious, and what a doctor and the person then ask."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from service.identity import store as identity
from tests.conftest import MovingClock
from tests.house_room import Person, Town, town
from tests.standing_room import settings

REASON = "倒在路边，昏迷，需要了解用药与过敏史"
RECORD = {
    "kind": "observation",
    "start": "2026-11-19T08:00:00+08:00",
    "values": {"systolic_bp": 192, "diastolic_bp": 118, "hiv_screen": "positive"},
}
SAMPLES = {"measure": "heart_rate", "day": "2026-11-19", "t": [60], "v": [171]}
HOURS = timedelta(hours=4)
LOGINS = iter(range(1000))


def ok(answer: httpx.Response, status: int = 200) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    document: dict[str, Any] = answer.json()
    return document


def break_glass(here: Town, who: Person, subject: str, reason: str = REASON) -> httpx.Response:
    address = f"/v1/doctor/patients/{subject}/emergency"
    return here.doors.post(address, json={"reason": reason}, headers=who.headers)


def look(here: Town, who: Person, subject: str, rest: str = "") -> httpx.Response:
    return here.doors.get(f"/v1/doctor/patients/{subject}{rest}", headers=who.headers)


def entries(here: Town, who: Person) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = ok(here.doors.get("/v1/me/access-log", headers=who.headers))[
        "items"
    ]
    return items


def notices(here: Town, who: Person) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = ok(here.doors.get("/v1/me/notices", headers=who.headers))["items"]
    return items


def without_id(answer: httpx.Response) -> dict[str, Any]:
    return {name: value for name, value in answer.json().items() if name != "request_id"}


def again(here: Town, clock: MovingClock, who: Person) -> Person:
    """The same resident, signed in again after the clock moved past the life of a token."""
    return here.sign_in(who.login)


def clinic_of(here: Town, doctor: Person) -> str:
    known = here.house.db.read(lambda conn: identity.practitioner(conn, UUID(doctor.id)))
    assert known is not None
    return str(known.clinic_id)


@contextmanager
def emergency_town(folder: Path, kind: str, clock: MovingClock) -> Iterator[Town]:
    """A town of its own for a file of tests, on one of the two databases."""
    with ExitStack() as stack:
        yield stack.enter_context(town(settings(folder, kind, stack), clock))


def somebody(here: Town) -> Person:
    """Somebody with a record, who has signed with nobody."""
    made = here.resident(f"lin-{next(LOGINS)}")
    logged = here.doors.post("/v1/me/records", json={"records": [RECORD]}, headers=made.headers)
    assert logged.json()["results"][0]["status"] == "created", logged.text
    ok(here.doors.post("/v1/me/series", json={"series": [SAMPLES]}, headers=made.headers))
    return made


def stranger(here: Town) -> Person:
    """A doctor who never had to do with anybody, signed in with two proofs."""
    return here.strong(here.doctor(f"dr-{next(LOGINS)}"))
