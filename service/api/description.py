"""The OpenAPI description of every operation, made from the code.

FastAPI describes shapes and doors; this adds what it does not know: that every fault is a problem
document, and which kinds an operation can answer with.
"""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from service.api.schema import Problem

TITLE = "Kangma"
VERSION = "1.0.0"
DESCRIPTION = (
    "Personal health self-management for a city: sealed records, a five-level prompt, consent, "
    "anonymous releases. 居民健康自我管理：密封记录、五级提示、授权与匿名发布。"
)
TAGS = {
    "auth": "Sign-up, sign-in, keys.",
    "status": "Is it alive, is it ready, which version.",
    "catalogue": "Public vocabulary: measures, classes, regions, purposes.",
    "models": "Stateless calculators.",
    "standards": "Fitness standards and growth: tables, and the score of given results.",
    "questionnaires": "Wording, licence and bands of questionnaires, and what answers say.",
    "me": "A resident's own record.",
    "children": "Children under 14 and their guardians, who use the same operations for them.",
    "grants": "Who may see what: giving, withdrawing, receipts, shutting everybody out.",
    "contract": "Signing with a family doctor.",
    "access log": "Who looked.",
    "code": "The one-time code to hold up.",
    "doctor": "The signed family doctor.",
    "city": "Anonymous releases, and nothing else.",
    "anyone": "Checks that need no sign-in.",
}
PROBLEM = {"$ref": "#/components/responses/Problem"}
METHODS = frozenset({"get", "put", "post", "delete", "patch"})


def install(app: FastAPI) -> None:
    """Make `app.openapi()` answer the document of this module."""

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = document(app)
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI 3.1 document of every public operation."""
    made = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        tags=[{"name": name, "description": text} for name, text in TAGS.items()],
    )
    components = made.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for generated in ("HTTPValidationError", "ValidationError"):
        schemas.pop(generated, None)
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs"))
    schemas["Problem"] = problem
    components["responses"] = {
        "Problem": {
            "description": "What went wrong (RFC 9457). No input value is repeated.",
            "content": {
                "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
            },
        }
    }
    for operation in _operations(made):
        _declare_problems(operation)
    made["components"] = {name: dict(sorted(part.items())) for name, part in components.items()}
    made["paths"] = dict(sorted(made["paths"].items()))
    return made


def _operations(made: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in made["paths"].values():
        for method, operation in path.items():
            if method in METHODS:
                yield operation


def _declare_problems(operation: dict[str, Any]) -> None:
    answers = operation["responses"]
    answers.pop("422", None)
    # Any operation turns away a query parameter it does not know.
    statuses = {"default", "400"}
    places = {parameter["in"] for parameter in operation.get("parameters", ())}
    names = {parameter["name"] for parameter in operation.get("parameters", ())}
    if operation.get("security"):
        statuses |= {"401", "403"}
    if "If-Match" in names:
        statuses |= {"412", "428"}
    if "path" in places:
        statuses.add("404")
    if "requestBody" in operation:
        statuses |= {"408", "413", "415", "422"}
    statuses |= {status for status in answers if status >= "400"}
    for status in sorted(statuses):
        answers[status] = dict(PROBLEM)
