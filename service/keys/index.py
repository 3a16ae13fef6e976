"""What one resident's index key blinds: tags, row keys and days.

All of it is deterministic for one resident and unrelated between residents, so a stolen table
shows which of one person's rows share a class and nothing across persons.
"""

from datetime import date

from service.kit.crypto import kdf
from service.kit.crypto.aead import AES_256_GCM, SUITES
from service.kit.errors import IntegrityBroken

DAY_SPAN = 1 << 30
"""Offsets are drawn below this, so a shifted day (at most 3,652,059 more) fits a signed int32."""
_REMEMBERED = 512


class Index:
    """The blinding of one resident under K_idx. Tags are remembered, they are asked for often."""

    __slots__ = ("_key", "_offset", "_suite", "_tags")

    def __init__(self, key: bytes, suite: int = AES_256_GCM.number) -> None:
        self._key = key
        self._suite = SUITES[suite]
        self._offset = int.from_bytes(self._tag("day", "", 4), "big") % DAY_SPAN
        self._tags: dict[tuple[str, str], bytes] = {}

    def tag(self, kind: str, text: str) -> bytes:
        """Eight bytes that stand for a class or a measure."""
        found = self._tags.get((kind, text))
        if found is None:
            found = self._tag(kind, text, 8)
            if len(self._tags) < _REMEMBERED:
                self._tags[kind, text] = found
        return found

    def row_key(self, text: str) -> bytes:
        """Sixteen bytes that stand for an id a client chose (which may carry a time)."""
        return self._tag("row", text, 16)

    def shift(self, day: date) -> int:
        return day.toordinal() + self._offset

    def unshift(self, shifted: int) -> date:
        """The day again; IntegrityBroken when no day shifts to this number."""
        try:
            return date.fromordinal(shifted - self._offset)
        except (ValueError, OverflowError):
            raise IntegrityBroken from None

    def _tag(self, kind: str, text: str, size: int) -> bytes:
        return kdf.tag(self._key, kind, text.encode(), size, self._suite)
