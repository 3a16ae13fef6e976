"""Where a list of records goes on: an instant and a key, sealed for one owner and one query.

The cursor travels in URLs, so unlike those of `kit.paging` it must not show its position, which
is a time: it is masked with a keyed hash under the owner's index key. The first half of a cursor
authenticates owner, query and position; a cursor of another resident, of other filters or with a
changed byte is refused.
"""

import base64
import binascii
import struct
from hmac import compare_digest
from typing import NamedTuple
from uuid import UUID

from service.keys.vault import Vault
from service.kit.paging import BadCursor

_POSITION = struct.Struct(">q16s")
_KEY = 16


class Position(NamedTuple):
    """The last item shown: its start in microseconds since 1970 UTC, and its record key."""

    start: int
    record_key: bytes


def write(vault: Vault, resident: UUID, query: str, position: Position) -> str:
    text = _POSITION.pack(*position)
    proof = vault.row_key(resident, f"cursor|{query}|{text.hex()}")
    return base64.urlsafe_b64encode(proof + _masked(vault, resident, proof, text)).decode()


def read(vault: Vault, resident: UUID, query: str, cursor: str) -> Position:
    try:
        raw = base64.b64decode(cursor, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise BadCursor from None
    if len(raw) != _KEY + _POSITION.size:
        raise BadCursor
    proof, masked = raw[:_KEY], raw[_KEY:]
    text = _masked(vault, resident, proof, masked)
    if not compare_digest(proof, vault.row_key(resident, f"cursor|{query}|{text.hex()}")):
        raise BadCursor
    return Position(*_POSITION.unpack(text))


def _masked(vault: Vault, resident: UUID, proof: bytes, text: bytes) -> bytes:
    mask = b"".join(vault.row_key(resident, f"mask|{n}|{proof.hex()}") for n in (0, 1))
    return bytes(a ^ b for a, b in zip(text, mask, strict=False))
