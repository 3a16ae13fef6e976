"""Addresses, queries, headers and forms that no operation may take, for every operation there is.

Everything left out of the query is left out by intention, so an operation never guesses: what it
does not know it refuses, and it names the parameter without repeating its value.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import httpx
import pytest

from tests.contract.validated import document
from tests.standing_room import PRESSURE, Standing, everything_logged, refused, standing

CANARY = "canary-e20b7"


class Door(NamedTuple):
    name: str
    method: str
    path: str
    audience: str | None
    operation: dict[str, Any]

    def parameters(self, place: str) -> dict[str, dict[str, Any]]:
        """Name and schema of each parameter of the path or the query."""
        return {
            one["name"]: one["schema"]
            for one in self.operation.get("parameters", ())
            if one["in"] == place
        }


def every_door() -> list[Door]:
    found = []
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            locks = [lock for each in operation.get("security", ()) for lock in each]
            audience = locks[0] if locks else None
            name = operation["operationId"]
            found.append(Door(name, method.upper(), path, audience, operation))
    return found


DOORS = [door for door in every_door() if not door.name.endswith("_of_child")]
"""A child's doors are served by the same functions as those of an owner."""
ASKED = [door for door in DOORS if door.parameters("query")]
PLACED = [door for door in DOORS if door.parameters("path")]


def named(doors: list[Door]) -> Any:
    return pytest.mark.parametrize("door", doors, ids=[door.name for door in doors])


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    with standing(tmp_path_factory.mktemp("queries")) as opened:
        yield opened


NOBODYS = "00000000-0000-4000-8000-000000000000"


def knock(
    here: Standing, door: Door, query: Any = None, places: dict[str, str] | None = None
) -> httpx.Response:
    known = {
        "patient_id": here.resident.id,
        "child_id": here.child.id if here.child else "",
        "record_id": here.record,
        "grant_id": here.grant,
        "model_id": "china_par_10y",
        "standard_id": "cn-nsphs-2014",
        "measure": "heart_rate",
        "code": "body_weight",
        "id": "phq9",
        "release_id": here.release,
        "node": "own",
        "data_class": "body",
        "notice_id": "care",
        **dict.fromkeys(
            ("passkey_id", "request_id", "session_id", "appeal_id", "explanation_id"), NOBODYS
        ),
    }
    person = here.person(door.audience)
    headers = {"if-match": '"1"', **(person.headers if person else {})}
    address = door.path.format(**(known | (places or {})))
    return here.town.doors.request(door.method, address, params=query, headers=headers)


@named(DOORS)
def test_an_unknown_parameter(here: Standing, door: Door) -> None:
    with everything_logged() as pages:
        problem = refused(knock(here, door, {"no_such": CANARY}), CANARY)
    assert (problem["status"], problem["code"]) == (400, "unknown-parameter")
    assert [fault["pointer"] for fault in problem["errors"]] == ["/query/no_such"]
    spelt = refused(knock(here, door, {f"{CANARY} x": "1"}), CANARY)
    assert [fault["pointer"] for fault in spelt["errors"]] == ["/query"]
    # The client's own log names its addresses; what counts is the service's.
    lines = [line for line in pages.getvalue().splitlines() if "kangma.test" not in line]
    assert CANARY not in "\n".join(lines)


WRONG: dict[str, tuple[str, ...]] = {
    "limit": ("0", "-1", "1001", "1e2", "ten", "", "9" * 400, "NaN", "1.5", " "),
    "cursor": (CANARY, "AAAA", "====", "%00", "あ", "A" * 513, "A" * 80, "\ud800".encode(
        "utf-8", "surrogatepass").decode("latin-1"), "null", "W10"),
    "from": (CANARY, "2026-13-01", "yesterday", "0000-00-00", "0001-01-01T00:00:00+14:00x", "1"),
    "to": (CANARY, "2026-02-30", "9999-99-99", "20261120", "2026-11-20T08:00"),
    "measure": (CANARY, "SYSTOLIC_BP", "x" * 65),
    "kind": (CANARY, "Observation"),
    "resolution": (CANARY, "second"),
    "sort": (CANARY, "name;drop"),
    "level": (CANARY, "0", "6", "true"),
    "due": (CANARY, "2"),
    "year": (CANARY, "0", "1e3", "", "99999", "2026.5"),
    "format": (CANARY, "xlsx"),
    "q": ("x" * 65,),
    "region": ("x" * 101,),
    "metric": ("x" * 41,),
    "sex": ("x" * 41,),
    "age": ("x" * 41,),
    "parent": ("x" * 101,),
    "since": (CANARY, "-1", "1.5", "9" * 400),
    "at": (CANARY, "yesterday", "2026-13-01T00:00:00Z", "2026-11-20T08:00:00"),
}  # fmt: skip


@named(ASKED)
def test_a_value_that_a_parameter_cannot_have(here: Standing, door: Door) -> None:
    for name in door.parameters("query"):
        assert name in WRONG, f"add bad values of {name} to WRONG"
        # PostgreSQL holds no NUL, and would answer with a failure of ours.
        for value in (*WRONG[name], "\0", "33\0"):
            asked = {"metric": "bmi"} if door.name == "get_release_map" else {}
            problem = refused(knock(here, door, {**asked, name: value}), CANARY)
            assert problem["status"] == 400, (name, value[:40])
            places = {fault["pointer"] for fault in problem["errors"]}
            assert places == {f"/query/{name}"}, (name, value[:40])


