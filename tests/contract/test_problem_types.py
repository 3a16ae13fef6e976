"""Every problem type the service can answer has a class of its own in the client."""

import ast
from pathlib import Path

from kangma_client._problems import BY_CODE

SERVICE = Path(__file__).resolve().parents[2] / "service"
OPERATORS_ONLY = {
    "already-linked",
    "backup-refused",
    "budget-spent",
    "credential-refused",
    "error",
    "file-refused",
    "key-refused",
    "login-taken",
    "no-regions",
    "node-away",
    "not-confirmed",
    "not-on-calendar",
    "pull-refused",
    "release-voided",
    "trust-refused",
    "walls-missing",
}
"""Refusals of the command line, which has no HTTP door; `error` is the abstract base."""
OF_ONE_RECORD = {"deleted", "not-permitted", "unknown-unit"}
"""Codes of a problem inside a 200 answer, about one record of many."""


def codes() -> set[str]:
    """Codes of error classes, and codes given to one of them by name."""
    found: set[str] = set()
    for path in SERVICE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "code":
                found |= _text(node.value)
            if isinstance(node, ast.ClassDef):
                for line in node.body:
                    if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "code":
                        found |= _text(line.value)
    return found


def _text(node: ast.expr) -> set[str]:
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


def test_codes_are_found() -> None:
    assert {"stale", "invalid-credentials", "already-signed"} <= codes()


def test_every_problem_type_has_a_class_in_the_client() -> None:
    assert codes() - OPERATORS_ONLY - OF_ONE_RECORD <= set(BY_CODE)
