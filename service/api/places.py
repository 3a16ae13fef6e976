"""Where a refused document breaks a rule, as an RFC 6901 pointer.

Reading is fast and forgets where it was, so a document that has been refused is read once more,
slowly, with a mark left in every place that breaks a rule.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

from service.api.faults import pointer

LONGEST_NUMBER = 20
"""Digits of a whole number; 2**53, the largest every client can represent, has 16."""

Steps = tuple[str | int, ...]


class _Mark:
    """Stands where something was that breaks a rule."""


class _Twice(dict[str, Any]):
    """An object that has the member `name` more than once."""

    name = ""


def of_number(text: str) -> str:
    """Where the first number stands that is not finite or too long."""
    return _first(text, lambda node: isinstance(node, _Mark))


def of_member(text: str) -> str:
    """Which member is there twice."""
    return _first(text, lambda node: isinstance(node, _Twice))


def of_text(document: Any, unfit: Callable[[str], bool]) -> str | None:
    """Where the first unfit text stands, or None; the object, when it is the name of a member."""
    for steps, node in _nodes(document):
        if isinstance(node, str) and unfit(node):
            return pointer(steps)
        if isinstance(node, dict) and any(map(unfit, node)):
            return pointer(steps)
    return None


def _first(text: str, broken: Callable[[Any], bool]) -> str:
    try:
        document = json.loads(
            text,
            object_pairs_hook=_members,
            parse_constant=lambda _: _Mark(),
            parse_float=_finite,
            parse_int=_short,
        )
    except ValueError:
        # A later fault of the document keeps it from being read to its end.
        return ""
    for steps, node in _nodes(document):
        if broken(node):
            return pointer((*steps, node.name) if isinstance(node, _Twice) else steps)
    return ""


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    marked = _Twice(members)
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            marked.name = name
            break
        seen.add(name)
    return marked


def _finite(digits: str) -> Any:
    value = float(digits)
    return _Mark() if value in (float("inf"), float("-inf")) else value


def _short(digits: str) -> Any:
    return _Mark() if len(digits) > LONGEST_NUMBER else int(digits)


def _nodes(document: Any) -> Iterator[tuple[Steps, Any]]:
    """Every value with its place, in the order of the document."""
    rest: list[tuple[Steps, Any]] = [((), document)]
    while rest:
        steps, node = rest.pop()
        yield steps, node
        if isinstance(node, dict):
            rest += [((*steps, name), node[name]) for name in reversed(node)]
        elif isinstance(node, list):
            rest += [((*steps, n), node[n]) for n in range(len(node) - 1, -1, -1)]
