"""The stored whole prompt: JSON, compressed, sealed, with the day and rules it was made under."""

import json
import struct
import zlib
from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import Connection

from consent.decision import Permit
from service.domain.risk.rules import in_force
from service.keys.vault import Vault
from service.kit.sealed import Sealed
from service.prompts import store

FRAME = 4096
"""Bytes of a stored prompt, padded; a larger one takes the next power of two."""
_LABEL = struct.Struct(">I12s")
"""Ahead of the compressed JSON: the day's ordinal, and the rule pack."""


def spelled(prompt: Mapping[str, Any]) -> bytes:
    return json.dumps(prompt, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def keep(
    connection: Connection, vault: Vault, permit: Permit, text: bytes, *, rev: int, day: date
) -> None:
    packed = _LABEL.pack(day.toordinal(), _rules()) + zlib.compress(text, 6)
    frame = FRAME if len(packed) + 4 <= FRAME else None
    sealed = vault.seal_owner(permit, store.now_place(permit.subject, rev), packed, frame=frame)
    store.keep(connection, permit.subject, rev, sealed)


def opened(vault: Vault, permit: Permit, rev: int, sealed: bytes, day: date) -> bytes | None:
    """The JSON again; None when it was made on another day or under other rules."""
    packed = vault.open_owner(Sealed(sealed, store.now_place(permit.subject, rev)), permit)
    if _LABEL.unpack_from(packed) != (day.toordinal(), _rules()):
        return None
    return zlib.decompress(packed[_LABEL.size :])


def _rules() -> bytes:
    return in_force().pack.encode()[:12].ljust(12, b"\0")
