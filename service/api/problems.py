"""The one map from what went wrong to what is said over HTTP (RFC 9457).

A problem names the place and the rule in fixed sentences. It never holds an input value, a bound,
a stack trace or the text of an exception: an unknown exception says only that something failed,
and the log keeps its type and the request id.
"""

import json
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from consent.advice import ADVICE
from consent.vocabulary import Language, Text
from service.api import faults
from service.api.body import Refusal
from service.kit import errors, metrics
from service.kit.log import log

MEDIA_TYPE = "application/problem+json"

STATUS: dict[type[errors.ServiceError], int] = {
    errors.Malformed: 400,
    errors.BadRequest: 400,
    errors.Unauthenticated: 401,
    errors.StepUpRequired: 403,
    errors.Refused: 403,
    errors.NotFound: 404,
    errors.TooSlow: 408,
    errors.Conflict: 409,
    errors.Gone: 410,
    errors.Stale: 412,
    errors.TooLarge: 413,
    errors.Unsupported: 415,
    errors.Invalid: 422,
    errors.PreconditionMissing: 428,
    errors.RateLimited: 429,
    errors.IntegrityBroken: 500,
    errors.Unavailable: 503,
}
"""A kind that is not here, nor any of its bases, is a fault of ours: 500 without detail."""

SENTENCES: dict[int, tuple[str, Text]] = {
    400: (errors.BadRequest.code, errors.BadRequest.sentence),
    401: (errors.Unauthenticated.code, errors.Unauthenticated.sentence),
    403: (errors.Refused.code, errors.Refused.sentence),
    404: (errors.NotFound.code, errors.NotFound.sentence),
    405: (
        "method-not-allowed",
        Text("此地址不支持该方法。", "This address does not allow that method."),
    ),
    413: (errors.TooLarge.code, errors.TooLarge.sentence),
    415: (errors.Unsupported.code, errors.Unsupported.sentence),
    500: ("internal", Text("服务内部出错。", "Something failed on our side.")),
    503: (errors.Unavailable.code, errors.Unavailable.sentence),
}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def language_of(request: Request) -> Language:
    """`en` when the client ranks an English tag above every Chinese one, else `zh`."""
    ranked: list[tuple[float, Language]] = []
    for part in request.headers.get("accept-language", "")[:200].split(","):
        tag, _, quality = part.strip().partition(";q=")
        main = tag.strip().lower().partition("-")[0]
        if main in ("zh", "en"):
            ranked.append((_quality(quality), "zh" if main == "zh" else "en"))
    # The sort is stable: of two equal ranks the first named wins.
    ranked.sort(key=lambda pair: -pair[0])
    return ranked[0][1] if ranked and ranked[0][0] > 0 else "zh"


def _quality(text: str) -> float:
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem document."""
    app.add_exception_handler(errors.ServiceError, _service_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _unknown_error)


async def _service_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, errors.ServiceError)
    return of_service_error(request, error)


def of_service_error(request: Request, error: errors.ServiceError) -> Response:
    status = next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), None)
    if status is None:
        return of_unknown(request, error)
    if isinstance(error, errors.IntegrityBroken):
        alarm(request, error)
    elif status >= 500:
        log.error("problem", code=error.code, request_id=request_id_of(request))
    more: dict[str, Any] = {}
    headers: dict[str, str] = {}
    if isinstance(error, errors.Invalid):
        more["errors"] = faults.rendered(error.faults, language_of(request))
    elif error.pointer is not None:
        fault = errors.Fault(error.pointer, error.code, error.sentence)
        more["errors"] = faults.rendered([fault], language_of(request))
    if isinstance(error, errors.Refused):
        more["rule"] = error.rule
        advice = error.advice or ADVICE.get(error.rule)
        if advice is not None:
            more["advice"] = advice.in_(language_of(request))
    if isinstance(error, errors.RateLimited):
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, errors.Unavailable):
        headers["Retry-After"] = "1"
    if error.safety is not None:
        more["safety"] = error.safety.both()
    if challenge := getattr(error, "challenge", None):
        headers["WWW-Authenticate"] = challenge
    if oauth := getattr(error, "oauth", None):
        more["error"] = oauth
    return problem(request, status, error.code, error.sentence, more, headers)


def alarm(request: Request, error: errors.IntegrityBroken) -> None:
    """Stored data was altered. The row is named by `kangma db verify`, not here."""
    metrics.integrity.inc()
    log.critical("alert", code=error.code, request_id=request_id_of(request))


async def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return of_validation(request, error.errors())


def of_validation(request: Request, found: Sequence[Any]) -> Response:
    """422 for the body, 400 for the query and headers, 404 for a path that names nothing."""
    places = {str(fault["loc"][0]) if fault["loc"] else "body" for fault in found}
    if "path" in places:
        return of_service_error(request, errors.NotFound())
    more = {"errors": faults.rendered(faults.translated(found), language_of(request))}
    if "body" in places:
        return problem(request, 422, errors.Invalid.code, errors.Invalid.sentence, more)
    return problem(request, 400, errors.BadRequest.code, errors.BadRequest.sentence, more)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if isinstance(error, Refusal):
        return of_service_error(request, error.error)
    headers: dict[str, str] = {}
    if error.status_code == 405:
        headers["Allow"] = ", ".join(_allowed(request))
    code, sentence = SENTENCES.get(error.status_code, SENTENCES[400])
    return problem(request, error.status_code, code, sentence, None, headers)


async def _unknown_error(request: Request, error: Exception) -> Response:
    return of_unknown(request, error)


def of_unknown(request: Request, error: BaseException) -> Response:
    """500 that shows nothing; the log keeps the kind, the place in our code and the request id."""
    log.error(
        "failure",
        kind=type(error).__name__,
        at=_innermost(error),
        request_id=request_id_of(request),
    )
    code, sentence = SENTENCES[500]
    return problem(request, 500, code, sentence)


def _innermost(error: BaseException) -> str:
    """File and line of the last frame: enough to find the fault, and no value."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "?"
    path = trace.tb_frame.f_code.co_filename.replace("\\", "/").split("/")
    return f"{'/'.join(path[-3:])}:{trace.tb_lineno}"


def _allowed(request: Request) -> Iterable[str]:
    routes = request.app.router.routes
    for method in METHODS:
        scope = {**request.scope, "method": method}
        if any(route.matches(scope)[0] is Match.FULL for route in routes):
            yield method


def request_id_of(request: Request) -> str | None:
    value = request.scope.get("kangma_request_id")
    return str(value) if value else None


def problem(
    request: Request,
    status: int,
    code: str,
    sentence: Text,
    more: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """The document itself, in the reader's language."""
    language = language_of(request)
    document: dict[str, Any] = {
        "type": f"{request.app.state.issuer}/problems/{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": sentence.in_(language),
        "code": code,
        "request_id": request_id_of(request),
        **(more or {}),
    }
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(
        body,
        status,
        {
            "Cache-Control": "no-store",
            "Content-Language": "zh-CN" if language == "zh" else "en",
            "Vary": "Accept-Language",
            **(headers or {}),
        },
        MEDIA_TYPE,
    )
