"""schemathesis attacks every operation of openapi.yaml: no 5xx, and only documented answers.

Signed in as whom the door is for, so that the attack reaches behind the lock.
"""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from service.kit.settings import Settings
from tests.asgi import Doors
from tests.house_room import Person, Town, town

FILE = Path(__file__).resolve().parents[2] / "openapi.yaml"
EXAMPLES = int(os.environ.get("KANGMA_ATTACKS", "12"))
"""Requests an operation; more by environment for a long night."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
SPARED = {"erase_me"}
"""It takes nothing that could be attacked, and would end the attacker."""

document = yaml.safe_load(FILE.read_text("utf-8"))
schema = schemathesis.openapi.from_dict(document)
operations = {
    found.ok().definition.raw["operationId"]: found.ok() for found in schema.get_all_operations()
}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("attacked")
    made = Settings(
        data=folder / "data", kek=f"file:{folder / 'keys' / 'kek.json'}", profile="test"
    )
    with town(made, lambda: datetime(2026, 11, 20, 1, tzinfo=UTC)) as opened:
        yield opened


@pytest.fixture(scope="module")
def people(here: Town) -> dict[str, Person]:
    return {"resident": here.resident(), "doctor": here.doctor(), "city": here.city()}


def sent(doors: Doors, case: Case, person: Person | None) -> httpx.Response:
    """The request as schemathesis spells it, through the real application."""
    request = case.as_transport_kwargs(base_url="http://kangma.test")
    # Curious names and values are turned to text by no client the same way; these are ASCII.
    headers = {
        str(name).lower(): str(value)
        for name, value in (request.get("headers") or {}).items()
        if str(name).isascii() and str(value).isascii() and str(value).isprintable()
    }
    if person is not None:
        headers |= person.headers
    body: dict[str, Any] = {}
    if "json" in request:
        body["content"] = json.dumps(request["json"]).encode("utf-8", "surrogatepass")
        headers.setdefault("content-type", "application/json")
    elif isinstance(request.get("data"), bytes | str):
        body["content"] = request["data"]
    elif request.get("data") is not None:
        body["data"] = {name: str(value) for name, value in dict(request["data"]).items()}
        headers.pop("content-type", None)
    return doors.request(
        request["method"], request["url"], params=request.get("params"), headers=headers, **body
    )


@pytest.mark.parametrize("name", sorted(set(operations) - SPARED))
def test_no_request_breaks_an_operation(name: str, here: Town, people: dict[str, Person]) -> None:
    operation = operations[name]
    locks = [lock for each in operation.definition.raw.get("security", ()) for lock in each]
    person = people[locks[0]] if locks else None
    strategies = [
        operation.as_strategy(generation_mode=mode)
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    ]

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=st.one_of(strategies))
    def attack(case: Case) -> None:
        answer = sent(here.doors, case, person)
        case.validate_response(answer, checks=CHECKS)
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json"

    attack()


LOCKED = {
    name: operation
    for name, operation in operations.items()
    if operation.definition.raw.get("security")
}


@pytest.mark.parametrize("name", sorted(LOCKED))
def test_no_locked_door_opens_without_a_token(name: str, here: Town) -> None:
    """What is asked for is well formed, so that only the lock can turn it away."""
    found: list[int] = []

    @settings(max_examples=3, deadline=None, derandomize=True, database=None)
    @given(case=LOCKED[name].as_strategy(generation_mode=GenerationMode.POSITIVE))
    def knock(case: Case) -> None:
        answer = sent(here.doors, case, None)
        found.append(answer.status_code)
        assert answer.headers["content-type"] == "application/problem+json"

    knock()
    assert set(found) <= {400, 401, 404, 422}
    assert 401 in found
