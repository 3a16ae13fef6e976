"""Bytes that no operation may take: whoever reads a body turns them away the same way.

Every JSON operation of openapi.yaml gets every body; a new operation is attacked without a line
here. The answer is a problem document that names the place and never repeats what was sent.
"""

import gzip
import json
from collections.abc import Iterator
from functools import partial
from io import BytesIO
from typing import Any, NamedTuple
from uuid import uuid4

import httpx
import pytest

from service.api.body import BATCH_LIMIT, INFLATED_LIMIT
from tests.asgi import pieces
from tests.contract.validated import document
from tests.standing_room import Standing, everything_logged, refused, standing

CANARY = "canary-5d1e7"
NUMBER = "73.619284"
"""A health value nobody else has."""
JSON = {"content-type": "application/json"}


class Door(NamedTuple):
    """An operation that takes JSON, and the audience it is for."""

    name: str
    method: str
    path: str
    audience: str | None


def doors_that_read() -> list[Door]:
    found = []
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            if "application/json" in operation.get("requestBody", {}).get("content", {}):
                locks = [lock for each in operation.get("security", ()) for lock in each]
                audience = locks[0] if locks else None
                found.append(Door(operation["operationId"], method.upper(), path, audience))
    return found


DOORS = [door for door in doors_that_read() if not door.name.endswith("_of_child")]
"""A child's doors are served by the same functions as those of an owner."""


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    with standing(tmp_path_factory.mktemp("bad")) as opened:
        yield opened


NOBODYS = "00000000-0000-4000-8000-000000000000"


def knock(here: Standing, door: Door, content: Any, **headers: str) -> httpx.Response:
    """Send a body to a door of this town, as the person it is for."""
    places = {
        "patient_id": here.resident.id,
        "child_id": here.child.id if here.child else "",
        "record_id": here.record,
        "grant_id": here.grant,
        "model_id": "china_par_10y",
        "standard_id": "cn-nsphs-2014",
        "request_id": NOBODYS,
        "appeal_id": NOBODYS,
        "id": "phq9",
    }
    person = here.person(door.audience)
    sent = {"if-match": '"1"', **JSON, **(person.headers if person else {}), **headers}
    address = door.path.format(**places)
    return here.town.doors.request(door.method, address, content=content, headers=sent)


def deep(opening: bytes, closing: bytes, inside: bytes) -> bytes:
    return b'{"a": ' + opening * 10_000 + inside + closing * 10_000 + b"}"


MALFORMED: dict[str, tuple[bytes, str, str]] = {
    "not UTF-8": (b'{"a": "\xff' + CANARY.encode() + b'"}', "not-utf8", ""),
    "GB 18030": (f'{{"a": "收缩压 {CANARY}"}}'.encode("gb18030"), "not-utf8", ""),
    "UTF-16 with its mark": (f'{{"a": "{CANARY}"}}'.encode("utf-16"), "not-utf8", ""),
    "overlong UTF-8": (b'{"a": "\xc0\x80"}', "not-utf8", ""),
    "UTF-8 with a mark": (b"\xef\xbb\xbf" + b'{"a": 1}', "not-json", ""),
    "NaN": (b'{"a": [0, NaN]}', "not-finite", "/a/1"),
    "Infinity": (b'{"a": Infinity}', "not-finite", "/a"),
    "-Infinity": (b'{"a": -Infinity}', "not-finite", "/a"),
    "1e999": (b'{"records": [{"values": {"weight": 1e999}}]}', "not-finite",
              "/records/0/values/weight"),
    "-1e999": (b'{"a": -1e999}', "not-finite", "/a"),
    "a number of 400 digits": (b'{"a": {"b": 1' + b"0" * 400 + b"}}", "not-finite", "/a/b"),
    "a number of 5,000 digits": (b'{"a": 1' + b"0" * 5_000 + b"}", "not-finite", "/a"),
    "a lone high surrogate": (b'{"a": "\\ud800' + CANARY.encode() + b'"}', "bad-text", "/a"),
    "a lone low surrogate": (b'{"a": [1, "\\uDC00"]}', "bad-text", "/a/1"),
    "a lone surrogate in a name": (b'{"a": {"\\udfff": 1}}', "bad-text", "/a"),
    "NUL": (b'{"a": "x\\u0000y"}', "bad-text", "/a"),
    "a raw control character": (b'{"a": "x\x00y"}', "not-json", ""),
    "a member twice": (b'{"b": [{"a": 1, "a": 2}]}', "duplicate-member", "/b/0/a"),
    "a member twice, spelt otherwise": (b'{"a": 1, "\\u0061": 2}', "duplicate-member", "/a"),
    "10,000 lists": (deep(b"[", b"]", b""), "too-deep", ""),
    "10,000 objects": (deep(b'{"a":', b"}", b"1"), "too-deep", ""),
    "40 lists": (b"[" * 40 + b"]" * 40, "too-deep", ""),
    "an end too early": (f'{{"a": "{CANARY}'.encode(), "not-json", ""),
    "something behind the end": (f'{{"a": 1}} "{CANARY}"'.encode(), "not-json", ""),
    "a single quote": (f"{{'a': '{CANARY}'}}".encode(), "not-json", ""),
    "only blanks": (b" \n ", "not-json", ""),
}  # fmt: skip


