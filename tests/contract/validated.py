"""Doors that hold every answer against openapi.yaml: status, content type, shape, no extra member.

Tests that go through a `Town` use them, so that the contract is compared with the service wherever
it is used, and not only where a test asks for it.
"""

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import yaml
from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.exceptions import OpenAPIError

from tests.asgi import Doors

FILE = Path(__file__).resolve().parents[2] / "openapi.yaml"
OUTSIDE = ("/docs", "/redoc", "/openapi.json", "/metrics", "/static-offline-docs/")
"""Addresses that are no operations of the contract."""
BY_DEFAULT = frozenset({"405", "410", "429", "500", "503"})
"""What every operation may answer with; all other statuses must be declared one by one.

410 is for rows that a restore brought back whose keys were destroyed meanwhile."""
PROBLEM = "application/problem+json"


@cache
def document() -> dict[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: dict[str, Any] = yaml.load(FILE.read_text("utf-8"), Loader=loader)
    return found


def _text(body: bytes, **_: str) -> str:
    return body.decode("utf-8")


def _bytes(body: bytes, **_: str) -> bytes:
    return body


@cache
def contract(path: str) -> OpenAPI:
    """What the document says of one path; looking an answer up among all of them is slow.

    That the whole is valid OpenAPI, tests/contract/test_openapi_drift.py proves.
    """
    config = Config(
        spec_validator_cls=None,
        additional_properties_default_policy="forbid",
        extra_media_type_deserializers={
            PROBLEM: json.loads,
            "application/fhir+json": json.loads,
            "application/vnd.apache.parquet": _bytes,
            "application/zip": _bytes,
            "application/vnd.sdmx.data+csv": _text,
            "text/csv": _text,
        },
    )
    return OpenAPI.from_dict(document() | {"paths": {path: document()["paths"][path]}}, config)


@cache
def _by_length() -> dict[int, list[tuple[str, list[str]]]]:
    """Paths and their segments by how many these are; the fewer are parameters the earlier."""
    found: dict[int, list[tuple[str, list[str]]]] = {}
    for path in sorted(document()["paths"], key=lambda path: str(path.count("{")) + path):
        segments = path.split("/")
        found.setdefault(len(segments), []).append((path, segments))
    return found


def _path_of(address: str) -> str | None:
    """The path of the document that an address is one of."""
    parts = address.split("/")
    for path, segments in _by_length().get(len(parts), ()):
        if all(
            part == segment or (segment.startswith("{") and part)
            for part, segment in zip(parts, segments, strict=True)
        ):
            return path
    return None


class _Asked:
    """An httpx request as openapi-core reads one."""

    def __init__(self, request: httpx.Request) -> None:
        self.host_url = f"{request.url.scheme}://{request.url.host}"
        self.path = request.url.raw_path.decode().partition("?")[0]
        self.method = request.method.lower()
        self.parameters = RequestParameters()
        self.content_type = request.headers.get("content-type", "")
        self.body = None


class _Answered:
    """An httpx response as openapi-core reads one."""

    def __init__(self, response: httpx.Response) -> None:
        self.status_code = response.status_code
        self.headers = dict(response.headers)
        self.content_type = response.headers.get("content-type", "")
        self.data = response.content or None


def check(response: httpx.Response) -> None:
    """Fail unless the contract allows this answer to its request."""
    request = response.request
    path = urlsplit(str(request.url)).path
    if path.startswith(OUTSIDE) or request.method in {"HEAD", "OPTIONS"}:
        return
    where = f"{request.method} {path} answered {response.status_code}"
    asked = _Asked(request)
    found = _path_of(asked.path)
    operation = document()["paths"][found].get(asked.method) if found else None
    if found is None or operation is None:
        assert response.status_code in {404, 405}, f"{where}, and is no operation"
        _check_problem(response, where)
        return
    declared = set(operation["responses"]) | BY_DEFAULT
    assert str(response.status_code) in declared, f"{where}, undeclared"
    if response.status_code >= 400:
        _check_problem(response, where)
    try:
        contract(found).validate_response(asked, _Answered(response))
    except OpenAPIError as error:
        cause = error.__cause__
        details = getattr(cause, "schema_errors", None) or [cause]
        faults = "; ".join(str(getattr(one, "message", one))[:300] for one in details)
        raise AssertionError(f"{where}: {str(error)[:300]}: {faults}") from None


def _check_problem(response: httpx.Response, where: str) -> None:
    assert response.headers["content-type"] == PROBLEM, where
    assert response.json()["status"] == response.status_code, where
    assert response.json()["request_id"] == response.headers["x-request-id"], where


class Validated(Doors):
    """The same doors; an answer outside the contract fails the test that asked."""

    def __init__(self, inner: Doors) -> None:
        super().__init__(inner._portal, inner._client)
        self.inner = inner

    def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        response = super().request(method, url, **options)
        check(response)
        return response

    def together(self, calls: Iterable[tuple[str, str, dict[str, Any]]]) -> list[httpx.Response]:
        responses = super().together(calls)
        for response in responses:
            check(response)
        return responses
