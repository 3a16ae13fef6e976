"""A short way to the function of a route that asks FastAPI for nothing special.

FastAPI resolves parameters anew on every request: caches by scope, exit stacks, telemetry, models
of answers. A route whose dependencies are plain coroutines over the request, with at most one JSON
body and a `Response` for an answer, needs none of that; its steps are worked out once, here. The
order is FastAPI's: body, then dependencies, then the shape of the body. Every other route, and a
body that is missing, goes FastAPI's way.
"""

from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction
from typing import Any, NamedTuple, get_type_hints

from fastapi import HTTPException, Request, Response, params
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

Handler = Callable[[Request], Awaitable[Response]]

_LISTS = ("path_params", "query_params", "header_params", "cookie_params")
_NAMES = (
    "websocket_param_name",
    "response_param_name",
    "background_tasks_param_name",
    "security_scopes_param_name",
    "concurrency",
)


class _Step(NamedTuple):
    """One dependency: what to call, with which earlier results, and the request under a name."""

    call: Callable[..., Awaitable[Any]]
    needs: tuple[tuple[str, int], ...]
    request: str | None


def shortened(route: APIRoute, handle: Handler) -> Handler:
    """The short way of a route, or `handle` where there is none."""
    steps: list[_Step] = []
    last = _planned(route.dependant, steps, {})
    body = route.dependant.body_params
    plain = not body or (len(body) == 1 and body[0] is route.body_field)
    if last is None or not plain or not all(type(one.field_info) is params.Body for one in body):
        return handle
    if get_type_hints(route.endpoint).get("return") is not Response:
        return handle
    endpoint = steps.pop()
    field = body[0] if body else None

    async def short(request: Request) -> Response:
        sent = None
        if field is not None:
            if not await _body(request):
                return await handle(request)
            sent = await request.json()
        results: list[Any] = []
        for step in steps:
            results.append(await step.call(**_arguments(step, results, request)))
        arguments = _arguments(endpoint, results, request)
        if field is not None:
            arguments[field.name], faults = field.validate(sent, {}, loc=("body",))
            if faults:
                raise RequestValidationError(faults)
        response: Response = await endpoint.call(**arguments)
        return response

    return short


async def _body(request: Request) -> bytes:
    try:
        return await request.body()
    except HTTPException:
        raise
    except Exception as cut_off:
        raise HTTPException(400) from cut_off


def _arguments(step: _Step, results: list[Any], request: Request) -> dict[str, Any]:
    arguments = {name: results[place] for name, place in step.needs}
    if step.request is not None:
        arguments[step.request] = request
    return arguments


def _planned(dependant: Dependant, steps: list[_Step], known: dict[int, int]) -> int | None:
    """Append what a dependency needs and then itself; its place, or None when it is not plain."""
    call = dependant.call
    if call is None or not (iscoroutinefunction(call) or iscoroutinefunction(type(call).__call__)):
        return None
    if any(getattr(dependant, name) for name in (*_LISTS, *_NAMES)):
        return None
    needs = []
    for inner in dependant.dependencies:
        place = known.get(id(inner.call)) if inner.use_cache else None
        if place is None:
            place = None if inner.body_params else _planned(inner, steps, known)
        if place is None:
            return None
        if inner.name is not None:
            needs.append((inner.name, place))
    request = dependant.request_param_name or dependant.http_connection_param_name
    steps.append(_Step(call, tuple(needs), request))
    known[id(call)] = len(steps) - 1
    return len(steps) - 1
