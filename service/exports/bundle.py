"""An export as a FHIR R4 Bundle of type collection, a resource at a time."""

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

from service.exports import resources
from service.exports.codings import urn
from service.exports.form import FORMAT, Head, Piece

RESOURCES = 500
"""Resources spelled at a time: a day of a sensor has tens of thousands."""
_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


class Bundle:
    """The patient's id is all that the resources say of who it is."""

    media_type = "application/fhir+json"
    suffix = "json"

    def __init__(self) -> None:
        self._patient = ""
        self._is_first = True

    def begin(self, head: Head) -> bytes:
        self._patient = head.resident
        envelope = {
            "resourceType": "Bundle",
            "meta": {"tag": [{"system": urn("export"), "code": FORMAT}]},
            "type": "collection",
            "timestamp": head.made_at,
        }
        return (_COMPACT.encode(envelope)[:-1] + ',"entry":[').encode()

    def piece(self, piece: Piece) -> Iterator[bytes]:
        entries = (
            _COMPACT.encode(_entry(resource))
            for item in piece.items
            for resource in resources.of(piece.kind, item, self._patient)
        )
        while some := list(islice(entries, RESOURCES)):
            yield (("" if self._is_first else ",") + ",".join(some)).encode()
            self._is_first = False

    def end(self) -> bytes:
        return b"]}\n"

    def drop(self) -> None:
        """Nothing is held."""


def _entry(resource: dict[str, Any]) -> dict[str, Any]:
    return {"fullUrl": f"urn:uuid:{resource['id']}", "resource": resource}
