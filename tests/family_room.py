"""Parents and their children in a town, for tests of guardianship over HTTP."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from tests.house_room import COMMUNITY, PASSWORD, Person, Town

BORN = "2016-03-09"


@dataclass(frozen=True)
class Child:
    """A child and the person who asks for it; `path` is where its operations stand."""

    id: str
    town: Town
    guardian: Person

    @property
    def path(self) -> str:
        return f"/v1/me/children/{self.id}"

    def ask(self, method: str, rest: str = "", body: object = None, **more: Any) -> httpx.Response:
        headers = {**more.pop("headers", {}), **self.guardian.headers}
        kept = {} if body is None else {"json": body}
        return self.town.doors.request(method, self.path + rest, headers=headers, **kept, **more)

    def by(self, somebody: Person) -> "Child":
        """The same child, asked for by somebody else."""
        return Child(self.id, self.town, somebody)

    def joined_by(self, somebody: Person) -> "Child":
        """The same child with one guardian more, who asks."""
        code = ok(self.ask("POST", "/guardians"), 201)["code"]
        join = self.town.doors.post(
            "/v1/me/children/join", json={"code": code}, headers=somebody.headers
        )
        assert ok(join, 201)["resident_id"] == self.id
        return self.by(somebody)

    def until(self) -> datetime:
        """When the guardianship ends, as the guardian is told."""
        mine = ok(self.town.doors.get("/v1/me/children", headers=self.guardian.headers))["items"]
        (told,) = (one["until"] for one in mine if one["resident_id"] == self.id)
        return datetime.fromisoformat(told)


def wish(**changes: Any) -> dict[str, Any]:
    child = {"name": "林小乐", "birth_date": BORN, "sex": "male", "region": COMMUNITY}
    return child | changes


def begin(town: Town, guardian: Person, **changes: Any) -> Child:
    """A child whose file the guardian begins."""
    made = town.doors.post("/v1/me/children", json=wish(**changes), headers=guardian.headers)
    return Child(ok(made, 201)["resident_id"], town, guardian)


def claim(town: Town, code: str, login: str, password: str = PASSWORD) -> httpx.Response:
    body = {"code": code, "login": login, "password": password}
    return town.doors.post("/v1/auth/claim", json=body)


def ok(answer: httpx.Response, status: int = 200) -> Any:
    assert answer.status_code == status, (answer.status_code, answer.text)
    return answer.json() if answer.content else None


def refused(answer: httpx.Response, status: int, rule: str | None = None) -> dict[str, Any]:
    problem: dict[str, Any] = ok(answer, status)
    assert problem.get("rule") == rule, problem
    return problem
