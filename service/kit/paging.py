"""Cursors for keyset paging: opaque, signed, and good only for the list they were made for."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import TypeVar
from uuid import UUID

from consent.vocabulary import Text
from service.kit.errors import BadRequest
from service.kit.hashing import keyed, same

T = TypeVar("T")
Key = str | int | float | None
TAG_BYTES = 16
LONGEST = 512


class BadCursor(BadRequest):
    code = "bad-cursor"
    pointer = "/query/cursor"
    sentence = Text(
        "游标无效，请从头开始。", "The cursor is not valid here; start from the first page."
    )


class Cursors:
    """Makes and reads cursors. `scope` names owner, operation and filters in any fixed order."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def make(self, scope: Sequence[str], position: Sequence[Key]) -> str:
        """A cursor behind `position`, the sort keys of the last item of a page."""
        body = json.dumps(list(position), separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._tag(scope, body) + body).rstrip(b"=").decode()

    def read(self, scope: Sequence[str], cursor: str) -> list[Key]:
        """The position of a cursor made for the same scope, or `BadCursor`."""
        try:
            raw = base64.b64decode(
                cursor[:LONGEST] + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True
            )
        except (binascii.Error, ValueError):
            raise BadCursor from None
        tag, body = raw[:TAG_BYTES], raw[TAG_BYTES:]
        if len(cursor) > LONGEST or not same(tag, self._tag(scope, body)):
            raise BadCursor
        position: list[Key] = json.loads(body)
        return position

    def page(
        self,
        scope: Sequence[str],
        items: Sequence[T],
        id_of: Callable[[T], UUID],
        *,
        cursor: str | None,
        limit: int,
    ) -> tuple[Sequence[T], str | None]:
        """A page of a list that is at hand as a whole, and the cursor of the next one."""
        position = None if cursor is None else self.read(scope, cursor)
        shown, more = stretch(items, id_of, position, limit)
        return shown, self.make(scope, [str(id_of(shown[-1]))]) if more else None

    def _tag(self, scope: Sequence[str], body: bytes) -> bytes:
        parts = [part.encode("utf-8", "surrogatepass") for part in scope]
        return keyed(self._secret, b"cursor", *parts, b"", body)[:TAG_BYTES]


def stretch(
    items: Sequence[T], id_of: Callable[[T], UUID], position: Sequence[Key] | None, limit: int
) -> tuple[Sequence[T], bool]:
    """The items behind the one whose id a cursor held, and whether any are left after them.

    `BadCursor` when that one is not in the list any more.
    """
    start = 0
    if position is not None:
        ids = [str(id_of(item)) for item in items]
        if position[0] not in ids:
            raise BadCursor
        start = ids.index(position[0]) + 1
    return items[start : start + limit], start + limit < len(items)
