"""A resident and the doctor they signed with, as appeals and explanations pass between them."""

from dataclasses import dataclass
from typing import Any

import httpx

from tests.family_room import ok
from tests.house_room import Person, Town
from tests.record_room import pressures

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


def a_pair(here: Town) -> Pair:
    """A resident born in 1966 and the doctor they signed with, who may see body and profile."""
    lin = here.resident(f"lin-{next(LOGINS)}", birth_date="1966-02-03")
    zhou = here.doctor(f"dr-{next(LOGINS)}")
    wish = {"doctor_id": zhou.id, "package": "basic", "data_classes": ["body", "profile"]}
    ok(here.doors.post("/v1/me/contract", json=wish, headers=lin.headers), 201)
    return Pair(here, lin, zhou)
