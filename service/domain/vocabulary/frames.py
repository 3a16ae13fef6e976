"""The stored form of samples: short, of a fixed size once padded, and checked when read.

One frame is zlib over `version u8 | decimals u8 | count u32 | bytes of t u32 | t | v`. `t` and `v`
are deltas, zigzag, varint; `v` is scaled to whole numbers by the fewest decimals that lose
nothing, at most `DECIMALS`. zlib's checksum covers all of it. Each frame reads alone.
"""

import struct
import zlib
from collections.abc import Iterable
from math import ceil

import numpy as np

from service.domain.vocabulary.measures import Measure
from service.domain.vocabulary.samples import (
    DAY_SECONDS,
    DECIMALS,
    EMPTY,
    SCALE,
    Columns,
    ordered,
)
from service.domain.vocabulary.varints import Damaged, decode_varints, encode_varints

FRAME_RESERVE = 4
"""Bytes of a frame that padding needs for the length."""
BYTES_OF_A_LIVELY_SAMPLE = 0.7
"""What a sample takes on a day full of movement; steps once a minute then fill one frame."""
VERSION = 1
_HEADER = struct.Struct("<BBII")
_INFLATED_LIMIT = _HEADER.size + 2 * 10 * DAY_SECONDS


def encode(samples: Columns) -> bytes:
    """One frame's worth of bytes, of whatever length the samples need."""
    whole = np.rint(samples.v * SCALE).astype(np.int64)
    decimals = DECIMALS
    while decimals and not (whole % 10).any():
        whole, decimals = whole // 10, decimals - 1
    t = encode_varints(np.diff(samples.t, prepend=0))
    v = encode_varints(np.diff(whole, prepend=0))
    header = _HEADER.pack(VERSION, decimals, samples.t.size, len(t))
    return zlib.compress(header + t + v, 6)


def decode(text: bytes) -> Columns:
    """The samples of one frame; raises `Damaged` for anything `encode` did not write."""
    body = _inflate(text)
    if len(body) < _HEADER.size:
        raise Damaged("the header is cut off")
    version, decimals, count, bytes_of_t = _HEADER.unpack_from(body)
    if version != VERSION or decimals > DECIMALS:
        raise Damaged("the version is unknown")
    middle = _HEADER.size + bytes_of_t
    t = np.cumsum(decode_varints(body[_HEADER.size : middle]))
    v = np.cumsum(decode_varints(body[middle:]))
    if t.size != count or v.size != count:
        raise Damaged("the columns differ in length")
    if count and (int(t[0]) < 0 or int(t[-1]) >= DAY_SECONDS or bool((t[1:] <= t[:-1]).any())):
        raise Damaged("the seconds are not those of a day")
    return Columns(t, v / 10**decimals)


def _inflate(text: bytes) -> bytes:
    stream = zlib.decompressobj()
    try:
        body = stream.decompress(text, _INFLATED_LIMIT)
    except zlib.error as error:
        raise Damaged("the frame does not inflate") from error
    if not stream.eof or stream.unused_data:
        raise Damaged("the frame is cut off or has a tail")
    return body


def frame_bytes(measure: Measure) -> int:
    """The fixed size of a sealed frame of this measure (docs/measures.md lists them)."""
    if measure.frame is None:
        raise ValueError(f"{measure.code} is not kept as a series")
    return measure.frame


def encode_frames(measure: Measure, samples: Columns) -> list[bytes]:
    """The day as frames that each fit `frame_bytes` once padded; at least one.

    How many there are is told by how often the device measures, not by what it finds: a quiet day
    takes the frames that a lively one of as many samples would need.
    """
    room = frame_bytes(measure) - FRAME_RESERVE
    return _split(samples, ceil(samples.t.size * BYTES_OF_A_LIVELY_SAMPLE / room) or 1, room)


def _fitted(samples: Columns, room: int) -> list[bytes]:
    text = encode(samples)
    if len(text) <= room:
        return [text]
    # As many pieces as the length asks for, each halved again where it still does not fit.
    return _split(samples, len(text) // room + 1, room)


def _split(samples: Columns, pieces: int, room: int) -> list[bytes]:
    cuts = np.array_split(np.arange(samples.t.size), pieces)
    return [
        frame for cut in cuts for frame in _fitted(Columns(samples.t[cut], samples.v[cut]), room)
    ]


def decode_frames(frames: Iterable[bytes]) -> Columns:
    """The day again from its frames."""
    parts = [decode(frame) for frame in frames]
    if not parts:
        return EMPTY
    t = np.concatenate([part.t for part in parts])
    return ordered(t, np.concatenate([part.v for part in parts]))
