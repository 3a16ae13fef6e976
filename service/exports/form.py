"""What every form of an export is: pieces go in, bytes come out, nothing is held for long.

A form is closed by `end` alone. A stream that breaks off before it is no valid file in any form:
whoever reads it learns that something is missing.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

FORMAT = "kangma-export/1"
"""Names the shape of an export in every form; another shape gets another number."""


class Head(NamedTuple):
    """Whose export it is, and when it was begun (RFC 3339)."""

    resident: str
    made_at: str


class Piece(NamedTuple):
    """Some of the things of one kind, in the shapes of the HTTP contract.

    The pieces of one kind come together. A kind of which there is only ever one is `single`.
    """

    kind: str
    items: Sequence[dict[str, Any]]
    single: bool


class Form(Protocol):
    """One way to spell an export."""

    media_type: str
    suffix: str

    def begin(self, head: Head) -> bytes: ...
    def piece(self, piece: Piece) -> Iterator[bytes]: ...
    def end(self) -> bytes: ...
    def drop(self) -> None:
        """Let go of everything; what is still to come is not sent."""
