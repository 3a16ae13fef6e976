"""Cursors for keyset paging: opaque, signed, and good only for the list they were made for."""

import base64
import binascii
import json
from collections.abc import Sequence

from consent.vocabulary import Text
from service.kit.errors import BadRequest
from service.kit.hashing import keyed, same

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

    def _tag(self, scope: Sequence[str], body: bytes) -> bytes:
        parts = [part.encode("utf-8", "surrogatepass") for part in scope]
        return keyed(self._secret, b"cursor", *parts, b"", body)[:TAG_BYTES]
