"""schemathesis attacks every operation of openapi.yaml: no 5xx, and only documented answers.

Signed in as whom the door is for, at addresses that exist, so that the attack reaches behind the
lock. The same requests are sent on every run.
"""

import json
import os
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from tests.asgi import Doors
from tests.contract.validated import Validated, document
from tests.house_room import Person
from tests.standing_room import CLASSES, Standing, standing

EXAMPLES = int(os.environ.get("KANGMA_ATTACKS", "15"))
"""Requests an operation; more by environment for a long night."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
SPARED = {"erase_me", "leave_child"}
"""They take nothing that could be attacked, and the first would end the attacker."""
OF_CHILD = "_of_child"
"""Ends the name of an operation that is served by the same function as the one without it."""
ITEM_BY_ITEM = {"log_records", "log_patient_records", "append_series"}
"""Batches answer 200 and reject item by item; what is stored is looked at elsewhere."""
HEADERS = frozenset({"if-match", "if-none-match"})
"""What a request says beside address, query and body; the lock is tried on its own."""

schema = schemathesis.openapi.from_dict(document())
operations = {
    found.ok().definition.raw["operationId"]: found.ok() for found in schema.get_all_operations()
}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    with standing(tmp_path_factory.mktemp("attacked")) as opened:
        yield opened


@pytest.fixture
def addresses(here: Standing) -> dict[str, str]:
    """Things that exist, made anew where an attack before may have ended them."""
    doors, lin = here.town.doors, here.resident
    doors.put("/v1/me/deny-all", json={"on": False}, headers=lin.headers)
    signed = doors.get("/v1/me/contract", headers=lin.headers)
    if signed.status_code == 404:
        wish = {"doctor_id": here.doctor.id, "package": "basic", "data_classes": CLASSES}
        signed = doors.post("/v1/me/contract", json=wish, headers=lin.headers)
    return {
        "patient_id": lin.id,
        "child_id": here.child.id if here.child else "",
        "record_id": here.record,
        "grant_id": signed.json()["grant_id"],
        "release_id": here.release,
        "node": "own",
        "measure": "heart_rate",
        "code": "body_weight",
        "model_id": "cn_body_size",
        "standard_id": "cn-npfs-2023",
        "id": "phq9",
        "passkey_id": str(uuid4()),
        "request_id": str(uuid4()),
        "notice_id": str(uuid4()),
        "session_id": str(uuid4()),
        "explanation_id": str(uuid4()),
        "appeal_id": str(uuid4()),
        "data_class": "location",
    }


def sent(doors: Doors, case: Case, person: Person | None) -> httpx.Response:
    """The request as schemathesis spells it, through the real application."""
    request = case.as_transport_kwargs(base_url="http://kangma.test")
    # Curious values are turned to bytes by no client the same way; these are printable ASCII.
    headers = {
        str(name).lower(): str(value)
        for name, value in (request.get("headers") or {}).items()
        if str(name).lower() in HEADERS and str(value).isascii() and str(value).isprintable()
    }
    if person is not None:
        headers |= person.headers
    body: dict[str, Any] = {}
    if "json" in request:
        body["content"] = json.dumps(request["json"]).encode("utf-8", "surrogatepass")
        headers["content-type"] = "application/json"
    elif isinstance(request.get("data"), bytes | str):
        body["content"] = request["data"]
    elif request.get("data") is not None:
        body["data"] = {name: str(value) for name, value in dict(request["data"]).items()}
    return doors.request(
        request["method"], request["url"], params=request.get("params"), headers=headers, **body
    )


def doors_of(here: Standing) -> Doors:
    """The doors themselves; schemathesis compares answers with the contract on its own."""
    assert isinstance(here.town.doors, Validated)
    return here.town.doors.inner


def person_for(here: Standing, name: str) -> Person | None:
    locks = operations[name].definition.raw.get("security", ())
    return here.person(next((lock for each in locks for lock in each), None))


def attacked(
    here: Standing,
    name: str,
    addresses: dict[str, str],
    mode: GenerationMode,
    *,
    strict: bool = False,
) -> list[int]:
    """The statuses of all answers. Every other request goes to an address that exists.

    `strict`: what has a wrong query or body must not be answered with a success.
    """
    statuses: list[int] = []
    person = person_for(here, name)

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operations[name].as_strategy(generation_mode=mode), placed=st.booleans())
    def attack(case: Case, placed: bool) -> None:
        if placed and case.path_parameters:
            case.path_parameters = {part: addresses[part] for part in case.path_parameters}
        answer = sent(doors_of(here), case, person)
        case.validate_response(answer, checks=CHECKS)
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
        elif strict and _is_wrong(case):
            case.validate_response(answer, checks=[negative_data_rejection])
        statuses.append(answer.status_code)

    attack()
    return statuses


def _is_wrong(case: Case) -> bool:
    """Whether the query or the body breaks the contract; address and headers may be ours."""
    parts = {} if case.meta is None else case.meta.components
    return any(
        part in parts and parts[part].mode is GenerationMode.NEGATIVE
        for part in (ParameterLocation.QUERY, ParameterLocation.BODY)
    )


ATTACKED = sorted(name for name in set(operations) - SPARED if not name.endswith(OF_CHILD))


@pytest.mark.parametrize("name", ATTACKED)
def test_what_the_contract_allows_gets_an_answer_of_the_contract(
    name: str, here: Standing, addresses: dict[str, str]
) -> None:
    attacked(here, name, addresses, GenerationMode.POSITIVE)


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in ATTACKED
        if "requestBody" in operations[name].definition.raw
        or any(
            parameter["in"] == "query" or parameter["schema"].get("format")
            for parameter in operations[name].definition.raw.get("parameters", ())
        )
    ],
)
def test_what_the_contract_forbids_is_refused(
    name: str, here: Standing, addresses: dict[str, str]
) -> None:
    strict = name not in ITEM_BY_ITEM
    statuses = attacked(here, name, addresses, GenerationMode.NEGATIVE, strict=strict)
    assert max(statuses) >= 400


LOCKED = {
    name: operation
    for name, operation in operations.items()
    if not name.endswith(OF_CHILD) and operation.definition.raw.get("security")
}


@pytest.mark.parametrize("name", sorted(LOCKED))
def test_no_locked_door_opens_without_a_token(name: str, here: Standing) -> None:
    """What is asked for is well formed, so that only the lock can turn it away."""
    found: list[int] = []

    @settings(max_examples=3, deadline=None, derandomize=True, database=None)
    @given(case=LOCKED[name].as_strategy(generation_mode=GenerationMode.POSITIVE))
    def knock(case: Case) -> None:
        answer = sent(doors_of(here), case, None)
        found.append(answer.status_code)
        assert answer.headers["content-type"] == "application/problem+json"

    knock()
    assert set(found) <= {400, 401, 404, 422}
    assert 401 in found
