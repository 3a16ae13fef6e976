"""Whole numbers as short bytes: zigzag, seven bits a byte, the eighth says that more follow."""

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int64]
LONGEST = 10
"""Bytes of the longest 64-bit number."""


class Damaged(ValueError):
    """The bytes are not an encoded column: cut off, altered or of another kind."""


def encode_varints(numbers: Whole) -> bytes:
    """Signed 64-bit numbers, small ones in one byte."""
    folded = ((numbers << 1) ^ (numbers >> 63)).view(np.uint64)
    if folded.size == 0 or int(folded.max()) < 0x80:
        return folded.astype(np.uint8).tobytes()
    lengths = _lengths(folded)
    ends = np.cumsum(lengths)
    out = np.zeros(int(ends[-1]), np.uint8)
    starts = ends - lengths
    for position in range(int(lengths.max())):
        here = lengths > position
        piece = (folded[here] >> np.uint64(7 * position)) & np.uint64(0x7F)
        more = (lengths[here] > position + 1).astype(np.uint8) << 7
        out[starts[here] + position] = piece.astype(np.uint8) | more
    return out.tobytes()


def decode_varints(text: bytes) -> Whole:
    """The numbers again; raises `Damaged` when the last one is cut off or one is too long."""
    octets = np.frombuffer(text, np.uint8)
    if octets.size == 0:
        return np.zeros(0, np.int64)
    if octets[-1] & 0x80:
        raise Damaged("a number is cut off")
    if int(octets.max()) < 0x80:
        return _unfold(octets.astype(np.uint64))
    ends = np.flatnonzero(octets < 0x80)
    starts = np.concatenate(([0], ends[:-1] + 1))
    if int((ends - starts).max()) >= LONGEST:
        raise Damaged("a number is too long")
    shifts = np.arange(octets.size) - np.repeat(starts, ends - starts + 1)
    pieces = (octets & 0x7F).astype(np.uint64) << (7 * shifts).astype(np.uint64)
    return _unfold(np.add.reduceat(pieces, starts))


def _lengths(folded: NDArray[np.uint64]) -> Whole:
    lengths = np.ones(folded.size, np.int64)
    for position in range(1, LONGEST):
        longer = folded >= np.uint64(1 << (7 * position))
        if not longer.any():
            break
        lengths += longer
    return lengths


def _unfold(folded: NDArray[np.uint64]) -> Whole:
    half = (folded >> np.uint64(1)).view(np.int64)
    return half ^ -(folded & np.uint64(1)).view(np.int64)
