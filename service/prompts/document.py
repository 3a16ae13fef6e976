"""The stored whole prompt: JSON, compressed, sealed, with the day, the rules and the instant until
which it is true."""

import json
import struct
import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from consent.decision import Permit
from service.domain.risk.rules import in_force
from service.keys.vault import Vault
from service.kit.clock import city_day
from service.kit.sealed import Sealed
from service.prompts import store

FRAME = 4096
"""Bytes of a stored prompt, padded; a larger one takes the next power of two."""
_LABEL = struct.Struct(">I12sd")
"""Ahead of the compressed JSON: the day's ordinal, the rule pack, and when a level would fall."""
_FORM = 1 << 31
"""Set in the ordinal by this form of the label; a document of an older form is made anew."""
NEVER = float("inf")


def spelled(prompt: Mapping[str, Any]) -> bytes:
    return json.dumps(prompt, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def keep(
    connection: Connection,
    vault: Vault,
    permit: Permit,
    text: bytes,
    *,
    rev: int,
    now: datetime,
    until: datetime | None,
) -> None:
    end = NEVER if until is None else until.timestamp()
    packed = _LABEL.pack(*_made(now), end) + zlib.compress(text, 6)
    frame = FRAME if len(packed) + 4 <= FRAME else None
    sealed = vault.seal_owner(permit, store.now_place(permit.subject, rev), packed, frame=frame)
    store.keep(connection, permit.subject, rev, sealed)


def opened(vault: Vault, permit: Permit, rev: int, sealed: bytes, now: datetime) -> bytes | None:
    """The JSON again; None when it was made on another day or under other rules, or is over."""
    packed = vault.open_owner(Sealed(sealed, store.now_place(permit.subject, rev)), permit)
    day, rules, end = _LABEL.unpack_from(packed)
    if (day, rules) != _made(now) or now.timestamp() >= end:
        return None
    return zlib.decompress(packed[_LABEL.size :])


def _made(now: datetime) -> tuple[int, bytes]:
    return city_day(now).toordinal() | _FORM, in_force().pack.encode()[:12].ljust(12, b"\0")
