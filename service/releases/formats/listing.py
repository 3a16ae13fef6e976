"""JSON of an object with one long list, without holding all of the list at once."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from service.kit.hashing import canonical_json

BATCH = 32


def listing(envelope: dict[str, Any], member: str, items: Iterable[Any]) -> bytes:
    """What `canonical_json({**envelope, member: [*items]})` says, made batch by batch."""
    empty = canonical_json({member: []})[1:-2]
    head, found, tail = canonical_json({**envelope, member: []}).partition(empty)
    return b"".join((head, found, b",".join(_spelled(iter(items))), tail))


def _spelled(items: Iterator[Any]) -> Iterator[bytes]:
    while batch := list(islice(items, BATCH)):
        yield canonical_json(batch)[1:-1]
