"""The newest readings of one data class, in a frame of fixed size.

A frame lists entries, newest first: the first bytes of the record's key, the instant in
milliseconds, and what was read. It keeps as many readings of a measure as an assessment looks at
and lets older ones go, so assessing never scans records. Diagnoses, medicines and family history
are readings too: their name is `condition:<code>` and the like, their value the status.
"""

import json
import zlib
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from typing import NamedTuple

from service.kit.errors import IntegrityBroken

FRAME_BYTES = 1024
"""Size of the padded plaintext of every slot of `latest`."""
ROOM = FRAME_BYTES - 8
"""What a packed frame may take of it; the rest is the seal's own length field."""
KEY_BYTES = 5
"""Enough of a record's key to find it again among the few dozen entries of a frame."""

KEPT = {
    "systolic_bp": 8,
    "diastolic_bp": 8,
    "egfr": 4,
    "creatinine": 4,
    "smoking_status": 4,
    "fev1": 1,
    "fev1_fvc": 1,
    "dxa_t_lumbar": 1,
    "dxa_t_hip": 1,
}
"""Readings kept where an assessment looks further back: home pressures are averaged over a week,
kidney values compared over three months, and the oldest of a former smoker's says since when. Of
a check that was done, the last one alone counts."""
KEEP = 2
"""Readings kept of everything else: the newest and the one before it."""

PLAIN, SQUEEZED = b"p", b"z"
_spell = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode

Value = float | str


class Entry(NamedTuple):
    """What one record tells of this class. `at` is in milliseconds since 1970 UTC."""

    key: str
    at: int
    values: Mapping[str, Value]
    clinical: bool = False
    """Whether a practitioner entered it."""


@dataclass(slots=True)
class Frame:
    """`cut` is True when something was let go for want of room."""

    entries: list[Entry] = field(default_factory=list)
    cut: bool = False


def keep(name: str) -> int:
    """How many readings of a measure a frame holds; of a diagnosis only what was said last."""
    if ":" in name:
        return 1
    return KEPT.get(name, KEEP)


def short_key(record_key: bytes) -> str:
    return record_key[:KEY_BYTES].hex()


def with_entries(frame: Frame, fresh: Iterable[Entry]) -> Frame:
    """The frame with these entries in place of what it held under the same keys."""
    fresh = list(fresh)
    keys = {entry.key for entry in fresh}
    entries = [entry for entry in fresh if entry.values]
    entries += [entry for entry in frame.entries if entry.key not in keys]
    entries.sort(key=lambda entry: entry.at, reverse=True)
    return Frame(_newest(entries), frame.cut)


def holds(frame: Frame, key: str, but: Set[str] = frozenset()) -> bool:
    """Whether a record is in the frame with anything but these names."""
    return any(entry.key == key and not entry.values.keys() <= but for entry in frame.entries)


def forgets(frame: Frame, keys: Iterable[str]) -> bool:
    """Whether taking these records out may bring back a reading that was let go earlier."""
    gone = set(keys)
    touched = [entry for entry in frame.entries if entry.key in gone]
    if not touched:
        return False
    counts: dict[str, int] = {}
    for entry in frame.entries:
        for name in entry.values:
            counts[name] = counts.get(name, 0) + 1
    full = any(counts[name] >= keep(name) for entry in touched for name in entry.values)
    return frame.cut or full


def pack(frame: Frame) -> bytes:
    """The bytes to seal; the oldest spare readings are let go until they fit the frame."""
    text = _packed(frame)
    while len(text) > ROOM:
        frame = Frame(_without_one(frame.entries), cut=True)
        text = _packed(frame)
    return text


def unpack(text: bytes) -> Frame:
    if not text:
        return Frame()
    try:
        plain = text[1:] if text[:1] == PLAIN else zlib.decompress(text[1:])
        cut, entries = json.loads(plain)
        return Frame([Entry(*entry) for entry in entries], bool(cut))
    except (zlib.error, ValueError, TypeError) as odd:
        raise IntegrityBroken from odd


def _packed(frame: Frame) -> bytes:
    """Compressed only where it must be: most frames have room to spare, and time counts."""
    if not frame.entries and not frame.cut:
        return b""
    # Few entries are a practitioner's, and room is scarce.
    entries = [entry if entry.clinical else entry[:3] for entry in frame.entries]
    plain = _spell([int(frame.cut), entries]).encode()
    return PLAIN + plain if len(plain) < ROOM else SQUEEZED + zlib.compress(plain, 1)


def _newest(entries: list[Entry]) -> list[Entry]:
    """Of entries sorted newest first, what an assessment looks at."""
    seen: dict[str, int] = {}
    kept = []
    for entry in entries:
        values = {}
        for name, value in entry.values.items():
            count = seen[name] = seen.get(name, 0) + 1
            if count <= keep(name):
                values[name] = value
        if values:
            kept.append(entry._replace(values=values))
    return kept


def _without_one(entries: list[Entry]) -> list[Entry]:
    """Without the oldest entry that only repeats what newer ones tell, else without the oldest."""
    for place in range(len(entries) - 1, 0, -1):
        newer = {name for entry in entries[:place] for name in entry.values}
        if newer.issuperset(entries[place].values):
            return entries[:place] + entries[place + 1 :]
    return entries[:-1]
