"""The routes of `/v1/me` once more, at `/v1/me/children/{child_id}`: the same functions.

Which routes have a double is not a list that somebody keeps: it is those that ask for `Mine`. An
operation's double is called as it is with `_of_child` behind.
"""

from collections.abc import Iterable, Iterator
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path

from service.api.body import StrictRoute
from service.api.me.own import CHILD_ID, own

HERE = "/v1/me"
THERE = f"{HERE}/children/{{{CHILD_ID}}}"
SUFFIX = "_of_child"
MOVED = {("DELETE", ""): "/file"}
"""DELETE on a child ends the caller's guardianship, so erasing has an address of its own."""

ChildId = Annotated[UUID, Path(description="A child whose guardian the caller is.")]


async def _child(child_id: ChildId) -> None:
    """Names the part of the address in the contract; `Mine` reads it."""


def doubles(routers: Iterable[APIRouter]) -> Iterator[StrictRoute]:
    """The route of a child for each route that works on the caller's own record."""
    for router in routers:
        for route in router.routes:
            if isinstance(route, StrictRoute) and _has_double(route):
                yield _double(route)


def _double(route: StrictRoute) -> StrictRoute:
    rest = route.path.removeprefix(HERE)
    moved = (MOVED.get((method, rest)) for method in route.methods or ())
    options: dict[str, Any] = {
        **route.options,
        "operation_id": f"{route.operation_id}{SUFFIX}",
        "tags": ["children"],
        "dependencies": [*(route.options.get("dependencies") or ()), Depends(_child)],
    }
    return StrictRoute(THERE + (next(moved, None) or rest), route.endpoint, **options)


def _has_double(route: StrictRoute) -> bool:
    asks_for_own = any(inner.call is own for inner in route.dependant.dependencies)
    return asks_for_own and CHILD_ID not in route.param_convertors
