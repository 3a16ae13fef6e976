"""Request bodies: what counts as an acceptable one, decided before any route sees a value.

`StrictRoute` is the route class of every JSON router. Bodies are UTF-8 JSON of type
`application/json`, plain or gzip, bounded before and after inflation. Duplicate members, numbers
that are not finite, lone surrogates, NUL characters and deep nesting are refused, and so are NUL
characters in the query and parameters the route does not know: a misspelt filter must not silently
widen an answer.
"""

import asyncio
import json
import re
import zlib
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Annotated, Any

from fastapi import HTTPException, Request, Response
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Query
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field
from starlette.types import Receive, Scope

from consent.vocabulary import Text
from service.api import places
from service.api.faults import pointer
from service.api.light import shortened
from service.kit.errors import (
    BadRequest,
    Malformed,
    ServiceError,
    TooLarge,
    TooSlow,
    Unsupported,
)
from service.kit.nesting import is_deeper

PLAIN_LIMIT = 1 << 20
"""Bytes of an ordinary body as sent (sealing.md section 6)."""
BATCH_LIMIT = 4 << 20
"""Bytes as sent where 1,000 records or 100,000 samples must fit in one call."""
INFLATED_LIMIT = 8 << 20
"""Bytes of a gzip body once inflated."""
BODY_SECONDS = 60.0
"""From the first look at a body to its last byte: a batch over a bad mobile line, and no more."""
DEPTH_LIMIT = 32
"""Arrays and objects within each other; the deepest shape of the contract has 7."""

BATCH_PATHS = ("/records", "/series", "/sync")

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
"""A finite JSON number; `true` and `"1"` are not numbers."""
Whole = Annotated[int, Field(strict=True, ge=-(2**53), le=2**53)]
"""A whole JSON number that every client can represent."""
Flag = Annotated[bool, Field(strict=True)]
"""A JSON boolean; `1` and `"yes"` are not."""


class Shape(BaseModel):
    """Base of every request body: an unknown member is a fault, not a silence."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Refusal(HTTPException):
    """Carries a `ServiceError` through FastAPI's body reading, which would hide any other kind."""

    def __init__(self, error: ServiceError) -> None:
        super().__init__(400)
        self.error = error


class StrictRequest(Request):
    """A request whose body keeps the rules of this module."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        super().__init__(scope, receive)
        self._deadline = asyncio.get_running_loop().time() + BODY_SECONDS

    @property
    def body_limit(self) -> int:
        return BATCH_LIMIT if self.scope["path"].endswith(BATCH_PATHS) else PLAIN_LIMIT

    async def stream(self) -> AsyncGenerator[bytes, None]:
        if hasattr(self, "_body"):
            yield self._body
            yield b""
            return
        received = 0
        inflation = _inflation(self.headers.get("content-encoding", "identity"))
        self._refuse_announced_size()
        chunks = super().stream()
        while (chunk := await self._next(chunks)) is not None:
            received += len(chunk)
            if received > self.body_limit:
                raise Refusal(TooLarge())
            yield inflation.feed(chunk) if inflation else chunk
        if inflation:
            inflation.finish()

    async def _next(self, chunks: AsyncGenerator[bytes, None]) -> bytes | None:
        """The next piece, or None behind the last; whoever dribbles is sent away in time."""
        try:
            async with asyncio.timeout_at(self._deadline):
                return await anext(chunks, None)
        except TimeoutError:
            raise Refusal(TooSlow()) from None

    async def body(self) -> bytes:
        raw = await super().body()
        if raw and not _says_json(self.headers.get("content-type", "")):
            raise Refusal(Unsupported())
        return raw

    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            raw = await self.body()
            try:
                self._json = parse(raw)
            except ServiceError as error:
                raise Refusal(error) from None
        return self._json

    def _refuse_announced_size(self) -> None:
        announced = self.headers.get("content-length", "0")
        if announced.isdigit() and int(announced[:19]) > self.body_limit:
            raise Refusal(TooLarge())


class StrictRoute(APIRoute):
    """A route that reads strict bodies and knows its query parameters."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        # The function's name is the stable operation id; a test keeps them unique.
        options["operation_id"] = options.get("operation_id") or endpoint.__name__
        self.options = options
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = shortened(self, super().get_route_handler())
        known = _query_names(self)

        async def strict(request: Request) -> Response:
            if request.scope["query_string"]:
                _check_query(request, known)
            return await handle(StrictRequest(request.scope, request.receive))

        return strict


def _check_query(request: Request, known: frozenset[str]) -> None:
    """Raise `BadRequest` for a parameter that is unknown or, as in bodies, has a NUL."""
    if not known.issuperset(request.query_params):
        raise _unknown_parameter(set(request.query_params) - known)
    if b"%00" in request.scope["query_string"]:
        sent = request.query_params.multi_items()
        for name in (name for name, value in sent if "\0" in value):
            raise BadRequest(BAD_TEXT, code="bad-text", pointer=pointer(("query", name)))


