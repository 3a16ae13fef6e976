"""The authenticated context of a ciphertext: fixed width, so no two places encode alike.

deployment 16 | table 16 | column 16 | resident 16 | row 16 | day i64 | class tag 8 |
measure tag 8 | row revision u64. Deployment and names are cut digests of the suite's hash.
"""

import struct

from service.kit.crypto.aead import AES_256_GCM, Suite
from service.kit.sealed import Place

_CONTEXT = struct.Struct(">48sQQ16sq8s8sQ")
CONTEXT_BYTES = _CONTEXT.size
_LOW_HALF = (1 << 64) - 1


class Context:
    """Encodes places of one deployment. Names of tables and columns are a small closed set."""

    def __init__(self, deployment: bytes, suite: Suite = AES_256_GCM) -> None:
        self._digest = suite.digest
        self._deployment = self._digest(deployment)[:16]
        self._prefixes: dict[tuple[str, str], bytes] = {}

    def of(self, place: Place) -> bytes:
        table, column, resident, row, day, class_tag, measure_tag, revision = place
        # struct would silently pad or cut a wrong width, and two places could then look alike.
        if len(row) != 16 or len(class_tag) != 8 or len(measure_tag) != 8:
            raise ValueError("a row has 16 bytes and a tag has 8")
        try:
            prefix = self._prefixes[table, column]
        except KeyError:
            prefix = self._prefix(table, column)
        subject = resident.int
        # The sixteen bytes of a UUID as two halves: quicker than asking it for them.
        return _CONTEXT.pack(
            prefix,
            subject >> 64,
            subject & _LOW_HALF,
            row,
            day,
            class_tag,
            measure_tag,
            revision,
        )

    def _prefix(self, table: str, column: str) -> bytes:
        names = self._digest(table.encode())[:16] + self._digest(column.encode())[:16]
        prefix = self._deployment + names
        self._prefixes[table, column] = prefix
        return prefix
