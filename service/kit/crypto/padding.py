"""Lengths tell stories, so texts are padded before sealing: to powers of two, or to a given frame.

A padded text is `length u32 | text | zeros`; the sizes below count those four bytes too.
"""

import struct

from service.kit.errors import IntegrityBroken

_LENGTH = struct.Struct(">I")
LENGTH_BYTES = _LENGTH.size
SMALLEST = 64


def bucket(size: int) -> int:
    """The smallest of 64, 128, 256, 512, 1,024, ... bytes that holds a text of `size` bytes."""
    needed = size + LENGTH_BYTES
    return SMALLEST if needed <= SMALLEST else 1 << (needed - 1).bit_length()


def capacity(frame: int) -> int:
    """How many bytes of text fit a frame."""
    return frame - LENGTH_BYTES


def pad(text: bytes, frame: int | None = None) -> bytes:
    """The text in its bucket or in exactly `frame` bytes; ValueError when it does not fit."""
    size = len(text)
    needed = size + LENGTH_BYTES
    whole = frame
    if whole is None:
        whole = SMALLEST if needed <= SMALLEST else 1 << (needed - 1).bit_length()
    elif needed > whole:
        raise ValueError("the text is longer than its frame")
    return (_LENGTH.pack(size) + text).ljust(whole, b"\0")


def unpad(padded: bytes) -> bytes:
    """The text inside; IntegrityBroken when the length cannot be."""
    if len(padded) < LENGTH_BYTES:
        raise IntegrityBroken
    (size,) = _LENGTH.unpack_from(padded)
    end = LENGTH_BYTES + size
    if end > len(padded):
        raise IntegrityBroken
    return padded[LENGTH_BYTES:end]