def _unknown_parameter(names: set[str]) -> BadRequest:
    place = pointer(("query", min(names)))
    return BadRequest(UNKNOWN_PARAMETER, code="unknown-parameter", pointer=place)


UNKNOWN_PARAMETER = Text(
    "请求中有未知的查询参数。", "The request has a query parameter this operation does not know."
)


def _query_names(route: APIRoute) -> frozenset[str]:
    fields = get_flat_params(route.dependant)
    return frozenset(field.alias for field in fields if isinstance(field.field_info, Query))


def _says_json(content_type: str) -> bool:
    kind, _, parameters = content_type.partition(";")
    if kind.strip().lower() not in {"application/json", "application/fhir+json"}:
        return False
    charset = re.search(r"charset\s*=\s*\"?([\w-]+)", parameters, re.IGNORECASE)
    return charset is None or charset[1].lower() in {"utf-8", "utf8"}


class _Inflation:
    """Gunzips piece by piece and stops at the limit, whatever the compression ratio."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        self._inflated = 0

    def feed(self, chunk: bytes) -> bytes:
        room = INFLATED_LIMIT - self._inflated + 1
        try:
            piece = self._stream.decompress(chunk, room)
        except zlib.error:
            raise Refusal(Malformed(NOT_GZIP)) from None
        self._inflated += len(piece)
        if self._inflated > INFLATED_LIMIT:
            raise Refusal(TooLarge())
        return piece

    def finish(self) -> None:
        if not self._stream.eof or self._stream.unused_data:
            raise Refusal(Malformed(NOT_GZIP))


def _inflation(encoding: str) -> _Inflation | None:
    name = encoding.strip().lower()
    if name in {"", "identity"}:
        return None
    if name == "gzip":
        return _Inflation()
    raise Refusal(Unsupported())


NOT_GZIP = Text("压缩内容不完整或已损坏。", "The gzip stream is damaged or incomplete.")
NOT_UTF8 = Text("请求不是 UTF-8 文本。", "The body is not UTF-8 text.")
NOT_JSON = Text("请求不是合法的 JSON。", "The body is not a JSON document.")
TWICE = Text("同一对象中成员名重复。", "An object has the same member twice.")
NOT_FINITE = Text("数值超出可表示范围。", "A number is not finite or too large.")
BAD_TEXT = Text("文本中有不允许的字符。", "A text has a lone surrogate or a NUL character.")
TOO_DEEP = Text("嵌套过深。", "The document is nested too deeply.")

_SUSPECT_NUMBER = re.compile(rb"[eE]\+?\d{3}|\d{17}")
_SUSPECT_TEXT = re.compile(rb"\\u(?:[dD][89a-fA-F]|0000)")
_UNFIT = re.compile("[\0\ud800-\udfff]")
_PLACES = {"duplicate-member": places.of_member, "not-finite": places.of_number}


def parse(raw: bytes) -> Any:
    """A JSON document under the rules above, or `Malformed` naming the rule and the place."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed(NOT_UTF8, code="not-utf8") from None
    if is_deeper(raw, DEPTH_LIMIT):
        raise Malformed(TOO_DEEP, code="too-deep")
    # Most bodies hold no number or escape that could break a rule, and skip the slow readers.
    careful = _SUSPECT_NUMBER.search(raw) is not None
    try:
        document = json.loads(
            text,
            object_pairs_hook=_once,
            parse_constant=_refuse_constant,
            parse_float=_finite if careful else None,
            parse_int=_whole if careful else None,
        )
    except Malformed as refusal:
        refusal.pointer = _PLACES[refusal.code](text)
        raise
    except ValueError:
        raise Malformed(NOT_JSON, code="not-json") from None
    if _SUSPECT_TEXT.search(raw):
        _refuse_bad_text(document)
    return document


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Malformed(TWICE, code="duplicate-member")
    return members


def _refuse_constant(_: str) -> Any:
    raise Malformed(NOT_FINITE, code="not-finite")


def _finite(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise Malformed(NOT_FINITE, code="not-finite")
    return value


def _whole(digits: str) -> int:
    if len(digits) > places.LONGEST_NUMBER:
        raise Malformed(NOT_FINITE, code="not-finite")
    return int(digits)


def _refuse_bad_text(document: Any) -> None:
    if (place := places.of_text(document, _unfit)) is not None:
        raise Malformed(BAD_TEXT, code="bad-text", pointer=place)


def _unfit(text: str) -> bool:
    return _UNFIT.search(text) is not None
