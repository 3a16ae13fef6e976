"""The authenticated context of a ciphertext: fixed width, so no two places encode alike.

deployment 16 | table 16 | column 16 | resident 16 | row 16 | day i64 | class tag 8 |
measure tag 8 | row revision u64. Deployment and names are cut SHA-256 digests.
"""

import struct
from hashlib import sha256

from service.kit.sealed import Place

_CONTEXT = struct.Struct(">48s16s16sq8s8sQ")
CONTEXT_BYTES = _CONTEXT.size


def _digest(text: bytes) -> bytes:
    return sha256(text).digest()[:16]


class Context:
    """Encodes places of one deployment. Names of tables and columns are a small closed set."""

    def __init__(self, deployment: bytes) -> None:
        self._deployment = _digest(deployment)
        self._prefixes: dict[tuple[str, str], bytes] = {}

    def of(self, place: Place) -> bytes:
        table, column, resident, row, day, class_tag, measure_tag, revision = place
        # struct would silently pad or cut a wrong width, and two places could then look alike.
        if len(row) != 16 or len(class_tag) != 8 or len(measure_tag) != 8:
            raise ValueError("a row has 16 bytes and a tag has 8")
        prefix = self._prefixes.get((table, column)) or self._prefix(table, column)
        return _CONTEXT.pack(prefix, resident.bytes, row, day, class_tag, measure_tag, revision)

    def _prefix(self, table: str, column: str) -> bytes:
        prefix = self._deployment + _digest(table.encode()) + _digest(column.encode())
        self._prefixes[table, column] = prefix
        return prefix