@pytest.mark.parametrize("door", DOORS, ids=[door.name for door in DOORS])
def test_bytes_that_are_no_acceptable_json(here: Standing, door: Door) -> None:
    before = here.records()
    with everything_logged() as pages:
        for what, (content, code, pointer) in MALFORMED.items():
            problem = refused(knock(here, door, content), CANARY)
            assert (problem["status"], problem["code"]) == (400, code), what
            (fault,) = problem["errors"]
            assert (fault["pointer"], fault["code"]) == (pointer, code), what
    assert CANARY not in pages.getvalue()
    assert here.records() == before


WRONG_SHAPES = {
    "a list": f'["{CANARY}"]',
    "a text": f'"{CANARY}"',
    "a number": NUMBER,
    "nothing": "null",
    "an unknown member": f'{{"no_such_member": "{CANARY}", "neither": {NUMBER}}}',
    "a number as a name": f'{{"{NUMBER}": 1}}',
    "a text of 900 KB": f'{{"{"n" * 40}": "{CANARY * 75_000}"}}',
}


@pytest.mark.parametrize("door", DOORS, ids=[door.name for door in DOORS])
def test_json_of_another_shape(here: Standing, door: Door) -> None:
    before = here.records()
    with everything_logged() as pages:
        for what, content in WRONG_SHAPES.items():
            problem = refused(knock(here, door, content.encode()), CANARY, NUMBER)
            assert problem["status"] == 422, what
            assert problem["errors"], what
            assert all(fault["pointer"][:1] in {"", "/"} for fault in problem["errors"]), what
            if what == "an unknown member":
                places = {fault["pointer"] for fault in problem["errors"]}
                assert {"/no_such_member", "/neither"} <= places
    assert CANARY not in pages.getvalue()
    assert NUMBER not in pages.getvalue()
    assert here.records() == before


@pytest.mark.parametrize("door", DOORS, ids=[door.name for door in DOORS])
def test_bodies_in_another_wrapping(here: Standing, door: Door) -> None:
    good = b'{"a": 1}'
    ask = partial(knock, here, door)
    for kind in ("text/plain", "application/xml", "application/json; charset=gbk", "x"):
        assert refused(ask(good, **{"content-type": kind}))["status"] == 415, kind
    for encoding in ("br", "deflate", "zstd", "gzip, gzip"):
        assert refused(ask(good, **{"content-encoding": encoding}))["status"] == 415, encoding
    packed = gzip.compress(good + b" " * 1000)
    zipped = {"content-encoding": "gzip"}
    for spoilt in (packed[:-9], packed[:12], packed + b"x", good, b"\x1f\x8b"):
        problem = refused(ask(spoilt, **zipped))
        assert (problem["status"], problem["code"]) == (400, "malformed")
    assert refused(ask(gzip.compress(b'{"a": NaN}'), **zipped))["code"] == "not-finite"


@pytest.fixture(scope="module")
def bomb() -> bytes:
    """64 MB in 64 KB."""
    packed = BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb") as stream:
        for _ in range(64):
            stream.write(b" " * (1 << 20))
    assert len(packed.getvalue()) < 1 << 17 < INFLATED_LIMIT
    return packed.getvalue()


@pytest.mark.parametrize("door", DOORS, ids=[door.name for door in DOORS])
def test_bodies_that_are_too_large(here: Standing, door: Door, bomb: bytes) -> None:
    """Announced, unannounced, and inflated: none is read to its end."""
    ask = partial(knock, here, door)
    assert refused(ask(bomb, **{"content-encoding": "gzip"}))["status"] == 413
    announced = ask(b"{}", **{"content-length": str(BATCH_LIMIT + 1)})
    assert refused(announced)["status"] == 413
    taken = 0

    async def endless() -> Any:
        nonlocal taken
        async for piece in pieces(b" " * (4 * BATCH_LIMIT)):
            taken += len(piece)
            yield piece

    answer = ask(endless())
    assert refused(answer)["status"] == 413
    assert taken <= BATCH_LIMIT + 65536


def test_a_large_gzip_body_within_the_limit_is_read(here: Standing) -> None:
    """The bounds do not stand in the way of what they are for."""
    record = {
        "id": str(uuid4()),
        "kind": "observation",
        "start": "2026-11-18T08:00:00+08:00",
        "values": {"body_weight": 61.5},
    }
    content = gzip.compress(json.dumps({"records": [record]}).encode() + b" " * (2 << 20))
    door = next(door for door in DOORS if door.name == "log_records")
    answer = knock(here, door, content, **{"content-encoding": "gzip"})
    assert answer.status_code == 200
    assert answer.json()["results"][0]["status"] == "created"
