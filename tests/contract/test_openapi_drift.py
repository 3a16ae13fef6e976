"""openapi.yaml is what the code does, and a document that others can rely on."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastapi.routing import APIRoute
from openapi_spec_validator import OpenAPIV31SpecValidator

from service.api import description, openapi
from service.api.bare import application
from service.api.body import StrictRoute

COMMITTED = Path(__file__).resolve().parents[2] / "openapi.yaml"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return description.document(application())


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_the_committed_document_is_the_generated_one() -> None:
    assert COMMITTED.read_text("utf-8") == openapi.text(application()), (
        "run: python -m service.api.openapi > openapi.yaml"
    )


def test_it_is_valid_openapi(document: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(yaml.safe_load(openapi.text(application()))).validate()


def test_operation_ids_are_unique_snake_case_verbs(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(ids)) == len(ids)
    assert [name for name in ids if not re.fullmatch(r"[a-z]+(_[a-z]+)*", name)] == []


def test_every_operation_says_who_it_is_for_and_what_it_promises(
    document: dict[str, Any],
) -> None:
    known = {tag["name"] for tag in document["tags"]}
    for method, path, operation in operations(document):
        assert set(operation.get("tags", ())) & known, (method, path)
        assert operation.get("description"), (method, path)


OF_ONES_OWN_SIGN_IN = {
    "step_up",
    "change_password",
    "begin_passkey",
    "add_passkey",
    "list_passkeys",
    "remove_passkey",
}
"""Either person comes here with a token of theirs; no machine does."""
AUDIENCES = {"/v1/me": "resident", "/v1/doctor": "doctor", "/v1/city": "city"}


def test_each_door_has_the_lock_of_its_folder(document: dict[str, Any]) -> None:
    """Everything under an audience's path needs that audience's token, and nothing else does."""
    for method, path, operation in operations(document):
        prefix = next((one for one in AUDIENCES if re.match(rf"{one}(/|$)", path)), None)
        locks = {name for lock in operation.get("security", ()) for name in lock}
        expected = {AUDIENCES[prefix]} if prefix else set()
        if operation["operationId"] in OF_ONES_OWN_SIGN_IN:
            expected = {"resident", "doctor"}
        assert locks == expected, (method, path)


def test_every_fault_is_a_problem_document(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        for status, answer in operation["responses"].items():
            if status == "default" or status >= "400":
                described = answer == description.PROBLEM or "application/problem+json" in str(
                    answer
                )
                assert described, (method, path, status)
    assert "HTTPValidationError" not in str(document)


def test_every_route_reads_strictly() -> None:
    """A JSON door without the rules of `service.api.body` would take NaN, doubles and depth."""
    routes = [
        route
        for route in application().routes
        if isinstance(route, APIRoute) and route.include_in_schema
    ]
    assert len(routes) > 40
    assert [route.path for route in routes if not isinstance(route, StrictRoute)] == []


def inputs(schema: Any, document: dict[str, Any], seen: set[str]) -> list[tuple[str, Any]]:
    """Every named object that a request body is made of."""
    if isinstance(schema, list):
        return [found for part in schema for found in inputs(part, document, seen)]
    if not isinstance(schema, dict):
        return []
    reference = schema.get("$ref")
    if reference is None:
        return [found for part in schema.values() for found in inputs(part, document, seen)]
    name = reference.rsplit("/", 1)[1]
    if name in seen:
        return []
    seen.add(name)
    target = document["components"]["schemas"][name]
    return [(name, target), *inputs(target, document, seen)]


def test_request_bodies_refuse_unknown_members(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        content = operation.get("requestBody", {}).get("content", {})
        body = content.get("application/json", {}).get("schema")
        for name, schema in inputs(body, document, set()):
            if schema.get("type") == "object":
                assert schema.get("additionalProperties") is False, (method, path, name)


def test_shapes_have_names_of_their_own(document: dict[str, Any]) -> None:
    """Two models of one name would put the paths of our modules into the contract."""
    assert [name for name in document["components"]["schemas"] if "__" in name] == []
