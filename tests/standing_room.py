"""A town that stands for a whole file of tests, with a patient, their doctor and a city client.

Tests that only knock at doors, and check that nothing changed, share one house: making one costs
a second or two.
"""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import structlog

from service.cli.releases import publish_now
from service.jobs import checkpoint
from service.kit.settings import Settings
from tests import family_room as family
from tests.conftest import stores
from tests.house_room import Person, Town, town

NOW = datetime(2026, 11, 20, 1, tzinfo=UTC)
AS_OF = datetime(2026, 11, 20, tzinfo=UTC)
CLASSES = ["body", "screening"]
PRESSURE: dict[str, Any] = {
    "kind": "observation",
    "start": "2026-11-19T08:00:00+08:00",
    "values": {"systolic_bp": 128, "diastolic_bp": 82},
}


@dataclass(frozen=True)
class Ward:
    """A child of somebody in the town, with a grant and a record."""

    id: str
    grant: str
    record: str


@dataclass(frozen=True)
class Standing:
    """The town and the people in it. The resident has signed with the doctor.

    `child` is the resident's, where there is one; it has signed with the doctor too.
    """

    town: Town
    resident: Person
    doctor: Person
    city: Person
    grant: str
    record: str
    release: str
    child: Ward | None = None

    def person(self, audience: str | None) -> Person | None:
        people = {"resident": self.resident, "doctor": self.doctor, "city": self.city}
        return None if audience is None else people[audience]

    def records(self) -> list[dict[str, Any]]:
        """All that the resident has stored."""
        answer = self.town.doors.get("/v1/me/records?limit=1000", headers=self.resident.headers)
        assert answer.status_code == 200
        found: list[dict[str, Any]] = answer.json()["items"]
        return found


def settings(folder: Path, store: str, stack: ExitStack) -> Settings:
    """Settings of a house on one of the two databases, both stores on the same kind."""
    kek = f"file:{folder / 'keys' / 'kek.json'}"
    return Settings(data=folder / "data", kek=kek, profile="test", **stores(store, stack))


@contextmanager
def standing(folder: Path, store: str = "sqlite") -> Iterator[Standing]:
    with ExitStack() as stack:
        here = stack.enter_context(town(settings(folder, store, stack), lambda: NOW))
        yield inhabited(here)


def inhabited(here: Town) -> Standing:
    """People move in; the resident signs over two classes and logs a record.

    Their doctor looks once, and a release and a checkpoint of the access log are made.
    """
    lin, zhou, city = here.resident("lin"), here.doctor(), here.city()
    wish = {"doctor_id": zhou.id, "package": "basic", "data_classes": CLASSES}
    signed = here.doors.post("/v1/me/contract", json=wish, headers=lin.headers)
    assert signed.status_code == 201, signed.text
    logged = here.doors.post("/v1/me/records", json={"records": [PRESSURE]}, headers=lin.headers)
    assert logged.json()["results"][0]["status"] == "created", logged.text
    record = logged.json()["results"][0]["id"]
    release = publish_now(here.house, AS_OF)["release_id"]
    looked = here.doors.get(f"/v1/doctor/patients/{lin.id}", headers=zhou.headers)
    assert looked.status_code == 200, looked.text
    checkpoint.make(here.house, now=NOW)
    child = ward(here, lin, zhou)
    return Standing(here, lin, zhou, city, signed.json()["grant_id"], record, release, child)


def ward(here: Town, guardian: Person, doctor: Person) -> Ward:
    """A child of somebody, who signed it up with a doctor and logged a record."""
    child = family.begin(here, guardian)
    wish = {"doctor_id": doctor.id, "package": "basic", "data_classes": CLASSES}
    grant = family.ok(child.ask("POST", "/contract", wish), 201)["grant_id"]
    logged = family.ok(child.ask("POST", "/records", {"records": [PRESSURE]}))
    return Ward(child.id, grant, logged["results"][0]["id"])


@contextmanager
def everything_logged() -> Iterator[StringIO]:
    """Every line any logger of this process writes meanwhile, at its most talkative."""
    pages = StringIO()
    handler = logging.StreamHandler(pages)
    handler.setLevel(logging.DEBUG)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with structlog.testing.capture_logs() as lines:
            yield pages
            pages.write("\n".join(map(str, lines)))
    finally:
        root.removeHandler(handler)
        root.setLevel(before)


def refused(answer: httpx.Response, *canaries: str) -> dict[str, Any]:
    """The problem of a 4xx answer, which repeats no canary in body or headers."""
    assert 400 <= answer.status_code < 500, (answer.status_code, answer.text[:300])
    assert answer.headers["content-type"] == "application/problem+json"
    for canary in canaries:
        assert canary not in answer.text
        assert canary not in str(answer.headers)
    problem: dict[str, Any] = answer.json()
    return problem