@named(PLACED)
def test_an_address_that_names_nothing(here: Standing, door: Door) -> None:
    for name in door.parameters("path"):
        for value in (CANARY, "0", "%20", "%2e%2e", "x" * 3000, "%00", "%ED%A0%80", "%FF", "血压",
                      str(uuid4()), str(UUID(int=0)), f"{{{uuid4()}}}"):  # fmt: skip
            query = {"metric": "bmi"} if door.name == "get_release_map" else None
            problem = refused(knock(here, door, query, {name: value}), CANARY)
            # Which of an unsent body and an unknown address is told first is of no importance.
            assert problem["status"] in {404, 422}, (name, value[:40])


def test_a_cursor_of_another_list_or_person(here: Standing) -> None:
    doors, lin = here.town.doors, here.resident
    batch = {"records": [PRESSURE, PRESSURE]}
    doors.post("/v1/me/records", json=batch, headers=lin.headers)
    page = doors.get("/v1/me/records?limit=1", headers=lin.headers).json()
    cursor = page["next"]
    assert doors.get("/v1/me/records", params={"cursor": cursor}, headers=lin.headers).json()[
        "items"
    ]
    other = here.town.resident("zhao")
    assert doors.post("/v1/me/records", json=batch, headers=other.headers).status_code == 200
    bent = cursor[:-6] + ("A" if cursor[-6] != "A" else "B") + cursor[-5:]
    tries = [
        (other.headers, "/v1/me/records", {"cursor": cursor}),
        (lin.headers, "/v1/me/records", {"cursor": cursor, "kind": "observation"}),
        (lin.headers, "/v1/me/records", {"cursor": bent}),
        (lin.headers, "/v1/me/grants", {"cursor": cursor}),
        (lin.headers, "/v1/me/access-log", {"cursor": cursor}),
        (lin.headers, "/v1/me/doctors", {"cursor": cursor}),
        (here.doctor.headers, "/v1/doctor/panel", {"cursor": cursor}),
        (here.doctor.headers, f"/v1/doctor/patients/{lin.id}/records", {"cursor": cursor[:-1]}),
    ]
    for headers, path, query in tries:
        problem = refused(doors.get(path, params=query, headers=headers), cursor)
        assert (problem["status"], problem["code"]) == (400, "bad-cursor"), path


@pytest.mark.parametrize(
    "condition", ["", "*", "W/", '"1', CANARY, '"-1"', "9" * 64, '"٣"', '"1", "2"', "1e3", "0x1"]
)
def test_a_condition_that_names_no_revision(here: Standing, condition: str) -> None:
    before = here.records()
    headers = {**here.resident.headers, "if-match": condition.encode()}
    for method in ("PUT", "DELETE"):
        answer = here.town.doors.request(
            method,
            f"/v1/me/records/{here.record}",
            headers=headers,
            **({"json": PRESSURE} if method == "PUT" else {}),
        )
        assert refused(answer, CANARY)["status"] == 412
    assert here.records() == before


def test_a_condition_that_is_missing(here: Standing) -> None:
    path = f"/v1/me/records/{here.record}"
    answer = here.town.doors.delete(path, headers=here.resident.headers)
    assert refused(answer)["status"] == 428
    answer = here.town.doors.put(path, json=PRESSURE, headers=here.resident.headers)
    assert refused(answer)["status"] == 428


FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (b"", FORM),
        (b"grant_type=", FORM),
        (b"grant_type=password&username=%ff%fe&password=%00", FORM),
        (b"grant_type=password&username=\xff&password=x", FORM),
        (b"grant_type=password&username=%ed%a0%80&password=x", FORM),
        (b"grant_type=password&username=" + CANARY.encode() * 100 + b"&password=x", FORM),
        (b"grant_type=password&username=x&password=" + CANARY.encode() * 100, FORM),
        (b"grant_type=password&grant_type=" + CANARY.encode(), FORM),
        (b"&" * 5000, FORM),
        (b"a=1&" * 5000, FORM),
        (b"grant_type=refresh_token&refresh_token=" + CANARY.encode(), FORM),
        (b"grant_type=client_credentials&client_id=x&client_secret=" + CANARY.encode(), FORM),
        (b'{"grant_type": "password"}', {"content-type": "application/json"}),
        (b"grant_type=password", {"content-type": "text/plain"}),
        (b"--x\r\n", {"content-type": "multipart/form-data; boundary=x"}),
        (b"--x\r\n", {"content-type": "multipart/form-data"}),
        (b"--x\r\nContent-Disposition: form-data; name=\"grant_type\"; filename=\"a\"\r\n\r\n"
         + CANARY.encode() + b"\r\n--x--\r\n", {"content-type": "multipart/form-data; boundary=x"}),
        (b"\x1f\x8b" + CANARY.encode(), {**FORM, "content-encoding": "gzip"}),
        (b"grant_type=" + b"p" * (2 << 20), FORM),
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/v1/auth/token", "/v1/auth/revoke"])
def test_a_form_that_is_none(
    here: Standing, path: str, content: bytes, headers: dict[str, str]
) -> None:
    with everything_logged() as pages:
        refused(here.town.doors.post(path, content=content, headers=headers), CANARY)
    assert CANARY not in pages.getvalue()


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "Bearer a.b.c", f"Bearer {CANARY}", "Basic Og==", "Basic \xff",
     "Bearer eyJhbGciOiJub25lIn0.e30.", "bearer " + "x" * 9000, "Bearer \x00", "Digest x"],
)  # fmt: skip
def test_a_token_that_is_none(here: Standing, authorization: str) -> None:
    headers = {"authorization": authorization.encode("latin-1")}
    for path in ("/v1/me", "/v1/doctor/panel", "/v1/city/releases"):
        problem = refused(here.town.doors.get(path, headers=headers), CANARY)
        assert (problem["status"], problem["code"]) == (401, "unauthenticated")
