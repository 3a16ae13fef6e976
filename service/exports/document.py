"""An export as one JSON object: a member of each kind, in the shapes of the HTTP contract."""

import json
from collections.abc import Iterator

from service.exports.form import FORMAT, Head, Piece

_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


class Document:
    """Lists are opened with their first piece and closed when the next kind begins."""

    media_type = "application/json"
    suffix = "json"

    def __init__(self) -> None:
        self._kind = ""
        self._close = ""
        self._is_first = True

    def begin(self, head: Head) -> bytes:
        members = {"format": FORMAT, "made_at": head.made_at, "resident_id": head.resident}
        return _COMPACT.encode(members)[:-1].encode()

    def piece(self, piece: Piece) -> Iterator[bytes]:
        opened = ""
        if piece.kind != self._kind:
            opened = f'{self._close},"{piece.kind}":' + ("" if piece.single else "[")
            self._kind, self._is_first = piece.kind, True
            self._close = "" if piece.single else "]"
        elif piece.items:
            opened = "" if self._is_first else ","
        self._is_first = self._is_first and not piece.items
        yield (opened + ",".join(map(_COMPACT.encode, piece.items))).encode()

    def end(self) -> bytes:
        return f"{self._close}}}\n".encode()

    def drop(self) -> None:
        """Nothing is held."""
