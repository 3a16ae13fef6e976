"""A resident and the doctor they signed with, as appeals and explanations pass between them."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from tests.conftest import MovingClock
from tests.family_room import ok
from tests.house_room import Person, Town, town
from tests.record_room import pressures
from tests.standing_room import settings

REASON = "袖带太小，量得不准"
LOGINS = iter(range(10_000))


@dataclass(frozen=True)
class Pair:
    """A resident and the doctor they signed with."""

    town: Town
    resident: Person
    doctor: Person

    def ask(self, who: Person, method: str, path: str, body: Any = None) -> httpx.Response:
        kept = {} if body is None else {"json": body}
        return self.town.doors.request(method, path, headers=who.headers, **kept)

    def me(self, method: str, rest: str, body: Any = None, status: int = 200) -> Any:
        return ok(self.ask(self.resident, method, f"/v1/me{rest}", body), status)

    def log(self, *records: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.me("POST", "/records", {"records": records})
        return found

    def appeal(self, status: int = 201, *, for_doctor: bool = True, **about: Any) -> dict[str, Any]:
        body = {"about": about, "reason": REASON, "for_doctor": for_doctor}
        found: dict[str, Any] = self.me("POST", "/appeals", body, status)
        return found

    def worklist(self, doctor: Person | None = None) -> list[dict[str, Any]]:
        answer = ok(self.ask(doctor or self.doctor, "GET", "/v1/doctor/appeals?limit=1000"))
        return [one for one in answer["items"] if one["patient_id"] == self.resident.id]

    def answer(
        self, appeal: str, outcome: str = "upheld", doctor: Person | None = None
    ) -> httpx.Response:
        path = f"/v1/doctor/patients/{self.resident.id}/appeals/{appeal}/answer"
        body = {"outcome": outcome, "reason": "请换大袖带复测。"}
        return self.ask(doctor or self.doctor, "POST", path, body)


def high(pair: Pair) -> dict[str, Any]:
    """The prompt after a high pressure."""
    pair.log(*pressures(165, 102, pair.town.house.clock().isoformat()))
    found: dict[str, Any] = pair.me("GET", "/prompt")
    assert found["level"] >= 3
    return found


@contextmanager
def moving_town(kind: str, folder: Path, clock: MovingClock) -> Iterator[Town]:
    """A town of one of the two stores for a whole file of tests, by a clock of theirs."""
    with ExitStack() as stack:
        yield stack.enter_context(town(settings(folder, kind, stack), clock))


@contextmanager
def put_back(clock: MovingClock) -> Iterator[MovingClock]:
    """The clock of such a town for one test; then it is what it was."""
    start = clock.now
    yield clock
    clock.now = start


def a_clock() -> MovingClock:
    return MovingClock(datetime(2026, 11, 20, 1, 0, tzinfo=UTC))


def a_pair(here: Town) -> Pair:
    """A resident born in 1966 and the doctor they signed with, who may see body and profile."""
    lin = here.resident(f"lin-{next(LOGINS)}", birth_date="1966-02-03")
    zhou = here.doctor(f"dr-{next(LOGINS)}")
    wish = {"doctor_id": zhou.id, "package": "basic", "data_classes": ["body", "profile"]}
    ok(here.doors.post("/v1/me/contract", json=wish, headers=lin.headers), 201)
    return Pair(here, lin, zhou)
