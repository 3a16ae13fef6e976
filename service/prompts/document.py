"""The stored whole prompt: JSON, compressed, sealed, with the day, the rules and the instant until
which it is true.

It is compressed against the sentences and citations that prompts are made of. Somebody with much
to be told then needs no larger frame than others: the frames of a stolen store look alike.
"""

import json
import struct
import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from consent.decision import Permit
from service.domain.risk.advice import MESSAGES
from service.domain.risk.assess import CAVEAT
from service.domain.risk.catalogue import MODELS
from service.domain.risk.instruments import CAVEATED
from service.domain.risk.paths import ESTIMATE, TOO_FAR
from service.domain.risk.rules import in_force
from service.keys.vault import Vault
from service.kit.clock import city_day
from service.kit.sealed import Sealed
from service.prompts import store

FRAME = 4096
"""Bytes of a stored prompt, padded; a larger one takes the next power of two."""
_LABEL = struct.Struct(">II12sd")
"""Ahead of the compressed JSON: the day's ordinal, which words it was compressed against, the rule
pack, and when a level would fall."""
_FORM = 3 << 30
"""Set in the ordinal by this form of the label; a document of an older form is made anew."""
NEVER = float("inf")


def _words() -> bytes:
    """Pieces of prompts as they are spelled, the most frequent last."""
    said: list[dict[str, Any]] = [
        {"id": one["id"], "text": {"zh": one["zh"], "en": one["en"]}, "citation": one["citation"]}
        for one in MESSAGES
    ]
    models = [
        {
            "model": model.id,
            "source": model.citation,
            "grade": model.grade,
            "notes": [model.caveat.both()] if model.grade in CAVEATED else [],
        }
        for model in MODELS.values()
    ]
    notes = [{"path_note": TOO_FAR.both()}, {"path_note": ESTIMATE.both()}, {"caveat": CAVEAT}]
    return b"".join(map(spelled, (*said, *models, *notes)))


def spelled(prompt: Mapping[str, Any]) -> bytes:
    return json.dumps(prompt, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


WORDS = _words()
WORDS_ID = zlib.adler32(WORDS)


def packed(text: bytes, now: datetime, until: datetime | None) -> bytes:
    """The label and the compressed JSON, as they are sealed."""
    end = NEVER if until is None else until.timestamp()
    squeezed = zlib.compressobj(6, zdict=WORDS)
    return _LABEL.pack(*_made(now), end) + squeezed.compress(text) + squeezed.flush()


def fits(whole: bytes) -> bool:
    """Whether it goes into the frame that all others have."""
    return len(whole) + 4 <= FRAME


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
    whole = packed(text, now, until)
    frame = FRAME if fits(whole) else None
    sealed = vault.seal_owner(permit, store.now_place(permit.subject, rev), whole, frame=frame)
    store.keep(connection, permit.subject, rev, sealed)


def opened(vault: Vault, permit: Permit, rev: int, sealed: bytes, now: datetime) -> bytes | None:
    """The JSON again; None when it was made on another day, in other words or under other rules,
    or is over."""
    whole = vault.open_owner(Sealed(sealed, store.now_place(permit.subject, rev)), permit)
    day, words, rules, end = _LABEL.unpack_from(whole)
    if (day, words, rules) != _made(now) or now.timestamp() >= end:
        return None
    return zlib.decompressobj(zdict=WORDS).decompress(whole[_LABEL.size :])


def _made(now: datetime) -> tuple[int, int, bytes]:
    pack = in_force().pack.encode()[:12].ljust(12, b"\0")
    return city_day(now).toordinal() | _FORM, WORDS_ID, pack
